"""``cli …``: aliases of commands, and who may run which."""

from __future__ import annotations

import grp
import pwd
from collections.abc import Sequence

from server.cli.context import CliContext
from server.cli.registry import Call, CommandError, WrongUsage, command
from server.cli.tables import lines
from server.config.sections.cli import Rule

PERMISSIONS = "cli_permissions"


@command("cli show aliases", "List the aliases of commands")
def show_aliases(context: CliContext, _call: Call) -> str:
    """List what cli_aliases.conf defines."""
    aliases = context.configuration.cli.aliases
    if not aliases:
        return "There are no aliases in place."
    rows = (f"{alias:<40} {command}" for alias, command in aliases.items())
    return lines(f"{'Alias Command':<40} Real Command", *rows)


@command("cli show permissions", "List who may run which commands")
def show_permissions(context: CliContext, _call: Call) -> str:
    """List what cli_permissions.conf says."""
    permissions = context.configuration.cli.permissions
    rows: list[str] = []
    for uid, rules in permissions.users.items():
        rows += _rules("user", _user_name(uid), uid, rules)
    for gid, rules in permissions.groups.items():
        rows += _rules("group", _group_name(gid), gid, rules)
    default = "permit" if permissions.default else "deny"
    return lines(*rows, "", f"Default permission: {default}")


@command(
    "cli check permissions",
    "Say whether somebody may run a command",
    arguments="{<username>|@<groupname>|<username>@<groupname>} [<command>]",
)
def check_permissions(context: CliContext, call: Call) -> str:
    """Say whether a user or a group may run a command."""
    if len(call.arguments) < 2:
        raise WrongUsage
    who, *words = call.arguments
    user, at, group = who.partition("@")
    try:
        uid = pwd.getpwnam(user).pw_uid if user else -1
        gid = grp.getgrnam(group).gr_gid if at else pwd.getpwnam(user).pw_gid
    except KeyError:
        raise CommandError(f"You must supply a valid user or group name, not '{who}'") from None
    line = " ".join(words)
    kind, name = ("User", user) if user else ("Group", group)
    is_allowed = context.configuration.cli.permissions.allows(uid, gid, line)
    verdict = "allowed" if is_allowed else "not allowed"
    return f"{kind} '{name}' is {verdict} to run command: '{line}'"


@command("cli reload permissions", "Read cli_permissions.conf again")
async def reload_permissions(context: CliContext, _call: Call) -> str:
    """Use what cli_permissions.conf says now."""
    return lines(*await context.lifecycle.reload(PERMISSIONS))


def _rules(kind: str, name: str, number: int, rules: Sequence[Rule]) -> list[str]:
    return [
        f"{kind}: {name} [{kind[0]}id={number}]",
        "Permissions:",
        *(f"\t{'permit' if rule.is_permitted else 'deny'} -> {rule.command}" for rule in rules),
        "",
    ]


def _user_name(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return "?"


def _group_name(gid: int) -> str:
    try:
        return grp.getgrgid(gid).gr_name
    except KeyError:
        return "?"
