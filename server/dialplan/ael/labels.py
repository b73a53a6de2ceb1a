"""Where the labels of an AEL program are, and where a goto ends up.

Statements inside of a switch belong to extensions of their own; a goto to a label there, or from
there, has to name the extension.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from server.dialplan.ael.nodes import Goto
from server.dialplan.pattern import Pattern, is_pattern


@dataclass(slots=True)
class Line:
    """One step of an extension.

    :param jump: gives the arguments once all labels are known; it holds where the goto stands.
    """

    application: str
    arguments: str
    line: int
    path: str
    label: str = ""
    jump: Goto | None = None


@dataclass(slots=True)
class CompiledExtension:
    """An extension as extensions.conf has it.

    :param owner: the name of the extension as written, if this is the part of a switch.
    """

    name: str
    owner: str = ""
    hint: str | None = None
    first_priority: int = 1
    lines: list[Line] = field(default_factory=list)
    path: str = ""
    line: int = 0

    @property
    def reference(self) -> str:
        """How a goto from another part of the same extension names it."""
        name = self.name.partition("/")[0]
        if not self.owner and (is_pattern(name) or "$" in name):
            return "${~~EXTEN~~}"
        return name


class LabelMap:
    """The labels by context and extension."""

    def __init__(self) -> None:
        self._contexts: dict[str, dict[str, dict[str, CompiledExtension]]] = {}
        self._includes: dict[str, list[str]] = {}

    def add_extension(self, context: str, exten: str) -> None:
        """Note that an extension exists."""
        self._contexts.setdefault(context, {}).setdefault(_plain(exten), {})

    def add_includes(self, context: str, names: list[str]) -> None:
        """Note a context, and which ones it includes."""
        self._includes.setdefault(context, []).extend(names)

    def add(self, context: str, exten: str, label: str, place: CompiledExtension) -> bool:
        """Note where a label is; return ``False`` if the extension has it already."""
        labels = self._contexts[context][_plain(exten)]
        is_new = label not in labels
        labels.setdefault(label, place)
        return is_new

    def has_context(self, name: str) -> bool:
        """Tell whether this program has such a context."""
        return name in self._includes

    def has_extension(self, context: str, exten: str) -> bool:
        """Tell whether an extension of the context, or of those it includes, fits."""
        return any(True for _labels in self._fitting(context, exten))

    def find(self, context: str, exten: str, label: str) -> CompiledExtension | None:
        """Return the extension in which a label stands, ``None`` if there is none."""
        for labels in self._fitting(context, exten):
            if label in labels:
                return labels[label]
        return None

    def _fitting(self, context: str, exten: str) -> Iterator[dict[str, CompiledExtension]]:
        names = [context]
        for name in names:
            known = self._contexts.get(name, {})
            if exten in known:
                yield known[exten]
            yield from (known[each] for each in known if each != exten and _fits(each, exten))
            names += [each for each in self._includes.get(name, ()) if each not in names]


def _plain(exten: str) -> str:
    """Return the name without the caller's number."""
    return exten.partition("/")[0]


def _fits(pattern: str, exten: str) -> bool:
    return is_pattern(pattern) and Pattern(pattern).matches(exten)
