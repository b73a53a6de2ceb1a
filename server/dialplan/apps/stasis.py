"""Stasis(): hand the call to an application that is connected over ARI."""

from __future__ import annotations

from server.base.errors import NotFound
from server.dialplan.arguments import split_arguments
from server.dialplan.executor import Call
from server.dialplan.registry import application
from server.resources.stasis_calls import enter_stasis


@application("Stasis")
async def stasis(call: Call, data: str) -> None:
    """Stasis(app, args...): sets STASISSTATUS; goes on where the application says."""
    arguments = split_arguments(data)
    variables = call.channel.variables
    if not arguments or not arguments[0]:
        call.report("Stasis requires the name of an application")
        variables.set("STASISSTATUS", "FAILED")
        return
    try:
        await enter_stasis(call.channel, arguments[0], arguments[1:])
    except NotFound as error:
        call.report(str(error))
        variables.set("STASISSTATUS", "FAILED")
        return
    variables.set("STASISSTATUS", "SUCCESS")
    call.jump_to_position()
