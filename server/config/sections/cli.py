"""cli.conf, cli_aliases.conf and cli_permissions.conf: what the console runs, and for whom."""

from __future__ import annotations

import grp
import pwd
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from server.config.binder import unknown_option
from server.config.objects import (
    ConfigFile,
    ConfigWarning,
    Option,
    Remark,
    Section,
    unknown_section,
)

GENERAL = "general"
STARTUP = "startup_commands"
TEMPLATE = "template"
EVERYTHING = "all"
# values of a startup command, and when they let it run; there are no modules to wait for here
EARLY = ("pre-init", "pre-module")
LATE = "fully-booted"
_TRUE = frozenset(("yes", "true", "y", "t", "1", "on"))


@dataclass(frozen=True, slots=True)
class Rule:
    """``permit`` or ``deny`` of a section of cli_permissions.conf.

    :param command: what a command begins with, or ``all``.
    """

    command: str
    is_permitted: bool

    def covers(self, line: str) -> bool:
        """Tell whether the rule speaks of a command."""
        return self.command.lower() == EVERYTHING or line.lower().startswith(self.command.lower())


@dataclass(frozen=True, slots=True)
class Permissions:
    """cli_permissions.conf. Of several rules that speak of a command the last one decides, and
    those of a user go before those of a group.

    :param default: what holds for a command that no rule speaks of.
    :param users: rules by user id.
    :param groups: rules by group id.
    """

    default: bool = True
    users: Mapping[int, Sequence[Rule]] = field(default_factory=dict)
    groups: Mapping[int, Sequence[Rule]] = field(default_factory=dict)

    def allows(self, uid: int, gid: int, line: str) -> bool:
        """Tell whether somebody may run a command.

        :param line: its words, in full.
        """
        answer = self.default
        for rules in (self.groups.get(gid, ()), self.users.get(uid, ())):
            for rule in rules:
                if rule.covers(line):
                    answer = rule.is_permitted
        return answer


@dataclass(frozen=True, slots=True)
class Cli:
    """The three files.

    :param startup: commands to run when the server is up, in order.
    :param aliases: what stands for the commands that they are short for.
    """

    startup: tuple[str, ...] = ()
    aliases: Mapping[str, str] = field(default_factory=dict)
    permissions: Permissions = Permissions()

    def expand_alias(self, words: list[str]) -> list[str]:
        """Put the command in the place of an alias; the longest one counts."""
        for count in range(len(words), 0, -1) if self.aliases else ():
            command = self.aliases.get(" ".join(words[:count]).lower())
            if command is not None:
                return [*command.split(), *words[count:]]
        return words


NO_CLI = Cli()  # without any of the files


def build_startup(file: ConfigFile, warnings: list[ConfigWarning]) -> tuple[str, ...]:
    """Read cli.conf.

    :return: the commands of ``[startup_commands]``: those to run early, then the others.
    """
    early: list[str] = []
    late: list[str] = []
    for section in file.sections:
        if section.name.lower() != STARTUP:
            warnings.append(unknown_section(section))
            continue
        for option in section.options:
            when = option.value.lower()
            if when in EARLY:
                early.append(option.name)
            elif when == LATE or when in _TRUE:
                late.append(option.name)
    return (*early, *late)


def build_aliases(file: ConfigFile, warnings: list[ConfigWarning]) -> dict[str, str]:
    """Read cli_aliases.conf: the templates that ``[general]`` names."""
    aliases: dict[str, str] = {}
    for section in file.sections:
        if section.name.lower() != GENERAL:
            continue
        for option in section.options:
            if option.name.lower() != TEMPLATE:
                warnings.append(unknown_option(option, [TEMPLATE]))
                continue
            template = file.find(option.value)
            if template is None:
                message = f"{option.value}: there is no such template"
                warnings.append(ConfigWarning(option.path, option.line, message, Remark.REFERENCE))
                continue
            for alias in template.options:
                aliases[" ".join(alias.name.lower().split())] = alias.value
    return aliases


def build_permissions(file: ConfigFile, warnings: list[ConfigWarning]) -> Permissions:
    """Read cli_permissions.conf; users and groups that the system does not know are left out."""
    default = True
    users: dict[int, list[Rule]] = {}
    groups: dict[int, list[Rule]] = {}
    for section in file.sections:
        if section.name.lower() == GENERAL:
            default = _default(section, default)
            continue
        try:
            if section.name.startswith("@"):
                rules = groups.setdefault(grp.getgrnam(section.name[1:]).gr_gid, [])
            else:
                rules = users.setdefault(pwd.getpwnam(section.name).pw_uid, [])
        except KeyError:
            message = f"[{section.name}]: the system has no such user or group"
            warnings.append(ConfigWarning(section.path, section.line, message, Remark.REFERENCE))
            continue
        rules += (rule for option in section.options if (rule := _rule(option, warnings)))
    return Permissions(default, users, groups)


def _default(section: Section, default: bool) -> bool:
    value = section.get("default_perm").lower()
    return value == "permit" if value in ("permit", "deny") else default


def _rule(option: Option, warnings: list[ConfigWarning]) -> Rule | None:
    name = option.name.lower()
    if name in ("permit", "deny"):
        return Rule(" ".join(option.value.split()), name == "permit")
    warnings.append(unknown_option(option, ["permit", "deny"]))
    return None
