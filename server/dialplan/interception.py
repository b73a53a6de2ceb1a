"""Subroutines that run before a phone hears to whom it is connected, or who redirected its call.

They are named by variables, as in Asterisk: CONNECTED_LINE_SEND_SUB and REDIRECTING_SEND_SUB with
their ``_ARGS``; the macros of old, such as CONNECTED_LINE_CALLEE_SEND_MACRO, run where Macro() is.
"""

from __future__ import annotations

import logging
from contextlib import suppress
from typing import TYPE_CHECKING

from server.base.errors import ChannelHungUp, ServerError
from server.base.suspension import suspendable
from server.dialplan.executor import Call
from server.resources.channel import Channel

if TYPE_CHECKING:
    from server.dialplan.port import Dialplan

logger = logging.getLogger(__name__)

CONNECTED_LINE, REDIRECTING = "CONNECTED_LINE", "REDIRECTING"


class Interception:
    """Installed as the node's way to tell phones; see :attr:`Node.tell_connected`."""

    def __init__(self, dialplan: Dialplan) -> None:
        self._dialplan = dialplan
        self._running: set[tuple[str, str]] = set()  # what runs, and on which channel

    def tell_connected(self, channel: Channel) -> None:
        """Tell the phone of *channel* to whom it is connected, after the subroutine."""
        if not self._intercept(channel, CONNECTED_LINE):
            channel.leg.set_connected_line(channel.connected)

    def tell_redirecting(self, channel: Channel) -> None:
        """Run the subroutine for a call that was redirected on its way out of *channel*."""
        self._intercept(channel, REDIRECTING)

    def _intercept(self, channel: Channel, kind: str) -> bool:
        """Run the subroutine if there is one; what it changes is told when it has run."""
        if (kind, channel.id) in self._running:
            return True
        kinds = ((f"{kind}_SEND_SUB", True), (_macro_of(channel, kind), False))
        for name, is_subroutine in kinds:
            target = channel.variables.get(name)
            if target:
                arguments = channel.variables.get(f"{name}_ARGS") or ""
                run = self._run(channel, kind, target, arguments, is_subroutine)
                self._running.add((kind, channel.id))
                channel.node.scope.spawn(suspendable(run), f"{channel.name} {name}")
                return True
        return False

    async def _run(
        self, channel: Channel, kind: str, target: str, arguments: str, is_subroutine: bool
    ) -> None:
        from server.dialplan.apps.subroutines import run_subroutine

        call = Call(self._dialplan, channel)
        place = channel.context, channel.exten, channel.priority
        try:
            with suppress(ChannelHungUp):
                if is_subroutine:
                    await run_subroutine(call, f"{target}({arguments})")
                else:
                    await call.start_application("Macro", f"{target},{arguments}")
        except ServerError as error:
            logger.warning("%s: %s: %s", channel.name, target, error)
        finally:
            self._running.discard((kind, channel.id))
            if not channel.is_hungup:
                channel.set_position(*place)
        if kind == CONNECTED_LINE and not channel.is_hungup:
            channel.leg.set_connected_line(channel.connected)


def _macro_of(channel: Channel, kind: str) -> str:
    side = "CALLEE" if channel.dial_string else "CALLER"
    return f"{kind}_{side}_SEND_MACRO"
