"""The verbs of ``/channels`` on channels that exist; :mod:`.originate` makes new ones."""

from __future__ import annotations

import builtins
import contextlib
import logging
import re
from collections.abc import Mapping, Sequence
from typing import Any

from server import model
from server.base.causes import ARI_REASONS
from server.base.errors import (
    ChannelHungUp,
    Conflict,
    InvalidArgument,
    InvalidState,
    NotFound,
)
from server.media.streams import StreamStats
from server.model.wire import Snapshot
from server.resources.channel import Channel
from server.resources.channel_lists import CHANNEL_FIELDS, describe, matching
from server.resources.controlled import EndedBy
from server.resources.external_media import ExternalMedia
from server.resources.listing import Page, Partial, check_fields, take_page
from server.resources.node import Node
from server.resources.originate import Originator
from server.resources.playbacks import Playbacks
from server.resources.recordings import Recordings
from server.resources.snoops import Snoops
from server.resources.stasis_calls import (
    Continue,
    Move,
    StasisCall,
    split_args,
    stasis_call_of,
)
from server.resources.transfers import report_progress
from server.resources.variables import read_assignments

logger = logging.getLogger(__name__)

DTMF_DIGITS = frozenset("0123456789*#ABCDabcdwW")
PAUSES = {"w": 0.5, "W": 1.0}  # seconds
MAX_DTMF = 256  # digits in one request
MAX_MS = 60_000  # of one DTMF timing parameter


class Channels:
    """What the API does with channels."""

    def __init__(
        self,
        node: Node,
        originator: Originator,
        playbacks: Playbacks,
        recordings: Recordings,
        snoops: Snoops,
        external_media: ExternalMedia,
    ) -> None:
        self._node = node
        self._originator = originator
        self._snoops = snoops
        self._external_media = external_media
        self._playbacks = playbacks
        self._recordings = recordings

    # finding

    def list(
        self,
        *,
        app: str | None = None,
        state: str | None = None,
        since: str | None = None,
        after: str | None = None,
        limit: int | None = None,
        fields: Sequence[str] = (),
    ) -> Sequence[Snapshot] | Page:
        """Return every channel, or a page of those that were asked for.

        :param app: only those that this application has now.
        :param since: only those made at this moment (ISO 8601) or later.
        :param fields: members to return; ``app`` and ``app_args`` are among them.
        :raises InvalidArgument: a value is wrong.
        """
        check_fields(fields, CHANNEL_FIELDS)
        wanted = matching(self._node.registry, app=app, state=state, since=since)
        if not fields and after is None and limit is None:
            return [channel.snapshot() for channel in wanted]
        page, following = take_page(
            ((channel.id, channel) for channel in wanted), after=after, limit=limit
        )
        if fields:
            return Page([describe(channel, fields) for channel in page], following, True)
        return Page([channel.snapshot() for channel in page], following)

    def get(self, channel_id: str, *, fields: Sequence[str] = ()) -> Snapshot | Partial:
        """Return one channel.

        :param fields: as in :meth:`list`.
        :raises NotFound: there is none.
        :raises InvalidArgument: a field is unknown.
        """
        channel = self.find(channel_id)
        check_fields(fields, CHANNEL_FIELDS)
        return Partial(describe(channel, fields)) if fields else channel.snapshot()

    def find(self, channel_id: str) -> Channel:
        """Return the channel object, by id or by name.

        :raises NotFound: there is none.
        """
        channel = self._node.registry.find(channel_id)
        if channel is None:
            raise NotFound("Channel not found")
        return channel

    # making

    def originate(self, **options: Any) -> Snapshot:
        """Make a channel and dial it; see :meth:`Originator.originate`."""
        return self._originator.originate(**options).snapshot()

    def create(self, **options: Any) -> Snapshot:
        """Make a channel in Stasis without dialling it; see :meth:`Originator.create`."""
        return self._originator.create(**options).snapshot()

    def dial(self, channel_id: str, *, caller: str | None = None, timeout: int = 0) -> None:
        """Dial a channel that :meth:`create` made; see :meth:`Originator.dial`."""
        channel, _ = self._in_stasis(channel_id)
        self._originator.dial(channel, caller=caller, timeout=timeout)

    async def external_media(self, **options: Any) -> Snapshot:
        """Make a channel of external media; see :meth:`ExternalMedia.create`."""
        return (await self._external_media.create(**options)).snapshot()

    def snoop(self, channel_id: str, **options: Any) -> Snapshot:
        """Spy on a channel or whisper to it; see :meth:`Snoops.snoop`.

        :raises NotFound: no such channel.
        """
        return self._snoops.snoop(self.find(channel_id), **options).snapshot()

    # ending and handing over

    def hangup(
        self, channel_id: str, *, reason_code: str | None = None, reason: str | None = None
    ) -> None:
        """End a call.

        :param reason_code: a Q.850 cause as a number.
        :param reason: one of ARI's words, such as ``busy``.
        :raises NotFound: no such channel.
        :raises InvalidArgument: both or an unknown reason are given.
        """
        channel = self.find(channel_id)
        if reason and reason_code:
            raise InvalidArgument("reason", "give either reason or reason_code")
        channel.hangup(_read_cause(reason_code, reason), EndedBy.COMMAND)

    def hangup_many(
        self,
        *,
        channel_id: Sequence[str] = (),
        app: str | None = None,
        reason_code: str | None = None,
        reason: str | None = None,
    ) -> builtins.list[model.HangupResult]:
        """End several calls; one that can't be ended does not keep the others.

        :param app: all channels that this application has, instead of those named.
        :raises InvalidArgument: neither or both are given, or the reason is wrong.
        """
        if bool(channel_id) is bool(app):
            raise InvalidArgument("channelId", "give either channels or an application")
        if reason and reason_code:
            raise InvalidArgument("reason", "give either reason or reason_code")
        cause = _read_cause(reason_code, reason)
        if app:
            channel_id = [channel.id for channel in matching(self._node.registry, app=app)]
        return [self._end_one(name, cause) for name in dict.fromkeys(channel_id)]

    def _end_one(self, channel_id: str, cause: int) -> model.HangupResult:
        channel = self._node.registry.find(channel_id)
        if channel is None or channel.is_hungup:
            return model.HangupResult(id=channel_id, ended=False, message="Channel not found")
        channel.hangup(cause, EndedBy.COMMAND)
        return model.HangupResult(id=channel_id, ended=True)

    def continue_in_dialplan(
        self,
        channel_id: str,
        *,
        context: str | None = None,
        extension: str | None = None,
        priority: int | None = None,
        label: str | None = None,
    ) -> None:
        """Leave Stasis and go on in the dialplan, at the next priority unless told otherwise.

        :raises NotFound: no such channel, or no such label.
        :raises Conflict: it is not in a Stasis application.
        :raises InvalidState: it has not been dialled yet.
        """
        channel, call = self._usable(channel_id)
        where = context or channel.context
        exten = extension or channel.exten
        if label:
            found = self._node.dialplan.find_label(where, exten, label, channel.caller.number)
            if found is None:
                if not label.isdigit():
                    raise NotFound("Label not found")
                found = int(label)
            priority = found
        if priority is None:
            moved = context is not None or extension is not None
            priority = 1 if moved else channel.priority + 1
        channel.set_position(where, exten, priority)
        call.leave(Continue())

    def move(self, channel_id: str, *, app: str, app_args: str | None = None) -> None:
        """Hand a channel to another application.

        :raises NotFound: no such channel.
        :raises Conflict: it is not in a Stasis application.
        """
        _, call = self._in_stasis(channel_id)
        call.leave(Move(app, tuple(split_args(app_args))))

    def redirect(self, channel_id: str, *, endpoint: str) -> None:
        """Send the far end elsewhere.

        :raises NotFound: no such channel or technology.
        :raises InvalidArgument: the endpoint is malformed.
        :raises Unprocessable: the endpoint is of another technology, or it can't be done.
        """
        channel, _ = self._in_stasis(channel_id)
        self._originator.redirect(channel, endpoint)

    def transfer_progress(self, channel_id: str, *, states: str) -> None:
        """Tell the far end how the transfer goes that it asked for; see :func:`report_progress`.

        :raises NotFound: no such channel.
        :raises Conflict: it is not in a Stasis application.
        """
        channel, _ = self._in_stasis(channel_id)
        report_progress(channel, states)

    # signalling

    def answer(self, channel_id: str) -> None:
        """Answer a call."""
        channel, _ = self._usable(channel_id)
        channel.answer()

    def ring(self, channel_id: str) -> None:
        """Tell the caller that it rings."""
        channel, _ = self._usable(channel_id)
        if channel.state == "Up":
            tone = self._node.tone("ring", channel.tone_zone)
            channel.set_background("tone" if tone else None, tone or "")
        else:
            channel.ring()

    def ring_stop(self, channel_id: str) -> None:
        """Stop the ringing tone of an answered call; signalling can't take a 180 back."""
        channel, _ = self._usable(channel_id)
        channel.set_background(None)

    def progress(self, channel_id: str) -> None:
        """Open early media."""
        channel, _ = self._usable(channel_id)
        channel.progress()

    def send_dtmf(
        self,
        channel_id: str,
        *,
        dtmf: str | None = None,
        before: int = 0,
        between: int = 100,
        duration: int = 100,
        after: int = 0,
    ) -> None:
        """Send digits; times in ms. ``w`` among them waits half a second, ``W`` a whole one.

        :raises InvalidArgument: no digits, other characters, or a time out of range.
        """
        channel, _ = self._usable(channel_id)
        if not dtmf or len(dtmf) > MAX_DTMF or not set(dtmf) <= DTMF_DIGITS:
            raise InvalidArgument("dtmf", f"1 to {MAX_DTMF} of 0-9 * # A-D are needed")
        times = {"before": before, "between": between, "duration": duration, "after": after}
        for field, value in times.items():
            if not 0 <= value <= MAX_MS:
                raise InvalidArgument(field, f"must be 0 to {MAX_MS} ms")
        if not PAUSES.keys() & set(dtmf):
            channel.leg.send_dtmf(
                dtmf.upper(),
                before_ms=before,
                between_ms=between,
                duration_ms=duration,
                after_ms=after,
            )
            return
        self._node.scope.spawn(
            _send_with_pauses(channel, dtmf, before, between, duration), f"{channel.name} dtmf"
        )

    def hold(self, channel_id: str) -> None:
        """Put the far end on hold."""
        self._usable(channel_id)[0].leg.hold()

    def unhold(self, channel_id: str) -> None:
        """Resume it."""
        self._usable(channel_id)[0].leg.unhold()

    # media

    def mute(self, channel_id: str, *, direction: str = "both") -> None:
        """Silence a channel. ``in`` is what it says, ``out`` what it hears.

        :raises InvalidArgument: unknown direction.
        """
        self._set_mute(channel_id, direction, True)

    def unmute(self, channel_id: str, *, direction: str = "both") -> None:
        """Undo :meth:`mute`."""
        self._set_mute(channel_id, direction, False)

    def start_moh(self, channel_id: str, *, moh_class: str | None = None) -> None:
        """Play music on hold to a channel."""
        channel, _ = self._usable(channel_id)
        channel.set_background("music", moh_class or channel.music_class)

    def stop_moh(self, channel_id: str) -> None:
        """Stop it."""
        self._usable(channel_id)[0].set_background(None)

    def start_silence(self, channel_id: str) -> None:
        """Send silence while nothing else plays, so that the media path stays open."""
        self._usable(channel_id)[0].set_background("silence")

    def stop_silence(self, channel_id: str) -> None:
        """Stop it."""
        self._usable(channel_id)[0].set_background(None)

    def play(self, channel_id: str, **options: Any) -> Snapshot:
        """Play media; see :meth:`Playbacks.start`."""
        channel, _ = self._usable(channel_id)
        return self._playbacks.start(channel, f"channel:{channel.id}", **options)

    async def record(self, channel_id: str, **options: Any) -> Snapshot:
        """Record what a channel says; see :meth:`Recordings.start`.

        :raises Conflict: it is in a bridge; record the bridge then.
        """
        channel, _ = self._in_stasis(channel_id)
        if channel.bridge is not None:
            raise Conflict("Channel is in a bridge")
        return await self._recordings.start(channel, f"channel:{channel.id}", **options)

    def rtp_statistics(self, channel_id: str) -> model.RTPstat:
        """Return the RTP counters of a channel.

        :raises NotFound: no such channel, or it has no RTP.
        """
        channel = self.find(channel_id)
        if channel.is_hungup or channel.endpoint[0] != "PJSIP":
            raise NotFound("RTP statistics not found")
        return _describe_rtp(channel.leg.stream.stats(), channel.id)

    # variables

    def get_variable(self, channel_id: str, *, variable: str) -> model.Variable:
        """Read a variable or a function.

        :raises NotFound: no such channel or variable.
        :raises InvalidArgument: no name is given, or the function is unknown.
        """
        channel = self.find(channel_id)
        value = self._read(channel, variable)
        if value is None:
            raise NotFound("Provided variable was not found")
        return model.Variable(value=value)

    def set_variable(
        self,
        channel_id: str,
        *,
        variable: str,
        value: str | None = None,
        report_events: bool = False,
    ) -> None:
        """Write a variable or a function.

        :param report_events: the channel's ``channelvars`` show it from now on.
        :raises NotFound: no such channel.
        :raises Conflict: it is not in a Stasis application.
        :raises InvalidArgument: no name is given, or the function can't be written.
        """
        channel, _ = self._in_stasis(channel_id)
        _check_variable(variable)
        if report_events:
            channel.show_variable(variable)
        self._node.dialplan.write(channel, variable, value or "")

    def get_variables(self, channel_id: str, *, variables: Sequence[str]) -> model.Variables:
        """Read several variables; those that are not set come back empty.

        :raises NotFound: no such channel.
        :raises InvalidArgument: no name is given, or a function is unknown.
        """
        channel = self.find(channel_id)
        if not variables:
            raise InvalidArgument("variables", "at least one name is needed")
        return model.Variables(
            variables={name: self._read(channel, name) or "" for name in variables}
        )

    def set_variables(self, channel_id: str, *, variables: Mapping[str, Any]) -> None:
        """Write several variables; see :func:`~server.resources.variables.read_assignments`.

        :raises NotFound: no such channel.
        :raises Conflict: it is not in a Stasis application.
        :raises InvalidArgument: a name or a value is malformed.
        :raises Unavailable: too many are to be shown.
        """
        assignments = read_assignments(variables)
        channel, _ = self._in_stasis(channel_id)
        for assignment in assignments:
            if assignment.is_shown:
                channel.show_variable(assignment.name)
            self._node.dialplan.write(channel, assignment.name, assignment.value)

    # private

    def _read(self, channel: Channel, variable: str) -> str | None:
        _check_variable(variable)
        return self._node.dialplan.read(channel, variable)

    def _in_stasis(self, channel_id: str) -> tuple[Channel, StasisCall]:
        channel = self.find(channel_id)
        return channel, stasis_call_of(channel)

    def _usable(self, channel_id: str) -> tuple[Channel, StasisCall]:
        channel, call = self._in_stasis(channel_id)
        if channel.state in ("Down", "Rsrved"):
            raise InvalidState("Channel in invalid state")
        return channel, call

    def _set_mute(self, channel_id: str, direction: str, is_muted: bool) -> None:
        channel, _ = self._usable(channel_id)
        if direction not in ("both", "in", "out"):
            raise InvalidArgument("direction", f"{direction!r} is none of both, in, out")
        channel.leg.stream.set_mute(
            inbound=is_muted if direction in ("both", "in") else None,
            outbound=is_muted if direction in ("both", "out") else None,
        )


async def _send_with_pauses(
    channel: Channel, dtmf: str, before: int, between: int, duration: int
) -> None:
    """Send digits with the pauses among them, for as long as the channel lives."""
    with contextlib.suppress(ChannelHungUp):
        await channel.sleep(before / 1000)
        for part in re.findall("[wW]|[^wW]+", dtmf):
            if part in PAUSES:
                await channel.sleep(PAUSES[part])
            else:
                await channel.wait(
                    channel.leg.send_dtmf(
                        part.upper(),
                        before_ms=0,
                        between_ms=between,
                        duration_ms=duration,
                        after_ms=0,
                    )
                )


def _read_cause(reason_code: str | None, reason: str | None) -> int:
    if reason_code:
        if not reason_code.isascii() or not reason_code.isdigit() or int(reason_code) > 127:
            raise InvalidArgument("reason_code", "a Q.850 cause of 0 to 127 is needed")
        return int(reason_code)
    if not reason:
        return 16
    cause = ARI_REASONS.get(reason)
    if cause is None:
        raise InvalidArgument("reason", f"{reason!r} is not a hangup reason")
    return cause


def _check_variable(name: str) -> None:
    if not name or len(name) > 1024:
        raise InvalidArgument("variable", "a name of 1 to 1024 characters is needed")


def _describe_rtp(stats: StreamStats, channel_id: str) -> model.RTPstat:
    """Word statistics as ARI does; its "normdev" is the mean, of which it keeps a running form."""
    series = {
        "remote_{}jitter": stats.remote_jitter,
        "local_{}jitter": stats.local_jitter,
        "remote_{}rxploss": stats.remote_loss,
        "local_{}rxploss": stats.local_loss,
        "{}rtt": stats.rtt,
    }
    spread: dict[str, Any] = {}
    for pattern, values in series.items():
        spread[pattern.format("max")] = values.maximum
        spread[pattern.format("min")] = values.minimum
        spread[pattern.format("normdev")] = values.mean
        spread[pattern.format("stdev")] = values.deviation
    return model.RTPstat(
        txcount=stats.tx_packets,
        rxcount=stats.rx_packets,
        txjitter=stats.remote_jitter.last,
        rxjitter=stats.local_jitter.last,
        txploss=stats.tx_lost,
        rxploss=stats.rx_lost,
        rtt=stats.rtt.last,
        local_ssrc=stats.local_ssrc,
        remote_ssrc=stats.remote_ssrc,
        txoctetcount=stats.tx_octets,
        rxoctetcount=stats.rx_octets,
        channel_uniqueid=channel_id,
        **spread,
    )
