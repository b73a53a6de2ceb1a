"""Transfers that the far end of a channel asks for: blind, attended, or left to the application.

A blind transfer sends the party that talks to the transferer into the dialplan. An attended one
lets that party take the place of the transferer's other leg, wherever that is: in a bridge, in an
application, or in the dialplan. A channel whose handling is ``ari-only`` only reports the wish,
as ChannelTransfer; its application does the rest and tells how it went.
"""

from __future__ import annotations

import logging
from collections.abc import Callable

from server.base.causes import Cause
from server.base.errors import InvalidArgument, InvalidState, ServerError
from server.resources.bridge import Bridge
from server.resources.bridges import Bridges
from server.resources.channel import Channel
from server.resources.dialing import Dialer, send_out
from server.resources.node import Node
from server.resources.stasis_calls import Continue
from server.resources.succession import Succession
from server.resources.transfer_events import (
    AttendedTransfer,
    partner,
    publish_blind,
    publish_wish,
)
from server.tech.base import Transfer

logger = logging.getLogger(__name__)

CORE, ARI_ONLY = "core", "ari-only"
HANDLINGS = (CORE, ARI_ONLY)  # values of PJSIP_TRANSFER_HANDLING
# What an application can tell of a transfer, and the status that the far end hears.
PROGRESS = {
    "channel_progress": 100,
    "channel_answered": 200,
    "channel_unavailable": 503,
    "channel_declined": 603,
}


class Transfers:
    """Carries transfers out. Install it with :meth:`Node.set_transfers`."""

    def __init__(self, node: Node, bridges: Bridges, dialer: Dialer) -> None:
        self._node = node
        self._dialer = dialer
        self._succession = Succession(node, bridges)

    def request(self, channel: Channel, transfer: Transfer) -> None:
        """Take the wish of a channel's far end; it is accepted or refused on return."""
        if channel.transfer_handling == ARI_ONLY:
            self._leave_to_application(channel, transfer)
        elif transfer.replaces is not None:
            self._transfer_attended(channel, transfer)
        else:
            self._transfer_blind(channel, transfer)

    def replace(self, old: Channel, new: Channel) -> None:
        """Let a new call take the place of *old* (RFC 3891), which ends."""
        new.answer()
        if not self._succession.can_follow(old):
            logger.info("%s: %s does nothing that could be taken over", new.name, old.name)
            new.hangup(Cause.NORMAL_TEMPORARY_FAILURE)
            return
        self._succession.follow(old, new, lambda bridge: old.hangup(Cause.NORMAL_CLEARING))

    def blind(self, channel: Channel, exten: str, context: str) -> str:
        """Send those who talk to *channel* to an extension, as the channel itself asks for.

        :returns: ``SUCCESS``, ``INVALID`` or ``FAILURE``, as BLINDTRANSFERSTATUS.
        """
        wish = _OwnWish(exten, context)
        self._transfer_blind(channel, wish)
        return wish.outcome

    def begin_attended(
        self, channel: Channel, target: Channel, transferee: Channel | None
    ) -> AttendedTransfer:
        """Return what publishes an attended transfer that *channel* itself asks for."""
        return AttendedTransfer(
            channel, channel, transferee, target, target.app_name, is_external=False
        )

    # left to the application

    def _leave_to_application(self, channel: Channel, transfer: Transfer) -> None:
        if channel.transfer is not None and not channel.transfer.is_over:
            transfer.refuse(491)
            return
        transfer.accept()
        channel.transfer = transfer
        publish_wish(channel, transfer)

    # blind

    def _transfer_blind(self, channel: Channel, transfer: Transfer) -> None:
        bridge, exten = channel.bridge, transfer.exten
        context = self._context(channel, transfer)
        is_external = not isinstance(transfer, _OwnWish)
        if bridge is None or len(bridge.channels) < 2:
            transfer.refuse(400)
            publish_blind(channel, exten, context, "Invalid", is_external=is_external)
            return
        others = [member for member in bridge.channels.values() if member is not channel]
        number = others[0].caller.number
        if not self._node.dialplan.has(context, exten, 1, number):
            logger.info("%s: transfer to unknown %s@%s", channel.name, exten, context)
            transfer.refuse(404)
            return
        if len(others) > 1:
            self._transfer_many(channel, transfer, exten, context)
            return
        transferee = others[0]
        transfer.accept()
        publish_blind(
            channel, exten, context, "Success", transferee=transferee, is_external=is_external
        )
        _note_transfer(transferee, channel, context, transfer)
        if transfer.wants_progress:
            transferee.transfer_report = transfer.report
        else:
            transfer.report(200)
        self.send_to_dialplan(transferee, context, exten, 1)
        if is_external:
            channel.hangup(Cause.NORMAL_CLEARING)

    def _transfer_many(
        self, channel: Channel, transfer: Transfer, exten: str, context: str
    ) -> None:
        """Let a Local channel to the extension take the transferer's place among several."""
        is_external = not isinstance(transfer, _OwnWish)
        try:
            local = self._dialer.create_outgoing(f"Local/{exten}@{context}", requestor=channel)
        except ServerError as error:
            logger.warning("%s: can't transfer: %s", channel.name, error)
            transfer.refuse(500)
            publish_blind(channel, exten, context, "Fail", is_external=is_external)
            return
        transfer.accept()
        publish_blind(
            channel, exten, context, "Success", replaced_by=local, is_external=is_external
        )
        _note_transfer(local, channel, context, transfer)
        local.dial_watch = _watch_dial(transfer)
        send_out(local, channel.caller)
        self._succession.follow(
            channel, local, lambda bridge: channel.hangup(Cause.NORMAL_CLEARING)
        )

    def send_to_dialplan(self, channel: Channel, context: str, exten: str, priority: int) -> None:
        """Take a channel from wherever it is, and let it go on in the dialplan."""
        channel.set_background(None)
        channel.is_adopted = False
        if channel.stasis is not None:
            channel.set_position(context, exten, priority)
            channel.stasis.leave(Continue())
            return
        if channel.bridge is not None:
            channel.bridge.remove(channel)
        channel.set_position(context, exten, priority)
        self._node.dialplan.start(channel)

    def _context(self, channel: Channel, transfer: Transfer) -> str:
        """Where the extension is looked up: TRANSFER_CONTEXT, else the endpoint's context."""
        name = "TRANSFER_CONTEXT"
        chosen = channel.variables.get(name) or self._node.dialplan.read(None, name)
        return chosen or transfer.context

    # attended

    def _transfer_attended(self, first: Channel, transfer: Transfer) -> None:
        leg = transfer.consultation
        second = leg.listener if leg is not None else None
        if not isinstance(second, Channel) or second is first:
            logger.info("%s: attended transfer to an unknown call", first.name)
            transfer.refuse(404 if second is None else 400)
            return
        transferee, target = partner(first), partner(second)
        pair = self._choose(first, second, transferee, target)
        application = pair[0].app_name if pair is not None else ""
        attempt = AttendedTransfer(first, second, transferee, target, application)
        if pair is None:
            transfer.refuse(400)
            attempt.publish("Invalid")
            return
        transfer.accept()
        old, new = pair
        new.variables.set("ATTENDEDTRANSFER", first.name)

        def finish(bridge: Bridge | None) -> None:
            attempt.publish("Success", bridge)
            transfer.report(200)
            first.hangup(Cause.NORMAL_CLEARING)
            second.hangup(Cause.NORMAL_CLEARING)

        self._succession.follow(old, new, finish)

    def _choose(
        self, first: Channel, second: Channel, transferee: Channel | None, target: Channel | None
    ) -> tuple[Channel, Channel] | None:
        """Return who takes whose place: the way that leaves most of both calls as it is."""
        forward, backward = (second, transferee), (first, target)
        if second.stasis is not None:
            keeps_first = False
        else:
            keeps_first = first.stasis is not None or not first.is_controlled
        for old, new in (backward, forward) if keeps_first else (forward, backward):
            if new is not None and self._succession.can_follow(old):
                return old, new
        return None


def report_progress(channel: Channel, states: str) -> None:
    """Tell the far end of *channel* how the transfer goes that it asked for.

    :param states: one of :data:`PROGRESS`.
    :raises InvalidArgument: it is none.
    :raises InvalidState: no transfer of this channel is open.
    """
    status = PROGRESS.get(states)
    if status is None:
        raise InvalidArgument("states", f"{states!r} is none of {', '.join(PROGRESS)}")
    transfer = channel.transfer
    if transfer is None or transfer.is_over:
        raise InvalidState("Channel has no open transfer")
    transfer.report(status)
    if status >= 200:
        channel.transfer = None


def _note_transfer(channel: Channel, transferer: Channel, context: str, transfer: Transfer) -> None:
    """Set the variables by which the dialplan knows of a transfer, as Asterisk names them."""
    variables = channel.variables
    variables.set("BLINDTRANSFER", transferer.name)
    variables.set("TRANSFERERNAME", transferer.name)
    if isinstance(transfer, _OwnWish):
        return
    variables.set("SIPTRANSFER", "yes")
    variables.set("SIPREFERRINGCONTEXT", context)
    if transfer.referred_by:
        variables.set("__SIPREFERREDBYHDR", transfer.referred_by)


def _watch_dial(transfer: Transfer) -> Callable[[str], None]:
    statuses = {"RINGING": 180, "PROGRESS": 183, "ANSWER": 200, "HANGUP": 503}
    return lambda word: transfer.report(statuses.get(word, 100))


class _OwnWish:
    """A blind transfer that the server's own dialplan asks for; see :class:`Transfer`."""

    referred_by = ""
    replaces = None
    consultation = None
    wants_progress = False
    is_over = True

    def __init__(self, exten: str, context: str) -> None:
        self.exten = exten
        self.context = context
        self.outcome = "FAILURE"

    def accept(self) -> None:
        self.outcome = "SUCCESS"

    def refuse(self, status: int) -> None:
        self.outcome = "FAILURE" if status >= 500 else "INVALID"

    def report(self, status: int) -> None:
        """Nobody is there to be told."""
