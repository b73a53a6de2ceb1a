"""What a ``.conf`` file holds before anybody gives its options a meaning."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import Enum


@dataclass(frozen=True, slots=True)
class Option:
    """One ``name = value`` line.

    :param name: as written; comparisons ignore case.
    :param value: as written, without comments and surrounding blanks; ``\\;`` has become ``;``.
    :param path: the file that the line is in (an included file, a template's file).
    :param line: 1-based.
    """

    name: str
    value: str
    path: str
    line: int


class Remark(Enum):
    """What a warning is about: how a report sorts it, and how loud the log says it."""

    OTHER = "other"
    NO_EFFECT = "no effect"
    UNKNOWN = "unknown"
    REFERENCE = "reference"  # to something that does not exist


@dataclass(frozen=True, slots=True)
class ConfigWarning:
    """Something in a file that is accepted, but not as its author may expect.

    :param line: 1-based, 0 when the file as a whole is meant.
    """

    path: str
    line: int
    message: str
    kind: Remark = Remark.OTHER

    def __str__(self) -> str:
        where = f"{self.path}:{self.line}" if self.line else self.path
        return f"{where}: {self.message}"


@dataclass(slots=True)
class Section:
    """A ``[section]`` with the options that its templates gave it, in order, duplicates kept.

    :param templates: the sections it inherits from, as named in its parentheses.
    :param is_template: written ``[section](!)``: only there to be inherited from.
    :param inherited: those of *options* that are its templates'.
    :param additions: file and line of each ``[section](+)`` that adds to it.
    """

    name: str
    path: str
    line: int
    templates: tuple[str, ...] = ()
    is_template: bool = False
    options: list[Option] = field(default_factory=list)
    inherited: tuple[Option, ...] = ()
    additions: tuple[tuple[str, int], ...] = ()

    def find(self, name: str) -> Option | None:
        """Return the last option of this name, which is the one that counts."""
        wanted = name.lower()
        for option in reversed(self.options):
            if option.name.lower() == wanted:
                return option
        return None

    def get(self, name: str, default: str = "") -> str:
        """Return the last value of this name."""
        option = self.find(name)
        return default if option is None else option.value

    def find_all(self, name: str) -> Iterator[Option]:
        """Iterate over the options of this name, in order."""
        wanted = name.lower()
        return (option for option in self.options if option.name.lower() == wanted)


def unknown_section(section: Section) -> ConfigWarning:
    """Report a section that nothing reads."""
    message = f"unknown section [{section.name}]"
    return ConfigWarning(section.path, section.line, message, Remark.UNKNOWN)


@dataclass(slots=True)
class ConfigFile:
    """A configuration file with all it includes.

    :param path: the file that was asked for.
    :param sections: in order, duplicates kept, templates left out.
    :param templates: the ``(!)`` sections, in order.
    :param everything: sections and templates, in order.
    :param files: every file that was read, the first one first.
    """

    path: str
    sections: list[Section] = field(default_factory=list)
    templates: list[Section] = field(default_factory=list)
    everything: list[Section] = field(default_factory=list)
    files: list[str] = field(default_factory=list)
    warnings: list[ConfigWarning] = field(default_factory=list)

    def find(self, name: str) -> Section | None:
        """Return the first section of this name."""
        wanted = name.lower()
        for section in self.sections:
            if section.name.lower() == wanted:
                return section
        return None


@dataclass(frozen=True, slots=True)
class ConfigObject:
    """A section of ``type=…``, as pjsip.conf and ari.conf are made of.

    :param type: value of its ``type`` option, in lower case.
    :param options: all options but ``type``, in order, duplicates kept.
    :param is_dynamic: made while the server ran, so that what it refers to may come later.
    """

    type: str
    name: str
    options: list[Option]
    path: str
    line: int
    is_dynamic: bool = False
