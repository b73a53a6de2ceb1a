"""MIXMONITOR() and RECORDING_INFO(): what is known of recordings."""

from __future__ import annotations

from server.base.errors import InvalidArgument
from server.dialplan.arguments import argument, split_arguments
from server.dialplan.mixmonitor import MixMonitors
from server.dialplan.registry import function
from server.dialplan.scope import Scope


@function("MIXMONITOR")
def mix_monitor(scope: Scope, data: str) -> str:
    """MIXMONITOR(id,filename): the file of a recording that runs on this channel."""
    arguments = split_arguments(data)
    monitor_id, key = argument(arguments, 0), argument(arguments, 1)
    if not monitor_id or key != "filename":
        raise InvalidArgument("MIXMONITOR", "expected an id and filename")
    return str(scope.dialplan.part(MixMonitors).find(scope.channel, monitor_id)[0].path)


@function("RECORDING_INFO")
def recording_info(scope: Scope, data: str) -> str:
    """RECORDING_INFO(duration): of the last Record(), in milliseconds."""
    if data.strip().lower() != "duration":
        raise InvalidArgument("property", f"{data!r} is not duration")
    duration = scope.state.recorded_ms
    if duration is None:
        raise InvalidArgument("RECORDING_INFO", "nothing was recorded on this channel")
    return str(duration)
