"""Functions on transfers that the far end asks for."""

from __future__ import annotations

from server.base.errors import InvalidArgument
from server.dialplan.registry import function_write
from server.dialplan.scope import Scope
from server.resources.transfers import CORE, HANDLINGS


@function_write("PJSIP_TRANSFER_HANDLING")
def write_transfer_handling(scope: Scope, data: str, value: str) -> None:
    """PJSIP_TRANSFER_HANDLING(mode), or its value: ``core`` or ``ari-only``; see Transfers."""
    mode = value.strip() or data.strip() or CORE
    if mode not in HANDLINGS:
        raise InvalidArgument("mode", f"{mode!r} is none of {', '.join(HANDLINGS)}")
    if scope.channel.endpoint[0] != "PJSIP":
        raise InvalidArgument("channel", f"{scope.channel.name} is no PJSIP channel")
    scope.channel.transfer_handling = mode
