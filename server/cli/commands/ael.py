"""``ael …``: extensions.ael."""

from __future__ import annotations

from server.cli.context import CliContext
from server.cli.registry import Call, command
from server.cli.tables import lines


@command("ael reload", "Read extensions.ael again")
async def reload(context: CliContext, _call: Call) -> str:
    """Reload the dialplan, of which AEL is a part; calls go on."""
    return lines(*await context.dialplan.reload())


@command("ael set debug {read|tokens|contexts|off}", "Accepted; see arion ael print")
def set_debug(_context: CliContext, _call: Call) -> str:
    """Say what there is instead: the compiler has nothing to trace while a server runs."""
    return "'arion ael print' shows what extensions.ael is compiled to."
