"""``acl show``: the named access lists."""

from __future__ import annotations

from collections.abc import Sequence

from server.cli.context import CliContext
from server.cli.registry import Call, CommandError, WrongUsage, command
from server.cli.tables import lines


def _complete_acl(context: CliContext, arguments: Sequence[str]) -> list[str]:
    return [] if arguments else list(context.configuration.acls)


@command("acl show", "List the named access lists, or the rules of one", arguments="[name]",
         complete=_complete_acl)  # fmt: skip
def show(context: CliContext, call: Call) -> str:
    """List the lists of acl.conf, or what one says."""
    acls = context.configuration.acls
    if len(call.arguments) > 1:
        raise WrongUsage
    if not call.arguments:
        return lines("", "acl", "---", *sorted(acls))
    name = call.arguments[0]
    found = acls.get(name.lower())
    if found is None:
        raise CommandError(f"Could not find the named ACL '{name}'")
    rows = [
        f"{number:>3}: {'allow' if rule.is_permit else ' deny'} - "
        f"{rule.network.network_address}/{rule.network.netmask}"
        for number, rule in enumerate(found.rules)
    ]
    return lines("", f"ACL: {name}", "-" * 45, *rows)
