"""Emits the operations of the JavaScript SDK as methods of the things they act on.

What stands in a class of ``src/resources.ts`` is not generated. A thing for which there is no class
there has one here.
"""

from __future__ import annotations

import re

from apispec import Json, Spec
from emit_js import HEADER, OBJECT, about, body_of, body_option, comment, option, result_of
from emit_sdk_operations import BOUND_NAMES, RESOURCES, Operation, operations_of


def emit(spec: Spec, resources_source: str) -> str:
    """Return ``bound.ts``.

    :param resources_source: the hand-written classes.
    """
    written = _hand_written(resources_source)
    blocks, plain = [], []
    for place, (name, attributes) in RESOURCES.items():
        methods: dict[str, str] = {}
        for operation in operations_of(spec):
            method = _bound_name(operation, place)
            if method and method not in written.get(name, ()):
                # PUT before POST and the like: the first one has the name
                methods.setdefault(method, _emit_method(operation, method, attributes))
        blocks.append(_emit_class(name, attributes, list(methods.values()), name in written))
        if name not in written:
            plain.append(name)
    body = "\n".join(blocks)
    table = "".join(f"  {name},\n" for name in plain)
    return (
        HEADER
        + "/** The operations on one thing, as its methods. */\n\n"
        + "import { Resource } from './core/resource.js';\n"
        + _imports("resources", _used(body) & set(written))
        + _imports("types", _used(body) - {*written, *plain} | {f"{name}Data" for name in plain})
        + "\n"
        + body
        + "\n/** The classes that are whole here. */\n"
        + f"export const BOUND_CLASSES = {{\n{table}}};\n"
    )


def _hand_written(source: str) -> dict[str, set[str]]:
    """Return the methods of each class."""
    found: dict[str, set[str]] = {}
    for name, body in re.findall(r"^export class (\w+) [^{]*\{\n(.*?)^\}", source, re.M | re.S):
        words = re.findall(r"^  (?:async )?(?:get )?\*?(\w+)(?:<[^>]*>)?\(", body, re.M)
        found[name] = set(words)
    return found


def _imports(module: str, names: set[str]) -> str:
    listed = "".join(f"  {name},\n" for name in sorted(names))
    return f"import type {{\n{listed}}} from './{module}.js';\n"


def _used(text: str) -> set[str]:
    """Return the schemas among the results."""
    return set(re.findall(r"Promise<(\w+)", text)) - {"void", "ArrayBuffer"}


def _bound_name(operation: Operation, place: str) -> str | None:
    if operation.path != place and not operation.path.startswith(f"{place}/"):
        return None
    if operation.path == place and operation.method == "get":
        return "refresh"
    if operation.name not in BOUND_NAMES:
        return operation.id.partition(".")[2]
    return BOUND_NAMES[operation.name]


def _emit_class(name: str, attributes: tuple[str, ...], methods: list[str], is_base: bool) -> str:
    shown = f"Bound{name}" if is_base else name
    head = [] if is_base else [f"export interface {name} extends {name}Data {{}}\n"]
    head += [
        f"/** The operations on one {name}. */",
        f"export {'abstract ' if is_base else ''}class {shown} extends Resource {{",
        *([f"  declare {attribute}: string;" for attribute in attributes] if is_base else []),
        "",
    ]
    return "\n".join(head) + ("\n" if is_base else "") + "\n".join(methods) + "}\n"


def _emit_method(operation: Operation, name: str, attributes: tuple[str, ...]) -> str:
    """Emit a method; what is required, or the only parameter, is an argument of its own."""
    described = operation.described
    own = [item for item in described.get("parameters", []) if item["in"] == "path"]
    own = own[len(attributes) :]
    others = [item for item in described.get("parameters", []) if item["in"] == "query"]
    members, whole = body_of(described)
    others += members
    alone = len(own) + len(others) == 1
    named = [item for item in others if not (item.get("required") or alone)]
    positional = [item for item in others if item not in named]
    returns, _ = result_of(described, operation.file)
    lines = comment(about(described, [*own, *positional, *named]), "  ")
    arguments = [f"    {item['name']}: string," for item in own]
    arguments += [f"    {_declared(item).rstrip(';')}," for item in positional]
    if named:
        arguments += [
            "    options: {",
            *(f"      {_declared(item)}" for item in named),
            "    } = {},",
        ]
    if whole:
        arguments.append(f"    body?: {OBJECT},")
    lines += [f"  {name}(", *arguments] if arguments else []
    lines.append(f"  {')' if arguments else f'{name}()'}: Promise<{returns}> {{")
    tag = "userEvents" if operation.tag == "events" else operation.tag
    lines.append(f"    return this.client.{tag}.{operation.id.partition('.')[2]}(")
    lines += [f"      this.{attribute}," for attribute in attributes]
    lines += [f"      {item['name']}," for item in own]
    passed = [str(item["name"]) for item in positional] + (["...options"] if named else [])
    if passed:
        lines.append(f"      {{ {', '.join(passed)} }},")
    if whole:
        lines.append("      body,")
    return "\n".join([*lines, "    );", "  }", ""])


def _declared(item: Json) -> str:
    return option(item) if "schema" in item else body_option(item)
