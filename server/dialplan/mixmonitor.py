"""Recording a channel while it does something else: what it says and hears, in step.

A snoop stream on the channel (:meth:`MediaEngine.open_snoop`) hears both directions in the same
tick, and its recorder writes them. So a recording goes on through bridges and transfers, and ends
with the channel or when it is told to.
"""

from __future__ import annotations

import asyncio
import itertools
import logging
from array import array
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from server.base.errors import InvalidArgument, NotFound, ServerError, Unavailable
from server.dialplan.port import Dialplan
from server.dialplan.processes import run_shell
from server.media.recorders import Recorder, RecordResult
from server.media.streams import FileSource, Source, Stream, ToneSource
from server.resources.channel import Channel

logger = logging.getLogger(__name__)

MAX_MONITORS = 32  # of one channel
_NOTICES = {"start": "MixMonitorStart", "stop": "MixMonitorStop", "mute": "MixMonitorMute"}
DIRECTIONS = ("read", "write", "both")  # as MixMonitorMute has them
BEEP = ToneSource("1000", 150)  # where the sound "beep" is missing


@dataclass(frozen=True, slots=True)
class Track:
    """A file of a recording.

    :param side: ``both``, ``in`` (what the channel says) or ``out`` (what it hears).
    """

    path: Path
    file_format: str
    side: str = "both"


@dataclass(frozen=True, slots=True)
class MonitorSettings:
    """What MixMonitor() is asked for.

    :param tracks: the files; the first one is the recording's own.
    :param gain_in: volume of what the channel says, *gain_out* of what it hears.
    :param skip_s: seconds at the beginning that are left out.
    :param beep_s: a beep for all every so many seconds, 0 for none.
    :param begin_sound: played to the channel at the begin, *end_sound* at the end; may be empty.
    :param command: of the system's shell, run at the end.
    :param mailboxes: that get a copy as voicemail.
    :param deletes: the file, when all is done.
    :param is_stereo: the first file holds what was said and heard as two channels.
    """

    tracks: Sequence[Track]
    appends: bool = False
    bridged_only: bool = False
    gain_in: float = 1.0
    gain_out: float = 1.0
    skip_s: float = 0.0
    beep_s: float = 0.0
    begin_sound: str = ""
    end_sound: str = ""
    command: str = ""
    mailboxes: Sequence[str] = ()
    deletes: bool = False
    is_stereo: bool = False


Deliver = Callable[[Channel, Path, Sequence[str]], None]


class Monitor:
    """A recording that runs.

    :ivar id: how StopMixMonitor() names it.
    :ivar closed: settled when its files are complete; its command may still run.
    """

    def __init__(
        self, monitors: MixMonitors, channel: Channel, monitor_id: str, settings: MonitorSettings
    ) -> None:
        self.id = monitor_id
        self.settings = settings
        self.path = settings.tracks[0].path
        self.closed: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._monitors = monitors
        self._channel = channel
        self._muted: set[str] = set()
        self._snoops: list[tuple[str, Stream]] = []
        self._recorders: list[Recorder] = []
        self._beeper: Stream | None = None
        self._timers: list[asyncio.TimerHandle] = []

    def start(self) -> None:
        """Open the files.

        :raises InvalidState: the channel has hung up.
        """
        try:
            for track in self._tracks():
                self._record(track)
        except ServerError:
            self._close()
            raise
        self._schedule()
        self._announce(self.settings.begin_sound)

    def stop(self) -> None:
        """End it. May be called again."""
        for timer in self._timers:
            timer.cancel()
        self._timers.clear()
        for recorder in self._recorders:
            recorder.stop()

    def mute(self, direction: str, is_muted: bool) -> None:
        """Record silence for what the channel says (``read``) or hears (``write``), or both."""
        sides = {"read": {"in"}, "write": {"out"}}.get(direction, {"in", "out"})
        self._muted = self._muted | sides if is_muted else self._muted - sides
        for side, snoop in self._snoops:
            self._tune(side, snoop)

    async def run(self) -> None:
        """Wait for the end, and do what is to be done then."""
        try:
            self._report([await recorder.done for recorder in self._recorders])
            if self.settings.is_stereo:
                await asyncio.to_thread(self._join_halves)
            self._announce(self.settings.end_sound)
        finally:
            self._close()
            if not self.closed.done():
                self.closed.set_result(None)
            self._monitors.forget(self._channel, self)
        await self._finish()

    def _tracks(self) -> list[Track]:
        first, *others = self.settings.tracks
        if not self.settings.is_stereo:
            return [first, *others]
        halves = [replace(first, path=self._half(side), side=side) for side in ("in", "out")]
        return [*halves, *others]

    def _half(self, side: str) -> Path:
        return self.path.with_name(f"{self.path.name}.{side}")

    def _record(self, track: Track) -> None:
        engine = self._channel.node.engine
        snoop = engine.open_snoop(self._channel.leg.stream, spy=track.side)
        self._snoops.append((track.side, snoop))
        self._tune(track.side, snoop)
        appends = self.settings.appends
        recorder = snoop.record(
            str(track.path), track.file_format, append=appends, overwrite=not appends
        )
        self._recorders.append(recorder)
        if self.settings.skip_s > 0:
            recorder.pause()
            later = asyncio.get_running_loop().call_later
            self._timers.append(later(self.settings.skip_s, recorder.unpause))

    def _tune(self, side: str, snoop: Stream) -> None:
        settings = self.settings
        snoop.tune_snoop(
            spy=side,
            whisper="none",
            gain_in=0 if "in" in self._muted else settings.gain_in,
            gain_out=0 if "out" in self._muted else settings.gain_out,
            bridged_only=settings.bridged_only,
        )

    def _schedule(self) -> None:
        if self.settings.beep_s <= 0:
            return
        self._beeper = self._channel.node.engine.open_snoop(
            self._channel.leg.stream, whisper="both"
        )
        self._arm()

    def _arm(self) -> None:
        loop = asyncio.get_running_loop()
        self._timers = [loop.call_later(self.settings.beep_s, self._beep)]

    def _beep(self) -> None:
        if self._beeper is not None and not self._beeper.is_playing:
            self._beeper.play([self._sound("beep") or BEEP])
        self._arm()

    def _announce(self, name: str) -> None:
        """Play a sound to the channel, unless it hears something else."""
        channel = self._channel
        sound = self._sound(name) if name else None
        if sound is not None and not channel.is_hungup and not channel.leg.stream.is_playing:
            channel.play([sound])

    def _sound(self, name: str) -> Source | None:
        path = self._channel.node.sounds.find(name, self._channel.language)
        return None if path is None else FileSource(str(path))

    def _report(self, results: Sequence[RecordResult]) -> None:
        for result in results:
            if result.reason == "failed":
                logger.warning("%s: MixMonitor: %s", self._channel.name, result.error)

    def _close(self) -> None:
        self.stop()
        for _side, snoop in self._snoops:
            snoop.close()
        if self._beeper is not None:
            self._beeper.close()

    def _join_halves(self) -> None:
        halves = self._half("in"), self._half("out")
        interleave(*halves, self.path, append=self.settings.appends)

    async def _finish(self) -> None:
        settings = self.settings
        if settings.mailboxes and self._monitors.deliver is not None:
            self._monitors.deliver(self._channel, self.path, settings.mailboxes)
        elif settings.mailboxes:
            logger.warning("MixMonitor: there is no voicemail that could take %s", self.path)
        if settings.command:
            try:
                await run_shell(settings.command, keeps_output=False)
            except (InvalidArgument, Unavailable) as error:
                logger.warning("MixMonitor: %s", error)
        if settings.deletes:
            await asyncio.to_thread(self.path.unlink, missing_ok=True)


class MixMonitors:
    """All that run, by channel: what MixMonitor() and its AMI actions share.

    :ivar deliver: copies a recording into mailboxes; set by voicemail, before the file may go.
    :ivar observers: called with ``start``, ``stop`` or ``mute``, the channel and the recording.
    """

    def __init__(self, dialplan: Dialplan) -> None:
        self.deliver: Deliver | None = None
        self.observers: list[Callable[[str, Channel, Monitor], None]] = []
        self._scope = dialplan.node.scope
        self._of_channel: dict[Channel, dict[str, Monitor]] = {}
        self._numbers = itertools.count(1)

    def start(self, channel: Channel, settings: MonitorSettings) -> Monitor:
        """Begin to record a channel.

        :raises Unavailable: too many recordings of it run.
        :raises InvalidState: it has hung up.
        """
        running = self._of_channel.get(channel, {})
        if len(running) >= MAX_MONITORS:
            raise Unavailable(f"{MAX_MONITORS} recordings of this channel run already")
        monitor = Monitor(self, channel, f"0x{next(self._numbers):x}", settings)
        monitor.start()
        self._of_channel.setdefault(channel, {})[monitor.id] = monitor
        channel.on_end.append(monitor.stop)
        self._scope.spawn(monitor.run(), f"{channel.name} MixMonitor {monitor.id}")
        self._tell("start", channel, monitor)
        return monitor

    def find(self, channel: Channel, monitor_id: str) -> list[Monitor]:
        """Return the recording of this id, or all of the channel's if it is empty.

        :raises NotFound: there is none.
        """
        running = self._of_channel.get(channel, {})
        found = [running[monitor_id]] if monitor_id in running else []
        found = list(running.values()) if not monitor_id else found
        if not found:
            raise NotFound("No MixMonitor found")
        return found

    def stop(self, channel: Channel, monitor_id: str = "") -> list[Monitor]:
        """End one recording, or all of the channel's.

        :returns: them; each is ``closed`` a little later.
        :raises NotFound: there is none.
        """
        monitors = self.find(channel, monitor_id)
        for monitor in monitors:
            monitor.stop()
        return monitors

    def mute(self, channel: Channel, direction: str, is_muted: bool, monitor_id: str = "") -> int:
        """Mute or unmute a direction of the channel's recordings, or of one.

        :param direction: one of :data:`DIRECTIONS`.
        :returns: how many were changed.
        :raises NotFound: there is none.
        :raises InvalidArgument: an unknown direction.
        """
        if direction not in DIRECTIONS:
            raise InvalidArgument("direction", f"{direction!r} is none of {', '.join(DIRECTIONS)}")
        monitors = self.find(channel, monitor_id)
        for monitor in monitors:
            monitor.mute(direction, is_muted)
            self._tell("mute", channel, monitor, Direction=direction, State=int(is_muted))
        return len(monitors)

    def forget(self, channel: Channel, monitor: Monitor) -> None:
        """A recording has ended."""
        running = self._of_channel.get(channel, {})
        running.pop(monitor.id, None)
        if not running:
            self._of_channel.pop(channel, None)
        if monitor.stop in channel.on_end:
            channel.on_end.remove(monitor.stop)
        self._tell("stop", channel, monitor)

    def _tell(self, what: str, channel: Channel, monitor: Monitor, **fields: object) -> None:
        channel.node.notices.tell(_NOTICES[what], channel, fields)
        for observer in self.observers:
            observer(what, channel, monitor)


def interleave(said: Path, heard: Path, to: Path, *, append: bool) -> None:
    """Make one file of two channels of two of samples, which are deleted. Asks the file system."""
    with (
        said.open("rb") as left,
        heard.open("rb") as right,
        to.open("ab" if append else "wb") as out,
    ):
        while True:
            one, other = left.read(65_536), right.read(65_536)
            count = min(len(one), len(other)) // 2
            if not count:
                break
            pairs = array("h", bytes(4 * count))
            pairs[0::2] = array("h", one[: 2 * count])
            pairs[1::2] = array("h", other[: 2 * count])
            out.write(pairs.tobytes())
    said.unlink()
    heard.unlink()
