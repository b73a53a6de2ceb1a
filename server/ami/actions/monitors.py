"""Recording a channel while it does something else."""

from __future__ import annotations

from server.ami.registry import ActionError, Reply, Request, action, success
from server.base.errors import InvalidArgument, NotFound, ServerError
from server.dialplan.apps import mixmonitor
from server.dialplan.arguments import parse_options
from server.dialplan.mixmonitor import DIRECTIONS, MixMonitors
from server.dialplan.scope import Scope


@action("MixMonitor", "system", summary="Begin to record a call, both sides in one file")
async def start(request: Request) -> Reply:
    """Begin a recording; the file is named after the channel unless it is given."""
    channel = request.channel()
    name = request.get("File") or channel.name.replace("/", "-")
    options = parse_options(request.get("Options"), mixmonitor.OPTIONS, "MixMonitor", "AMI")
    scope = Scope(request.context.dialplan, channel)
    try:
        monitor = await mixmonitor.start(scope, name, options, request.get("Command"))
    except ServerError as error:
        raise ActionError(f"Could not start monitoring channel: {error}") from None
    channel.variables.set("MIXMONITOR_FILENAME", str(monitor.path))
    if options.get("i"):
        channel.variables.set(options.get("i"), monitor.id)
    return success(("MixMonitorID", monitor.id))


@action("StopMixMonitor", "system", "call", summary="End a recording of MixMonitor")
def stop(request: Request) -> Reply:
    """End a recording, or all of a channel."""
    channel = request.channel()
    monitors = request.context.dialplan.part(MixMonitors)
    try:
        monitors.stop(channel, request.get("MixMonitorID"))
    except NotFound:
        raise ActionError("Could not stop monitoring channel") from None
    return success()


@action(
    "MixMonitorMute",
    "system",
    "call",
    summary="Leave one side, or both, out of a recording, or take it in again",
)
def mute(request: Request) -> Reply:
    """Record silence for a direction, or what is said again."""
    channel = request.channel()
    asked = f"Must be {', '.join(DIRECTIONS[:-1])} or {DIRECTIONS[-1]}"
    direction = request.need("Direction", f"No direction specified. {asked}").lower()
    request.need("State", "No state specified")
    monitors = request.context.dialplan.part(MixMonitors)
    is_muted = request.flag("State")
    try:
        monitors.mute(channel, direction, is_muted, request.get("MixMonitorID"))
    except InvalidArgument:
        raise ActionError(f"Invalid direction specified. {asked}") from None
    except NotFound:
        raise ActionError("Cannot set mute flag") from None
    return success()
