"""Calls out that end in the dialplan: at an extension, or in one application.

Used by Originate() and by AMI's Originate.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from server.base.errors import ChannelHungUp
from server.base.suspension import suspendable
from server.dialplan.apps.subroutines import run_subroutine
from server.dialplan.executor import Call
from server.resources.channel import Channel
from server.resources.dialing import DialAttempt, DialStatus
from server.resources.originate import follow
from server.tech.base import Party

if TYPE_CHECKING:
    from server.dialplan.port import Dialplan

DEFAULT_TIMEOUT = 30.0  # seconds
NOBODY = Party()


@dataclass(frozen=True, slots=True)
class Destination:
    """What an answered call does.

    :param application: run it, with *data*, and hang up; empty for an extension.
    """

    application: str = ""
    data: str = ""
    context: str = "default"
    exten: str = "s"
    priority: int = 1


@dataclass(frozen=True, slots=True)
class Origination:
    """A call to be made.

    :param timeout: seconds it may ring, 0 for no limit.
    :param predial: a subroutine that runs on the new channel first, as Gosub's argument.
    :param account: account code of the new channel; empty: the technology's.
    :param takes_early_media: early media counts as an answer.
    :param channel_id: of the new channel, and *other_channel_id* that of a Local channel's
        second half; empty for new ones.
    """

    endpoint: str
    destination: Destination
    timeout: float = DEFAULT_TIMEOUT
    caller: Party = NOBODY
    variables: Mapping[str, str] = field(default_factory=dict)
    formats: Sequence[str] = ()
    requestor: Channel | None = None
    predial: str = ""
    account: str = ""
    takes_early_media: bool = False
    channel_id: str = ""
    other_channel_id: str = ""


class OriginatedCall:
    """A call that has been made, and what became of it.

    :ivar outcome: its final status, once it is known.
    """

    def __init__(self, dialplan: Dialplan, origination: Origination) -> None:
        """Make the channel; it is dialled at once.

        :raises ServerError: it can't be made.
        """
        self._dialplan = dialplan
        self._origination = origination
        self.outcome: asyncio.Future[DialStatus] = asyncio.get_running_loop().create_future()
        self.channel = channel = dialplan.dialer.create_outgoing(
            origination.endpoint,
            requestor=origination.requestor,
            caller=origination.caller,
            variables=origination.variables,
            formats=origination.formats,
            channel_id=origination.channel_id or None,
            other_channel_id=origination.other_channel_id or None,
        )
        if origination.account:
            channel.set_account_code(origination.account)
            channel.peer_account = origination.account  # for who is behind a Local channel
        channel.connected = origination.caller
        target = origination.destination
        channel.set_position(target.context, target.exten, target.priority)
        self._attempt = DialAttempt(channel, None, channel.dial_string)
        channel.take_control(suspendable(self._run()), "originate")
        channel.on_end.append(self._settle)

    async def _run(self) -> None:
        channel, origination, attempt = self.channel, self._origination, self._attempt
        try:
            if origination.predial:
                with suppress(ChannelHungUp):
                    await run_subroutine(Call(self._dialplan, channel), origination.predial)
            attempt.start()
            await channel.wait(
                follow(
                    attempt,
                    origination.timeout or None,
                    takes_early_media=origination.takes_early_media,
                )
            )
        finally:
            self._settle()
        if attempt.status not in (DialStatus.ANSWER, DialStatus.PROGRESS):
            return
        if not origination.destination.application:
            self._dialplan.start(channel)
            return
        call = Call(self._dialplan, channel)
        target = origination.destination
        channel.set_application(target.application, target.data)
        try:
            await call.start_application(target.application, target.data)
        finally:
            channel.hangup()

    def _settle(self) -> None:
        if not self.outcome.done():
            self.outcome.set_result(self._attempt.status or DialStatus.CANCEL)
