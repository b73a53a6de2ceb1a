"""Both SDKs have the same names, but for what only one of the languages needs."""

from __future__ import annotations

import inspect
import json
import re
from pathlib import Path
from typing import Any

import arion
from emit_sdk_operations import snake_case

from tests.support.js_project import run

DUMP = """
import * as arion from 'arion';
const members = (kind) => {
  const names = new Set();
  for (let at = kind.prototype; at && at !== Object.prototype && at !== Error.prototype; ) {
    for (const name of Object.getOwnPropertyNames(at)) names.add(name);
    at = Object.getPrototypeOf(at);
  }
  if (kind === arion.Client) Object.keys(new kind({ password: 'x' })).forEach((n) => names.add(n));
  if (arion.ApiError === kind) Object.keys(new kind(0, '', '')).forEach((n) => names.add(n));
  names.delete('constructor');
  return [...names];
};
const found = {};
for (const [name, value] of Object.entries(arion)) {
  const isClass = typeof value === 'function' && /^class /.test(String(value));
  found[name] = isClass ? members(value) : null;
}
console.log(JSON.stringify(found));
"""

# What there is in one of them alone, and why.
ONLY_PYTHON = {
    "BridgeScope",  # `await using` of a bridge
    "CallHandler", "ReofferHandler", "Resume", "AnyEvent", "Event", "EVENT_TYPES",  # types
    "Expectation",  # a block; in JavaScript a function is passed
    "Share",  # an interface in JavaScript
    "UnknownEvent",  # in JavaScript they come as they are
    "sync",
}  # fmt: skip
ONLY_PYTHON_MEMBERS = {
    "aclose",  # close
    "from_wire",
}
ONLY_JAVASCRIPT_MEMBERS = {
    "core", "constructor",  # private in Python
    "logger",  # Python's logging
    "open", "on", "close",  # an `async with` does that
}  # fmt: skip
RENAMED = {"rtpstatistics": "rtp_statistics"}


def in_python(name: str) -> str:
    return RENAMED.get(name, snake_case(name))


def python_members(kind: type) -> set[str]:
    fields = {*getattr(kind, "__dataclass_fields__", ())}
    names = {name for name in dir(kind) if not name.startswith("_")} - fields
    if kind is arion.Client:
        made = arion.Client("http://127.0.0.1:1/ari", "a", "b")
        names |= {name for name in vars(made) if not name.startswith("_")}
    return names - ONLY_PYTHON_MEMBERS


def names_of_javascript(project: Path) -> dict[str, list[str] | None]:
    said = run("node", "--input-type=module", "-e", DUMP, cwd=project)
    found: dict[str, list[str] | None] = json.loads(said)
    return found


def test_both_have_the_same_functions_classes_and_errors(js_project: Path) -> None:
    theirs = {*names_of_javascript(js_project)}
    plain = {*arion._types.__all__} - theirs  # values without methods are interfaces there
    ours = {
        name
        for name, value in vars(arion).items()
        if not name.startswith("_") and not inspect.ismodule(value) and name not in plain
    }
    assert ours - ONLY_PYTHON == theirs


def test_what_has_methods_has_the_same_ones(js_project: Path) -> None:
    compared = 0
    for name, members in names_of_javascript(js_project).items():
        if members is None:
            continue
        kind: Any = getattr(arion, name)
        if issubclass(kind, Exception):
            continue
        theirs = {in_python(member) for member in members if member not in ONLY_JAVASCRIPT_MEMBERS}
        ours = python_members(kind)
        if name == "Client":
            theirs |= {"close"}
        assert ours == theirs, name
        compared += 1
    assert compared > 10


def test_errors_are_the_same_tree(js_project: Path) -> None:
    script = """
    import * as arion from 'arion';
    const found = {};
    for (const [name, value] of Object.entries(arion)) {
      if (value === arion.ArionError || value.prototype instanceof arion.ArionError) {
        found[name] = Object.getPrototypeOf(value).name;
      }
    }
    console.log(JSON.stringify(found));
    """
    theirs = json.loads(run("node", "--input-type=module", "-e", script, cwd=js_project))
    ours = {
        name: value.__bases__[0].__name__
        for name, value in vars(arion).items()
        if inspect.isclass(value) and issubclass(value, arion.ArionError)
    }
    assert {**ours, "ArionError": "Error"} == theirs


def test_both_know_the_same_events(js_project: Path) -> None:
    text = (js_project / "node_modules/arion/src/types.ts").read_text("utf-8")
    (table,) = re.findall(r"export interface EventTypes \{\n(.*?)\}", text, re.DOTALL)
    theirs = set(re.findall(r"^  (\w+):", table, re.MULTILINE))
    assert theirs == {*arion._types.EVENT_TYPES}


def test_things_and_operations_take_the_same_parameters(js_project: Path) -> None:
    """Operations come from one specification: that the classes of all tags are there is enough."""
    text = (js_project / "node_modules/arion/src/operations.ts").read_text("utf-8")
    theirs = set(re.findall(r"^export class (\w+)", text, re.MULTILINE))
    from arion import _operations

    ours = {name for name in vars(_operations) if name.endswith("Operations")}
    assert theirs == ours - {"Operations"}
