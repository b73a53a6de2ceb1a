"""One channel: a leg of a call as the API sees it."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

import orjson

from server.base.causes import cause_text, cause_to_sip
from server.base.clock import ari_timestamp
from server.base.errors import InvalidState, Unavailable
from server.base.ids import ChannelId
from server.media.streams import Player, Recorder, Source
from server.model import events
from server.model.events import Event
from server.model.wire import Snapshot
from server.resources.controlled import Controlled, EndedBy
from server.resources.node import Node
from server.resources.variables import ChannelVariables
from server.stasis.topics import Topic, channel_topic, endpoint_topic
from server.tech.base import HoldPasser, Leg, Party, Redirecting, TextMessage, Transfer

if TYPE_CHECKING:
    from server.resources.bridge import Bridge
    from server.resources.ports import BridgeFeatures
    from server.resources.stasis_calls import StasisCall

logger = logging.getLogger(__name__)

T = TypeVar("T")

MAX_SHOWN = 64  # variables in a channel's snapshot, each of which is in every event
FAILED_TRANSFER = 503  # told of a transfer that came to no other end
CAUSE_RTP_TIMEOUT = 44  # requested channel not available, as Asterisk reports a silent phone

DigitObserver = Callable[[str], None]


class Channel(Controlled):
    """A live channel.

    :param node: the shared parts.
    :param channel_id: unique on this node.
    :param leg: its technology's side; the channel becomes the listener of leg and stream.
    :param state: ``Ring`` for a call that comes in, ``Down`` for one that is to go out.
    """

    __slots__ = (
        "_creation_time",
        "_shown",
        "_snapshot",
        "account_code",
        "ani",
        "answered_at",
        "app_data",
        "app_name",
        "bridge",
        "caller",
        "connected",
        "context",
        "created_at",
        "dial_string",
        "dial_watch",
        "digit_observers",
        "dnid",
        "end_reason",
        "ended_by",
        "endpoint",
        "exten",
        "features",
        "former_place",
        "groups",
        "id",
        "ignored",
        "intercepts_hold",
        "is_adopted",
        "is_destroyed",
        "is_held",
        "language",
        "leg",
        "linkedid",
        "made_for",
        "music_class",
        "on_destroy",
        "on_end",
        "passes_hold",
        "peer_account",
        "priority",
        "redirecting",
        "resources",
        "stasis",
        "state",
        "tech_cause",
        "text_observers",
        "tone_zone",
        "topics",
        "transfer",
        "transfer_handling",
        "transfer_report",
        "variables",
    )

    def __init__(self, node: Node, channel_id: ChannelId, leg: Leg, state: str) -> None:
        super().__init__(node, leg.name)
        # identity
        self.id = channel_id
        self.leg = leg
        self.endpoint = _endpoint_of(leg.name)
        self.linkedid: str = channel_id
        self.created_at = node.clock.wall()
        self._creation_time = ari_timestamp(self.created_at)
        # what people see
        self.state = state
        self.caller = Party()
        self.connected = Party()
        self.ani = Party()  # who pays
        self.dnid = ""  # the number as it was dialled
        self.redirecting = Redirecting()
        self.language = node.settings.default_language
        self.account_code = ""
        self.peer_account = ""  # of the other one in a call
        self.music_class = "default"
        self.tone_zone = ""
        self.context = "default"
        self.exten = "s"
        self.priority = 1
        self.former_place = "", ""  # the context and extension before
        self.app_name = ""
        self.app_data = ""
        self.variables = ChannelVariables(self._on_variable_set)
        # where it is
        self.bridge: Bridge | None = None
        self.stasis: StasisCall | None = None
        self.made_for = ""  # the application that had it made
        self.features: BridgeFeatures | None = None  # what its digits do in a basic bridge
        self.groups: dict[str, str] = {}  # for call pickup, where it isn't as its endpoint says
        self.is_held = False
        self.passes_hold = (
            isinstance(leg, HoldPasser) and leg.passes_hold
        )  # it is put on hold itself instead of hearing music
        self.intercepts_hold = False  # its bridge does not learn that it holds
        # signals that it does not take from ("rx") or give to ("tx") its far end
        self.ignored: dict[str, frozenset[str]] = {"rx": frozenset(), "tx": frozenset()}
        self.is_adopted = False  # its bridge, not the one who dialled it, decides on its end
        self.answered_at: float | None = None
        # transfers: what its far end asks for, and who waits to hear how it fares after one
        self.transfer_handling = "core"
        self.transfer: Transfer | None = None
        self.transfer_report: Callable[[int], None] | None = None
        # how it ends
        self.tech_cause: int | None = None
        self.end_reason = ""  # what the far end said
        self.ended_by = EndedBy.SERVER
        self.is_destroyed = False
        # what it owns: playbacks and recordings, closed before the channel leaves
        self.resources: list[Callable[[], None]] = []
        # who follows it
        self.on_end: list[Callable[[], None]] = []  # called once it has hung up
        self.on_destroy: list[Callable[[], None]] = []  # called when its controller is done too
        self.dial_string = ""
        self.dial_watch: Callable[[str], None] | None = None
        self.digit_observers: list[DigitObserver] = []
        self.text_observers: list[Callable[[str], None]] = []  # of texts inside the call
        self._snapshot: Snapshot | None = None
        self._shown: tuple[str, ...] = ()  # variables in channelvars, besides ari.conf's
        technology, resource = self.endpoint
        self.topics: tuple[Topic, ...] = (
            channel_topic(channel_id),
            endpoint_topic(technology, resource),
            endpoint_topic(technology, ""),
        )
        leg.listener = self
        leg.stream.listener = self

    def __repr__(self) -> str:
        return f"<Channel {self.id} {self.name} {self.state}>"

    # its description

    def snapshot(self) -> Snapshot:
        """Return the channel's JSON, encoded once per change."""
        if self._snapshot is None:
            self._snapshot = orjson.Fragment(orjson.dumps(self.describe()))
        return self._snapshot

    def describe(self) -> dict[str, Any]:
        """Return the members of the channel's JSON as of now."""
        description: dict[str, Any] = {
            "id": self.id,
            "name": self.name,
            "state": self.state,
            "protocol_id": self.leg.protocol_id,
            "caller": {"name": self.caller.name, "number": self.caller.number},
            "connected": {"name": self.connected.name, "number": self.connected.number},
            "accountcode": self.account_code,
            "dialplan": {
                "context": self.context,
                "exten": self.exten,
                "priority": self.priority,
                "app_name": self.app_name,
                "app_data": self.app_data,
            },
            "creationtime": self._creation_time,
            "language": self.language,
        }
        if self.redirecting.from_.number:
            description["caller_rdnis"] = self.redirecting.from_.number
        shown = (*self.node.settings.channel_variables, *self._shown)
        if shown:
            description["channelvars"] = {name: self.variables.get(name) or "" for name in shown}
        return description

    def touch(self) -> None:
        """Note that something in the snapshot changed."""
        self._snapshot = None

    def publish(self, event: Event, *extra: Topic) -> None:
        """Publish *event* to all who follow this channel, or one of the *extra* topics."""
        self.node.bus.publish(event, (*self.topics, *extra))

    @property
    def applications(self) -> list[str]:
        """The applications that may call it theirs: that has it now, that had it made."""
        present = [self.stasis.app] if self.stasis is not None else []
        return [*present, self.made_for] if self.made_for else present

    @property
    def has_audience(self) -> bool:
        """Whether an event about this channel would reach anybody."""
        return self.node.bus.wants(self.topics)

    def set_state(self, state: str) -> None:
        """Change the state and say so."""
        if state == self.state:
            return
        logger.debug("%s: %s -> %s", self.name, self.state, state)
        self.state = state
        self.touch()
        if state == "Up":
            self.answered_at = self.node.clock.wall()
        for observer in self.node.registry.observers:
            observer.on_channel_state(self)
        if self.has_audience:
            self.publish(events.channel_state_change(channel=self.snapshot()))
        self.node.on_endpoint_activity(*self.endpoint)

    def set_position(self, context: str, exten: str, priority: int) -> None:
        """Move the channel's place in the dialplan; nothing is executed by this."""
        if exten != self.exten or context != self.context:
            self.former_place = self.context, self.exten
        self.context, self.exten, self.priority = context, exten, priority
        self.touch()

    def set_application(self, name: str, data: str) -> None:
        """Note the dialplan application that now runs, and say so."""
        self.app_name, self.app_data = name, data
        self.touch()
        if self.has_audience:
            self.publish(
                events.channel_dialplan(
                    channel=self.snapshot(), dialplan_app=name, dialplan_app_data=data
                )
            )

    def set_caller(self, caller: Party) -> None:
        """Change who calls, and say so."""
        if caller == self.caller:
            return
        self.caller = caller
        self.touch()
        if self.has_audience:
            number, text = PRESENTATION.get(caller.presentation, PRESENTATION["allowed"])
            self.publish(
                events.channel_caller_id(
                    channel=self.snapshot(),
                    caller_presentation=number,
                    caller_presentation_txt=text,
                )
            )

    def set_connected(self, party: Party, *, tell_phone: bool = True) -> None:
        """Change who this channel is connected to, and say so."""
        if party == self.connected:
            return
        self.connected = party
        self.touch()
        if tell_phone and not self.is_hungup and "CONNECTED_LINE" not in self.ignored["tx"]:
            self.node.tell_connected(self)
        if self.has_audience:
            self.publish(events.channel_connected_line(channel=self.snapshot()))

    def set_redirecting(self, redirecting: Redirecting) -> None:
        """Change who redirected the call."""
        self.redirecting = redirecting
        self.touch()

    def set_account_code(self, code: str) -> None:
        """Change who pays, and say so."""
        former, self.account_code = self.account_code, code
        self.touch()
        if code != former:
            self.node.notices.tell("NewAccountCode", self, {"OldAccountCode": former})

    def show_variable(self, name: str) -> None:
        """Show a variable in ``channelvars`` from now on.

        :raises Unavailable: :data:`MAX_SHOWN` are shown already.
        """
        bare = name.lstrip("_")
        if bare in self._shown:
            return
        if len(self._shown) >= MAX_SHOWN:
            raise Unavailable(f"a channel shows at most {MAX_SHOWN} variables")
        self._shown = (*self._shown, bare)
        self.touch()

    # call control

    def answer(self) -> None:
        """Answer; does nothing on a channel that is up."""
        if self.state != "Up" and not self.is_hungup:
            self.leg.answer()
            self.set_state("Up")

    def ring(self) -> None:
        """Tell the caller that it rings. The state stays: ``Ringing`` is for called phones."""
        if not self.is_hungup and self.state != "Up" and "RINGING" not in self.ignored["tx"]:
            self.leg.ring()

    def progress(self) -> None:
        """Open early media."""
        if not self.is_hungup and self.state != "Up" and "PROGRESS" not in self.ignored["tx"]:
            self.leg.progress()

    def hangup(self, cause: int = 16, ended_by: EndedBy = EndedBy.SERVER) -> None:
        """End the call.

        :param cause: Q.850, reported to the far end and in ``ChannelDestroyed``.
        :param ended_by: told in ``ChannelDestroyed`` to those who know such extensions.
        """
        if self.is_hungup:
            return
        self.ended_by = ended_by
        if self.has_audience:
            self.publish(
                events.channel_hangup_request(channel=self.snapshot(), cause=cause, soft=True)
            )
        self._begin_end(cause)
        self.leg.hangup(cause)
        self._finish_end()

    def report_progress(self, status: int) -> None:
        """Tell who transferred this channel how it fares, once it is known for good no more.

        :param status: as SIP has them; final from 200 on.
        """
        report = self.transfer_report
        if report is not None:
            if status >= 200:
                self.transfer_report = None
            report(status)

    # media

    def play(
        self,
        sources: Sequence[Source],
        *,
        offset_ms: int = 0,
        on_item: Callable[[int], None] | None = None,
    ) -> Player:
        """Play to this channel; see :meth:`server.media.streams.Stream.play`."""
        self._check_alive()
        self.report_progress(200)
        return self.leg.stream.play(sources, offset_ms=offset_ms, on_item=on_item)

    def record(self, path: str, file_format: str, **options: Any) -> Recorder:
        """Record what the channel says; see :meth:`server.media.streams.Stream.record`."""
        self._check_alive()
        return self.leg.stream.record(path, file_format, **options)

    def set_background(self, kind: str | None, value: str = "") -> None:
        """Choose what the channel hears when nothing else plays."""
        if self.is_hungup:
            return
        had_music = self.leg.stream.background == "music"
        self.leg.stream.set_background(kind, value)
        if had_music:
            self.node.notices.tell("MusicOnHoldStop", self)
        if kind == "music":
            self.node.notices.tell("MusicOnHoldStart", self, {"Class": value})

    # callbacks: the leg

    def on_ringing(self) -> None:
        if self.state in ("Down", "Dialing"):
            self.set_state("Ringing")
        self._tell_dialler("RINGING")

    def on_progress(self) -> None:
        self._tell_dialler("PROGRESS")

    def on_answered(self) -> None:
        self.set_state("Up")
        self._tell_dialler("ANSWER")

    def on_hangup(self, cause: int, tech_cause: int | None, reason: str) -> None:
        if self.is_hungup:
            return
        logger.debug("%s: hung up by the far end: %s (%s)", self.name, cause, reason)
        self.tech_cause = tech_cause
        self.end_reason = reason
        self.ended_by = EndedBy.FAR_END
        if self.has_audience:
            self.publish(
                events.channel_hangup_request(
                    channel=self.snapshot(), cause=cause, tech_cause=tech_cause
                )
            )
        self._begin_end(cause)
        self._finish_end()

    def on_hold(self, music_class: str | None) -> None:
        if self.is_held or "HOLD" in self.ignored["rx"]:
            return
        self.is_held = True
        if self.has_audience:
            self.publish(events.channel_hold(channel=self.snapshot(), musicclass=music_class))
        self.node.on_endpoint_activity(*self.endpoint)
        if self.bridge is not None and not self.intercepts_hold:
            self.bridge.on_member_held(self, music_class)

    def on_unhold(self) -> None:
        if not self.is_held or "UNHOLD" in self.ignored["rx"]:
            return
        self.is_held = False
        if self.has_audience:
            self.publish(events.channel_unhold(channel=self.snapshot()))
        self.node.on_endpoint_activity(*self.endpoint)
        if self.bridge is not None and not self.intercepts_hold:
            self.bridge.on_member_resumed(self)

    def on_connected_line(self, party: Party) -> None:
        self.set_caller(party)
        if self.bridge is not None:
            self.bridge.on_member_identified(self)

    def on_redirected(self, target: str) -> None:
        self.variables.set("FORWARD_TARGET", target)
        self._tell_dialler("FORWARD")

    def on_transfer(self, transfer: Transfer) -> None:
        if self.is_hungup:
            transfer.refuse(481)
        else:
            self.node.on_transfer(self, transfer)

    def on_message(self, message: TextMessage) -> None:
        for observer in list(self.text_observers):
            observer(message.body)
        self.node.on_text(self, message)

    # callbacks: the stream

    def on_dtmf_begin(self, digit: str) -> None:
        """A digit started; it counts when it ends."""
        fields = {"Digit": digit, "Direction": "Received"}
        self.node.notices.tell("DTMFBegin", self, fields)

    def on_dtmf(self, digit: str, duration_ms: int) -> None:
        if self.is_hungup:
            return
        if self.has_audience:
            self.publish(
                events.channel_dtmf_received(
                    channel=self.snapshot(), digit=digit, duration_ms=duration_ms
                )
            )
        for observer in list(self.digit_observers):
            observer(digit)
        self._digits.append(digit)
        self._wake_digit_waiters()

    def on_talking_started(self) -> None:
        if self.has_audience:
            self.publish(events.channel_talking_started(channel=self.snapshot()))

    def on_talking_finished(self, duration_ms: int) -> None:
        if self.has_audience:
            self.publish(
                events.channel_talking_finished(channel=self.snapshot(), duration=duration_ms)
            )

    def on_rtp_timeout(self) -> None:
        logger.info("%s: no RTP any more, hanging up", self.name)
        self.hangup(CAUSE_RTP_TIMEOUT, EndedBy.MEDIA_TIMEOUT)

    # private

    def _on_variable_set(self, name: str, value: str) -> None:
        if self.node.settings.channel_variables or self._shown:
            self.touch()
        if self.has_audience:
            self.publish(events.channel_varset(channel=self.snapshot(), variable=name, value=value))

    def _check_alive(self) -> None:
        if self.is_hungup:
            raise InvalidState("Channel has hung up")

    def _tell_dialler(self, status: str) -> None:
        if self.dial_watch is not None:
            self.dial_watch(status)

    def _begin_end(self, cause: int) -> None:
        self.is_hungup = True
        self.hangup_cause = cause
        for observer in self.node.registry.observers:
            observer.on_channel_ending(self)
        self._end_transfers(cause)
        for close in list(self.resources):
            close()

    def _end_transfers(self, cause: int) -> None:
        """Let nobody wait for a transfer that this channel can't tell of any more."""
        status = cause_to_sip(cause)
        self.report_progress(status if status >= 400 else FAILED_TRANSFER)
        transfer, self.transfer = self.transfer, None
        if transfer is not None:
            transfer.report(FAILED_TRANSFER)

    def _finish_end(self) -> None:
        self._end_waits()
        self._tell_dialler("HANGUP")
        for tell in list(self.on_end):
            tell()
        self.on_end.clear()
        if self.is_controlled:
            return
        if self.unsettled:
            self.node.scope.spawn(self._destroy_when_settled(), f"{self.name} settle")
        else:
            self.destroy()

    async def _destroy_when_settled(self) -> None:
        await self.settle()
        self.destroy()

    def destroy(self) -> None:
        """End the record of a channel that has hung up. The last event is published here."""
        if self.is_destroyed:
            return
        self.is_destroyed = True
        if self.bridge is not None:
            self.bridge.drop(self)
        for tell in self.on_destroy:
            tell()
        self.on_destroy.clear()
        if self.has_audience:
            self.publish(
                events.channel_destroyed(
                    channel=self.snapshot(),
                    cause=self.hangup_cause,
                    cause_txt=cause_text(self.hangup_cause),
                    tech_cause=self.tech_cause,
                    ended_by=self.ended_by.value,
                    reason=self.end_reason or None,
                )
            )
        self.node.applications.forget_topic(channel_topic(self.id))
        self.node.registry.remove(self)
        self.node.on_endpoint_activity(*self.endpoint)
        # What refers to the channel lets go of it: no cycle is left, and nothing reports any more.
        self.variables.seal()
        self.leg.listener = None
        self.leg.stream.listener = None


# Q.951 presentation as Asterisk numbers and words it
PRESENTATION = {
    "allowed": (0, "Presentation Allowed, Not Screened"),
    "prohib": (32, "Presentation Prohibited, Not Screened"),
    "unavailable": (67, "Number Unavailable"),
}


def _endpoint_of(name: str) -> tuple[str, str]:
    """Return technology and resource of a channel name such as ``PJSIP/alice-00000001``."""
    technology, _, rest = name.partition("/")
    return technology, rest.rpartition("-")[0] or rest
