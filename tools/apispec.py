"""Reads api-spec/ and answers the questions that the code emitters ask of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import yaml

Json = dict[str, Any]

EVENTS_FILE = "events.yaml"


@dataclass(frozen=True)
class Field:
    """One property of a schema.

    :param wire_name: its name in JSON.
    :param python_name: its name in Python; the spec records it where it differs.
    :param schema: its own schema, unresolved.
    :param file: the spec file that the schema stands in, which relative references start from.
    """

    wire_name: str
    python_name: str
    schema: Json
    file: str
    is_required: bool

    @property
    def description(self) -> str:
        return str(self.schema.get("description", ""))

    @property
    def is_extension(self) -> bool:
        """Whether Asterisk does not have it."""
        return bool(self.schema.get("x-extension"))


@dataclass(frozen=True)
class Reference:
    """The target of a ``$ref``."""

    file: str
    name: str


def reference(schema: Json, file: str) -> Reference | None:
    """Return where *schema* points to when it is a reference, read from *file*."""
    target = schema.get("$ref")
    if target is None:
        return None
    path, _, pointer = target.partition("#/")
    folder = Path(file).parent
    resolved = _normal(folder / path) if path else file
    return Reference(resolved, pointer)


def _normal(path: Path) -> str:
    parts: list[str] = []
    for part in path.parts:
        if part == "..":
            parts.pop()
        elif part != ".":
            parts.append(part)
    return "/".join(parts)


class Spec:
    """The documents under one api-spec folder.

    :param root: the folder with openapi.yaml.
    """

    def __init__(self, root: Path) -> None:
        self._root = root
        self._documents: dict[str, Json] = {}

    def document(self, file: str) -> Json:
        """Return a document, by its path below the root."""
        if file not in self._documents:
            text = (self._root / file).read_text(encoding="utf-8")
            self._documents[file] = yaml.safe_load(text)
        return self._documents[file]

    @cached_property
    def schema_files(self) -> list[str]:
        """The files of schemas, events last."""
        files = sorted(path.name for path in (self._root / "schemas").glob("*.yaml"))
        return [f"schemas/{name}" for name in files] + [EVENTS_FILE]

    def fields(self, file: str, name: str) -> Iterator[Field]:
        """Yield the properties that a schema adds to those it inherits."""
        schema = own_part(self.document(file)[name])
        required = set(schema.get("required", ()))
        properties: Mapping[str, Json] = schema.get("properties", {})
        for wire_name, value in properties.items():
            if "const" in value:
                continue
            yield Field(
                wire_name,
                value.get("x-python-name", wire_name),
                value,
                file,
                wire_name in required,
            )

    def parent(self, file: str, name: str) -> str | None:
        """Return the schema of the same file that this one extends."""
        parts = self.document(file)[name].get("allOf", ())
        for part in parts:
            if target := reference(part, file):
                return target.name
        return None

    def event_names(self) -> list[str]:
        """Return the schemas that travel as messages of their own, in the spec's order."""
        return [
            name for name, schema in self.document(EVENTS_FILE).items() if "x-python-name" in schema
        ]


def own_part(schema: Json) -> Json:
    """Return the part of a schema that lists its own properties."""
    for part in schema.get("allOf", ()):
        if "$ref" not in part:
            return dict(part)
    return schema
