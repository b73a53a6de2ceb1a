"""Emits what the Python SDK derives from the spec: its types, events and operations."""

from __future__ import annotations

from apispec import EVENTS_FILE, Field, Json, Spec, reference
from emit_sdk_operations import HEADER, bound_class, emit_bound, emit_operations
from emit_server import SCALARS, wrap

DEFAULTS = {"str": '""', "int": "0", "float": "0.0", "bool": "False", "dict[str, Any]": "{}"}

_TYPES_HEAD = '''"""The API's values and events, with the methods of the things that have some."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, Self

{bases}

if TYPE_CHECKING:
    from arion._client import Client

Json = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """What all events have in common.

    :param application: the application that the event is addressed to.
    :param timestamp: when it happened, as the server wrote it.
    :param asterisk_id: the node that it comes from.
    :param seq: its number, if the server numbers events (see ``resume``).
    :param raw: the message as it came.
    """

    type: str
    application: str
    timestamp: str
    asterisk_id: str
    seq: int | None
    raw: Json = field(repr=False, compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class UnknownEvent(Event):
    """An event of a type that this version does not know.

    :param name: its type on the wire; ``raw`` has all of it.
    """

    type: Literal["UnknownEvent"]
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Reconnected(Event):
    """The connection broke and is back; events of the time between may be missing.

    Made by this package. Whoever resumes gets what was missed, or a ``Resync``, instead.
    """

    type: Literal["Reconnected"]

    @classmethod
    def from_wire(cls, data: Json, client: Client) -> Self:
        """Read the message that this package made."""
        return cls(**_common(data))
'''

_TYPES_TAIL = '''

def parse_event(data: Json, client: Client) -> AnyEvent:
    """Turn a message into an event."""
    kind = EVENT_TYPES.get(data.get("type", ""))
    if kind is None:
        common = {**_common(data), "type": "UnknownEvent"}
        return UnknownEvent(**common, name=data.get("type", ""))
    event: AnyEvent = kind.from_wire(data, client)
    return event


def _optional(kind: Any, data: Json, name: str, client: Client) -> Any:
    value = data.get(name)
    return kind.from_wire(value, client) if value else None


def _common(data: Json) -> dict[str, Any]:
    return {
        "type": data.get("type", ""),
        "application": data.get("application", ""),
        "timestamp": data.get("timestamp", ""),
        "asterisk_id": data.get("asterisk_id", ""),
        "seq": data.get("seq"),
        "raw": data,
    }
'''


def emit(spec: Spec, resources_source: str) -> dict[str, str]:
    """Return the generated files of the package by name.

    :param resources_source: the text of ``_resources.py``, which is written by hand.
    """
    return {
        "_bound.py": emit_bound(spec, resources_source),
        "_operations.py": emit_operations(spec),
        "_types.py": _emit_types(spec, resources_source),
    }


# types


def _emit_types(spec: Spec, resources_source: str) -> str:
    events = spec.event_names()
    blocks, bases, values = [], [], []
    for file in spec.schema_files:
        for name in spec.document(file):
            if name not in (*events, "Message", "Event"):
                base = bound_class(spec, name, resources_source)
                bases += [base] if base else []
                values.append(name)
                blocks.append(_emit_type(spec, file, name, base))
    blocks += [_emit_type(spec, EVENTS_FILE, name, "Event") for name in events]
    own = ["UnknownEvent", "Reconnected"]
    union = "AnyEvent = (\n    UnknownEvent\n    | Reconnected\n"
    union += "".join(f"    | {n}\n" for n in events) + ")\n"
    members = "".join(f'    "{n}": {n},\n' for n in ("Reconnected", *events))
    table = f"EVENT_TYPES: dict[str, Any] = {{\n{members}}}\n"
    exported = sorted([*values, *events, *own, "Event", "AnyEvent"])
    names = "__all__ = [\n" + "".join(f'    "{name}",\n' for name in exported) + "]\n"
    head = HEADER + _TYPES_HEAD.format(bases=_imports(bases))
    return "\n\n".join([head, *blocks, union, table, names]) + _TYPES_TAIL


def _imports(bases: list[str]) -> str:
    """Import the base classes from where they stand."""
    places = {
        "_bound": [base for base in bases if base.startswith("Bound")],
        "_resources": [base for base in bases if not base.startswith("Bound")],
    }
    return "\n".join(
        f"from arion.{module} import (\n" + "".join(f"    {n},\n" for n in sorted(names)) + ")"
        for module, names in places.items()
        if names
    )


def _emit_type(spec: Spec, file: str, name: str, base: str | None) -> str:
    fields = list(spec.fields(file, name))
    bases = f"({base})" if base else ""
    lines = ["@dataclass(frozen=True, slots=True, kw_only=True)", f"class {name}{bases}:"]
    lines += _docstring(spec.document(file)[name], name, fields)
    if base == "Event":
        lines.append(f'    type: Literal["{name}"]')
    for item in fields:
        suffix = "" if item.is_required else " | None = None"
        lines.append(f"    {item.python_name}: {_type(item.schema, file)}{suffix}")
    has_client = base is not None and base != "Event"
    if has_client:
        lines.append("    _client: Client = field(repr=False, compare=False)")
    lines += ["", "    @classmethod", "    def from_wire(cls, data: Json, client: Client) -> Self:"]
    lines.append('        """Read the JSON object; members that are missing are empty."""')
    lines.append("        return cls(")
    if base == "Event":
        lines.append("            **_common(data),")
    lines += [
        f"            {item.python_name}={_reader(item.schema, file, item)}," for item in fields
    ]
    if has_client:
        lines.append("            _client=client,")
    return "\n".join([*lines, "        )", ""])


def _docstring(schema: Json, name: str, fields: list[Field]) -> list[str]:
    lines = wrap(f'"""{schema.get("description", name)}', "    ", "    ")
    described = [item for item in fields if item.description]
    if not described:
        return [*lines[:-1], lines[-1] + '"""', ""]
    lines.append("")
    for item in described:
        lines += wrap(f":param {item.python_name}: {item.description}", "    ", "        ")
    return [*lines, '    """', ""]


def _type(schema: Json, file: str) -> str:
    target = reference(schema, file)
    if target is not None:
        return target.name
    kind = schema.get("type")
    if kind == "array":
        return f"list[{_type(schema['items'], file)}]"
    if kind == "object":
        return "dict[str, Any]"
    return SCALARS.get(str(kind), "Any")


def _reader(schema: Json, file: str, item: Field) -> str:
    name = item.wire_name
    target = reference(schema, file)
    if target is not None:
        if item.is_required:
            return f'{target.name}.from_wire(data.get("{name}") or {{}}, client)'
        return f'_optional({target.name}, data, "{name}", client)'
    if schema.get("type") == "array":
        inner = reference(schema["items"], file)
        if inner is None:
            return f'list(data.get("{name}") or ())'
        return f'[{inner.name}.from_wire(item, client) for item in data.get("{name}") or ()]'
    if not item.is_required:
        return f'data.get("{name}")'
    default = DEFAULTS.get(_type(schema, file), "None")
    return f'data.get("{name}", {default})'
