"""AGI: commands for channels in AsyncAGI."""

from __future__ import annotations

from server.ami.registry import ActionError, Reply, Request, action, done
from server.base.errors import NotFound, Unavailable

MAX_COMMAND = 2048  # characters


@action("AGI", "agi", summary="Queue a command for a channel in AsyncAGI")
def agi(request: Request) -> Reply:
    """Queue a command; AsyncAGIExec tells how it went."""
    if not request.get("Channel") or not request.get("Command"):
        raise ActionError("Both, Channel and Command are *required*")
    name = request.get("Channel")
    channel = request.context.channels.find(name)
    if channel is None:
        raise ActionError(f"Channel {name} does not exist")
    if len(request.get("Command")) > MAX_COMMAND:
        raise ActionError("Command is too long")
    sessions = request.context.async_agi
    if sessions is None:
        raise ActionError("AGI is not running")
    try:
        sessions.submit(channel, request.get("Command"), request.get("CommandID"))
    except (NotFound, Unavailable):
        raise ActionError("Failed to add AGI command to queue") from None
    return done("Added AGI command to queue")
