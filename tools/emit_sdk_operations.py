"""Emits the operations of the Python SDK: by tag, and as methods of the things they act on."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath

from apispec import Json, Spec, reference
from emit_bundle import METHODS, ROOT_FILE, path_item
from emit_server import HEADER as SERVER_HEADER
from emit_server import SCALARS, wrap

HEADER = SERVER_HEADER + "# ruff: noqa\n"

# The things that have verbs: where they are, and which of their attributes make the place.
RESOURCES = {
    "/applications/{applicationName}": ("Application", ("name",)),
    "/asterisk/logging/{logChannelName}": ("LogChannel", ("channel",)),
    "/asterisk/modules/{moduleName}": ("Module", ("name",)),
    "/bridges/{bridgeId}": ("Bridge", ("id",)),
    "/channels/{channelId}": ("Channel", ("id",)),
    "/deviceStates/{deviceName}": ("DeviceState", ("name",)),
    "/endpoints/{tech}/{resource}": ("Endpoint", ("technology", "resource")),
    "/mailboxes/{mailboxName}": ("Mailbox", ("name",)),
    "/playbacks/{playbackId}": ("Playback", ("id",)),
    "/recordings/live/{recordingName}": ("LiveRecording", ("name",)),
    "/recordings/stored/{recordingName}": ("StoredRecording", ("name",)),
    "/sounds/{soundId}": ("Sound", ("id",)),
}

# Methods whose name would say twice what the thing is.
BOUND_NAMES = {
    "copy_stored": "copy",
    "delete_stored": "delete",
    "get_stored_file": "download",
    "originate_with_id": None,  # makes the thing
    "create_with_id": None,
}

TAG_ATTRIBUTES = {"events": "user_events"}  # ``client.events`` is the stream


@dataclass(frozen=True)
class Parameter:
    """A parameter of a method.

    :param wire: its name in the query or the body; empty for the whole body.
    """

    name: str
    wire: str
    kind: str
    description: str
    is_required: bool


@dataclass(frozen=True)
class Operation:
    """What a method of the SDK is made from."""

    spec: Spec
    path: str
    method: str
    described: Json
    file: str

    @property
    def id(self) -> str:
        return str(self.described["operationId"])

    @property
    def tag(self) -> str:
        return str(self.described["tags"][0])

    @property
    def name(self) -> str:
        given = self.described.get("x-python-name")
        return str(given) if given else snake_case(self.id.partition(".")[2])

    @property
    def wildcards(self) -> list[Parameter]:
        return [self._parameter(item) for item in self._declared() if item["in"] == "path"]

    @property
    def parameters(self) -> list[Parameter]:
        """What goes into the query or the body, required ones first."""
        found = [self._parameter(item) for item in self._declared() if item["in"] == "query"]
        found += self._body()
        return sorted(found, key=lambda item: not item.is_required)

    @property
    def result(self) -> tuple[str, str]:
        """The type of the result, and the expression that reads it from ``data``."""
        responses = self.described["responses"]
        codes = ("200", "201", "202", "204")
        success = next(responses[code] for code in codes if code in responses)
        content = success.get("content", {})
        if not content:
            return "None", ""
        if "application/json" not in content:
            return "bytes", ""
        schema = content["application/json"]["schema"]
        if name := self._class_of(schema):
            return name, f"{name}.from_wire(answer, self._client)"
        if schema.get("type") == "array" and (name := self._class_of(schema["items"])):
            return (
                f"builtins.list[{name}]",
                f"[{name}.from_wire(item, self._client) for item in answer]",
            )
        return type_of(schema), "data"

    def _declared(self) -> list[Json]:
        return list(self.described.get("parameters", []))

    def _class_of(self, schema: Json) -> str | None:
        target = reference(schema, f"paths/{PurePosixPath(self.file).name}")
        return f"_types.{target.name}" if target else None

    def _parameter(self, item: Json) -> Parameter:
        return Parameter(
            item.get("x-python-name") or snake_case(item["name"]),
            item["name"],
            type_of(item["schema"]),
            item.get("description", ""),
            bool(item.get("required")),
        )

    def _body(self) -> Iterator[Parameter]:
        body = self.described.get("requestBody")
        content = (body or {}).get("content", {}).get("application/json")
        if content is None:
            return
        schema = content["schema"]
        if name := schema.get("x-python-name"):
            kind = "Mapping[str, Any]" if schema.get("type") == "object" else type_of(schema)
            yield Parameter(name, "", kind, schema.get("description", ""), False)
            return
        if "properties" not in schema:
            yield Parameter("body", "", "Any", schema.get("description", "the body"), False)
            return
        required = schema.get("required", ())
        for wire, member in schema["properties"].items():
            name = member.get("x-python-name") or snake_case(wire)
            text = member.get("description", "")
            yield Parameter(name, wire, type_of(member), text, wire in required)


def snake_case(name: str) -> str:
    """Return the Python name of a wire name for which the specification has none."""
    words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", name)
    return re.sub(r"\W+", "_", words).lower()


def type_of(schema: Json) -> str:
    """Return the type of a parameter."""
    kind = schema.get("type")
    if kind == "array":
        return "str | Sequence[str]" if _is_text(schema["items"]) else "Sequence[Any]"
    if kind == "string" and "enum" in schema:
        return f"Literal[{', '.join(map(_quoted, schema['enum']))}]"
    if kind == "object":
        is_text = _is_text(schema.get("additionalProperties") or {})
        return "Mapping[str, str]" if is_text else "Mapping[str, Any]"
    return SCALARS.get(str(kind), "Any")


def _is_text(schema: object) -> bool:
    return isinstance(schema, dict) and schema.get("type") == "string"


def _quoted(value: object) -> str:
    return f'"{value}"'


def operations_of(spec: Spec) -> list[Operation]:
    """Return the operations that are requests, in the specification's order."""
    found = []
    for path, item in spec.document(ROOT_FILE)["paths"].items():
        file, described = path_item(spec, item)
        found += [
            Operation(spec, path, method, described[method], file)
            for method in METHODS
            if method in described and "x-websocket-protocol" not in described[method]
        ]
    return found


# by tag


def emit_operations(spec: Spec) -> str:
    """Return ``_operations.py``."""
    by_tag: dict[str, list[Operation]] = {}
    for operation in operations_of(spec):
        by_tag.setdefault(operation.tag, []).append(operation)
    classes = [_emit_tag(tag, found) for tag, found in sorted(by_tag.items())]
    attributes = [
        f"        self.{TAG_ATTRIBUTES.get(tag, snake_case(tag))} = {_class_name(tag)}(client)"
        for tag in sorted(by_tag)
    ]
    whole = [
        "class Operations:",
        '    """All operations by tag."""',
        "",
        "    def __init__(self, client: Client) -> None:",
        *attributes,
    ]
    head = _head("One method for each operation of the API, gathered by tag.", needs_types=True)
    return "\n\n".join([head, *classes, "\n".join(whole)]).rstrip() + "\n"


def _head(docstring: str, *, needs_types: bool) -> str:
    types, quote = "from arion import _types\n", "from arion._http import quote\n\n"
    return (
        HEADER
        + f'"""{docstring}"""\n\n'
        + "from __future__ import annotations\n\n"
        + "import builtins\n"
        + "from collections.abc import Mapping, Sequence\n"
        + "from typing import TYPE_CHECKING, Any, Literal\n\n"
        + (types + quote if needs_types else "")
        + "if TYPE_CHECKING:\n"
        + ("" if needs_types else "    " + types)
        + "    from arion._client import Client\n"
    )


def _class_name(tag: str) -> str:
    return f"{tag[0].upper()}{tag[1:]}Operations"


def _emit_tag(tag: str, operations: list[Operation]) -> str:
    head = [
        f"class {_class_name(tag)}:",
        f'    """Operations of the tag ``{tag}``."""',
        "",
        "    def __init__(self, client: Client) -> None:",
        "        self._client = client",
        "",
    ]
    return "\n".join(head) + "\n" + "\n".join(map(_emit_operation, operations))


def _emit_operation(operation: Operation) -> str:
    returns, decode = operation.result
    wildcards, parameters = operation.wildcards, operation.parameters
    lines = [f"    async def {operation.name}(", "        self,"]
    lines += [f"        {item.name}: {item.kind}," for item in wildcards]
    lines += ["        *,"] if parameters else []
    lines += map(_signature, parameters)
    lines += [f"    ) -> {returns}:", *_docstring(operation, wildcards + parameters)]
    call = [
        f'            "{operation.id}",',
        f'            "{operation.method.upper()}",',
        f"            {_url(operation)},",
    ]
    in_parts = [item for item in parameters if item.wire]
    if in_parts:
        call.append("            {")
        call += [f'                "{item.wire}": {item.name},' for item in in_parts]
        call.append("            },")
    call += [f"            whole={item.name}," for item in parameters if not item.wire]
    if returns == "bytes":
        lines += ["        return await self._client.download(", *call, "        )"]
    elif returns == "None":
        lines += ["        await self._client.request(", *call, "        )"]
    else:
        lines += ["        answer = await self._client.request(", *call, "        )"]
        lines.append(f"        return {decode}")
    return "\n".join([*lines, ""])


def _signature(item: Parameter) -> str:
    return f"        {item.name}: {item.kind}" + ("," if item.is_required else " | None = None,")


def _url(operation: Operation) -> str:
    url = operation.path
    for item in operation.wildcards:
        value = item.name if item.kind == "str" else f"str({item.name})"
        url = url.replace(f"{{{item.wire}}}", f"{{quote({value})}}")
    return f'f"{url}"' if operation.wildcards else f'"{url}"'


def _docstring(operation: Operation, shown: list[Parameter]) -> list[str]:
    lines = wrap(f'"""{operation.described["summary"]}', "        ", "        ")
    described = [item for item in shown if item.description]
    if not described:
        return [*lines[:-1], lines[-1] + '"""']
    lines.append("")
    for item in described:
        lines += wrap(f":param {item.name}: {item.description}", "        ", "            ")
    return [*lines, '        """']


# as methods of the things


def emit_bound(spec: Spec, resources_source: str) -> str:
    """Return ``_bound.py``.

    :param resources_source: the hand-written classes; what stands there is not generated.
    """
    written = _hand_written(resources_source)
    blocks = []
    for place, (name, attributes) in RESOURCES.items():
        methods: dict[str, str] = {}
        for operation in operations_of(spec):
            method = _bound_name(operation, place)
            if method and method not in written.get(f"{name}Methods", ()):
                # PUT before POST and the like: the first one has the name
                methods.setdefault(method, _emit_bound_method(operation, method, attributes))
        if methods:
            blocks.append(_emit_bound_class(name, attributes, list(methods.values())))
    head = _head("The operations on one thing, as its methods.", needs_types=False)
    return "\n\n".join([head, *blocks]).rstrip() + "\n"


def bound_class(spec: Spec, name: str, resources_source: str) -> str | None:
    """Return what the class of a schema extends: what is written by hand, or what is generated."""
    places = [place for place, (resource, _) in RESOURCES.items() if resource == name]
    if not any(
        _bound_name(operation, place) for operation in operations_of(spec) for place in places
    ):
        return None
    written = f"{name}Methods"
    return written if written in _hand_written(resources_source) else f"Bound{name}"


def _hand_written(source: str) -> dict[str, set[str]]:
    return {
        node.name: {
            item.name
            for item in node.body
            if isinstance(item, ast.FunctionDef | ast.AsyncFunctionDef)
        }
        for node in ast.parse(source).body
        if isinstance(node, ast.ClassDef)
    }


def _bound_name(operation: Operation, place: str) -> str | None:
    if operation.path != place and not operation.path.startswith(f"{place}/"):
        return None
    if operation.path == place and operation.method == "get":
        return "refresh"
    return BOUND_NAMES.get(operation.name, operation.name)


def _emit_bound_class(name: str, attributes: tuple[str, ...], methods: list[str]) -> str:
    lines = [
        f"class Bound{name}:",
        f'    """The operations on one {name}."""',
        "",
        "    __slots__ = ()",
        "",
        "    if TYPE_CHECKING:",
        *(f"        {attribute}: str" for attribute in attributes),
        "        _client: Client",
        "",
        "    @property",
        "    def client(self) -> Client:",
        '        """The client that it was learnt through."""',
        "        return self._client",
        "",
    ]
    return "\n".join(lines) + "\n" + "\n".join(methods)


def _emit_bound_method(operation: Operation, name: str, attributes: tuple[str, ...]) -> str:
    """Emit a method; what is required, or the only parameter, needs no name."""
    own = operation.wildcards[len(attributes) :] + operation.parameters
    positional = [item for item in own if item.is_required or len(own) == 1]
    named = [item for item in own if item not in positional]
    returns, _ = operation.result
    lines = [f"    async def {name}(", "        self,", *map(_signature, positional)]
    lines += ["        *,", *map(_signature, named)] if named else []
    lines += [f"    ) -> {returns}:", *_docstring(operation, own)]
    tag = TAG_ATTRIBUTES.get(operation.tag, snake_case(operation.tag))
    lines.append(f"        return await self._client.{tag}.{operation.name}(")
    lines += [f"            self.{attribute}," for attribute in attributes]
    wildcards = operation.wildcards[len(attributes) :]
    lines += [f"            {item.name}," for item in wildcards]
    lines += [f"            {item.name}={item.name}," for item in operation.parameters]
    return "\n".join([*lines, "        )", ""])
