"""Outgoing calls: making a channel, dialling it, and following what becomes of it.

Dial(), ARI's originate and ARI's create-then-dial all go through here.
"""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Mapping, Sequence
from enum import StrEnum

from server.base.causes import Cause, cause_text
from server.base.errors import Conflict, InvalidArgument, ServerError, Unavailable
from server.base.ids import MAX_ID_LENGTH, ChannelId
from server.model import events
from server.resources.channel import Channel
from server.resources.controlled import EndedBy
from server.resources.node import Node
from server.stasis.topics import channel_topic
from server.tech.base import (
    OutgoingCall,
    Party,
    TakesRedirecting,
    TakesTraits,
    Technology,
    Traits,
    VariableSource,
)

logger = logging.getLogger(__name__)


class DialStatus(StrEnum):
    """What a dialled channel does; the names are those of the Dial event and DIALSTATUS."""

    RINGING = "RINGING"
    PROGRESS = "PROGRESS"
    ANSWER = "ANSWER"
    BUSY = "BUSY"
    CONGESTION = "CONGESTION"
    NOANSWER = "NOANSWER"
    CHANUNAVAIL = "CHANUNAVAIL"
    CANCEL = "CANCEL"
    FORWARD = "FORWARD"

    @property
    def is_final(self) -> bool:
        """Whether nothing more comes of this dial attempt."""
        return self not in (DialStatus.RINGING, DialStatus.PROGRESS)


_STATUS_OF_CAUSE = {
    Cause.USER_BUSY: DialStatus.BUSY,
    Cause.NO_ANSWER: DialStatus.NOANSWER,
    Cause.NO_USER_RESPONSE: DialStatus.NOANSWER,
    Cause.NORMAL_CLEARING: DialStatus.NOANSWER,
    Cause.ANSWERED_ELSEWHERE: DialStatus.NOANSWER,
    Cause.UNALLOCATED: DialStatus.CHANUNAVAIL,
    Cause.NO_ROUTE_DESTINATION: DialStatus.CHANUNAVAIL,
    Cause.SUBSCRIBER_ABSENT: DialStatus.CHANUNAVAIL,
    Cause.DESTINATION_OUT_OF_ORDER: DialStatus.CHANUNAVAIL,
}


def status_of_cause(cause: int) -> DialStatus:
    """Return the DIALSTATUS of a call that ended unanswered with this Q.850 cause."""
    try:
        return _STATUS_OF_CAUSE.get(Cause(cause), DialStatus.CONGESTION)
    except ValueError:
        return DialStatus.CONGESTION


def send_out(channel: Channel, calling: Party) -> None:
    """Have the technology call, with all that is known of the call."""
    leg = channel.leg
    if isinstance(leg, TakesRedirecting):
        leg.set_redirecting(channel.redirecting)
    if isinstance(leg, TakesTraits):
        leg.set_traits(
            Traits(
                language=channel.language,
                music_class=channel.music_class,
                account_code=channel.account_code,
                peer_account=channel.peer_account,
            )
        )
    leg.dial(calling, channel.connected)


class DialAttempt:
    """One dialled channel, followed until it is answered or given up.

    :param caller: the channel on whose behalf it is dialled, or ``None``.
    :param dial_string: as the user wrote it, without the technology, for the Dial event.
    """

    def __init__(self, channel: Channel, caller: Channel | None, dial_string: str) -> None:
        self.channel = channel
        self.caller = caller
        self.dial_string = dial_string
        self.status: DialStatus | None = None
        self._news: asyncio.Queue[DialStatus] = asyncio.Queue(maxsize=64)
        channel.dial_watch = self._on_news
        channel.node.attempts[channel.id] = self

    def start(self) -> None:
        """Send the call out."""
        channel = self.channel
        if not channel.app_name:
            # the names that Asterisk shows for channels that are dialled
            channel.set_application("AppDial" if self.caller else "AppDial2", "(Outgoing Line)")
        calling = channel.connected if self.caller is not None else channel.caller
        self._publish("")
        send_out(channel, calling)

    async def next_status(self) -> DialStatus:
        """Wait for the next change. To be awaited through the controlling channel."""
        return await self._news.get()

    def pick_up(self, other: Channel) -> None:
        """Let *other*, which has answered, take the place of the channel that rings."""
        old, self.channel = self.channel, other
        old.dial_watch = None
        old.node.attempts.pop(old.id, None)
        old.hangup(Cause.ANSWERED_ELSEWHERE, EndedBy.DIALLER)
        self._settle(DialStatus.ANSWER)

    def give_up(self, cause: int, status: DialStatus = DialStatus.CANCEL) -> None:
        """End an attempt that nobody wants any more.

        :param status: told in the Dial event: ``CANCEL``, or ``NOANSWER`` after a timeout.
        """
        if self.status is None or not self.status.is_final:
            self._settle(status, cause)
        self.channel.dial_watch = None
        self.channel.hangup(cause, EndedBy.DIALLER)

    def _on_news(self, word: str) -> None:
        if word == "HANGUP":
            if self.status is None or not self.status.is_final:
                cause = self.channel.hangup_cause
                self._settle(status_of_cause(cause), cause)
            return
        status = DialStatus(word)
        if status == self.status:
            return
        self._settle(status)

    def _settle(self, status: DialStatus, cause: int | None = None) -> None:
        self.status = status
        self._publish(status.value, cause)
        if status.is_final:
            self.channel.node.attempts.pop(self.channel.id, None)
            if status is not DialStatus.FORWARD:
                self.channel.dial_watch = None
        if not self._news.full():
            self._news.put_nowait(status)

    def _forward(self) -> str:
        return self.channel.variables.get("FORWARD_TARGET") or ""

    def _publish(self, status: str, cause: int | None = None) -> None:
        """Publish a Dial event.

        :param cause: why the call was not answered, if it is over.
        """
        caller = self.caller
        for observer in self.channel.node.registry.observers:
            observer.on_channel_dialled(self.channel, caller, status)
        topics = () if caller is None else caller.topics
        if not self.channel.node.bus.wants((*self.channel.topics, *topics)):
            return
        self.channel.publish(
            events.dial(
                caller=caller.snapshot() if caller is not None else None,
                peer=self.channel.snapshot(),
                forward=self._forward() if status == DialStatus.FORWARD else "",
                dialstring=self.dial_string,
                dialstatus=status,
                cause=cause,
                cause_txt=cause_text(cause) if cause is not None else None,
                tech_cause=self.channel.tech_cause,
                reason=self.channel.end_reason or None,
            ),
            *topics,
        )


class Dialer:
    """Makes outgoing channels of every technology."""

    def __init__(self, node: Node) -> None:
        self._node = node
        self._technologies: dict[str, Technology] = {}

    def add_technology(self, technology: Technology) -> None:
        """Make a technology available under its name."""
        self._technologies[technology.name.lower()] = technology

    def remove_technology(self, technology: Technology) -> None:
        """Take a technology away; its channels stay."""
        self._technologies.pop(technology.name.lower(), None)

    @property
    def technologies(self) -> Sequence[Technology]:
        """Every technology."""
        return list(self._technologies.values())

    def technology(self, name: str) -> Technology | None:
        """Return a technology by its name in any case, ``None`` if there is none."""
        return self._technologies.get(name.lower())

    def create_outgoing(
        self,
        endpoint: str,
        *,
        requestor: Channel | None = None,
        caller: Party | None = None,
        variables: Mapping[str, str] | None = None,
        formats: Sequence[str] = (),
        channel_id: str | None = None,
        other_channel_id: str | None = None,
    ) -> Channel:
        """Make a channel that is not dialled yet.

        :param endpoint: a dial string such as ``PJSIP/alice``.
        :param requestor: whose inheritable variables, linkedid and language the channel gets; their
            accounts are each other's peer accounts.
        :param other_channel_id: id for the second half of a Local channel.
        :raises InvalidArgument: the dial string is malformed, the technology unknown, or a
            variable can't be written.
        :raises NotFound: no such endpoint, or it can't be reached.
        :raises Conflict: a channel with this id exists.
        :raises Unavailable: the node is full or stopping.
        """
        technology_name, slash, resource = endpoint.partition("/")
        technology = self.technology(technology_name)
        if not slash or not resource or technology is None:
            raise InvalidArgument("endpoint", f"{endpoint!r} is not TECHNOLOGY/RESOURCE")
        self.check_capacity()
        chosen = self.choose_id(channel_id, "channelId")
        other = self._choose_other_id(chosen if channel_id else "", other_channel_id)
        inherited = requestor.variables.inheritable() if requestor is not None else {}
        leg = technology.create_leg(
            resource,
            OutgoingCall(
                formats=formats,
                variables={**inherited, **(variables or {})},
                requestor=requestor.name if requestor is not None else "",
                other_channel_id=other,
                channel_id=chosen,
            ),
        )
        channel = Channel(self._node, chosen, leg, "Down")
        channel.dial_string = resource
        channel.context = leg.info("context") or channel.context
        if requestor is not None:
            channel.linkedid = requestor.linkedid
            channel.account_code = leg.info("accountcode") or requestor.peer_account
            channel.peer_account = requestor.account_code
            channel.language = requestor.language
            channel.music_class = requestor.music_class
            channel.redirecting = requestor.redirecting
            channel.dnid = resource
            channel.connected = requestor.caller
            channel.caller = Party(number=requestor.exten)
        if caller is not None:
            channel.caller = caller
        self.announce(channel)
        if isinstance(leg, VariableSource):
            for name, value in leg.variables.items():
                channel.variables.set(name, value)
        try:
            for name, value in {**inherited, **(variables or {})}.items():
                self._node.dialplan.write(channel, name, value)
        except ServerError:
            channel.hangup(Cause.NORMAL_CLEARING)
            raise
        return channel

    def announce(self, channel: Channel) -> None:
        """Enter a new channel and publish its ChannelCreated."""
        self._node.registry.add(channel)
        if channel.has_audience:
            channel.publish(events.channel_created(channel=channel.snapshot()))
        self._node.on_endpoint_activity(*channel.endpoint)

    def check_capacity(self) -> None:
        """Refuse a new channel when the node is stopping or full.

        :raises Unavailable: it is.
        """
        if self._node.is_stopping:
            raise Unavailable("the server is stopping")
        settings = self._node.settings
        if settings.max_calls and len(self._node.registry) >= settings.max_calls:
            raise Unavailable(f"all {settings.max_calls} channels are in use")
        if settings.max_load and os.getloadavg()[0] > settings.max_load:
            raise Unavailable(f"the load average is above {settings.max_load}")
        if settings.min_memory_free and free_memory_mib() < settings.min_memory_free:
            raise Unavailable(f"less than {settings.min_memory_free} MiB of memory are free")

    def choose_id(self, wanted: str | None, field: str) -> ChannelId:
        """Return the wanted id, or a new one.

        :raises InvalidArgument: the id is too long.
        :raises Conflict: the id is in use.
        """
        if not wanted:
            return self._node.ids.next()
        if len(wanted) > MAX_ID_LENGTH:
            raise InvalidArgument(field, f"longer than {MAX_ID_LENGTH} characters")
        if wanted in self._node.registry:
            raise Conflict(f"Channel with id {wanted} already exists")
        return ChannelId(wanted)

    def _choose_other_id(self, chosen: str, wanted: str | None) -> str:
        """Return the id for the second half of a Local channel, empty for a new one.

        :param chosen: the id that somebody chose for the first half, or empty.
        """
        if wanted:
            if wanted == chosen:
                raise Conflict(f"Channel with id {wanted} already exists")
            return self.choose_id(wanted, "otherChannelId")
        derived = f"{chosen};2"
        is_usable = chosen and len(derived) <= MAX_ID_LENGTH and derived not in self._node.registry
        return derived if is_usable else ""


def follow_from_creation(channel: Channel, app: str) -> None:
    """Subscribe an application to a channel that is made for it, for as long as it lives."""
    channel.made_for = app
    kin = channel_topic(channel.linkedid)
    channel.node.applications.watch(app, channel_topic(channel.id), kin)


def free_memory_mib() -> int:
    """Return how much memory the system could still give, in MiB."""
    with open("/proc/meminfo", encoding="ascii") as lines:  # noqa: PTH123 - read for each call
        for line in lines:
            if line.startswith("MemAvailable:"):
                return int(line.split()[1]) // 1024
    return 0
