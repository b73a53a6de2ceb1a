"""ChanSpy() and ExtenSpy(): listen to calls, whisper to one side, or barge in."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from server.base.errors import InvalidArgument, InvalidState, ServerError
from server.dialplan.apps.record import choose_file
from server.dialplan.arguments import Options, argument, parse_options, split_arguments
from server.dialplan.executor import Call
from server.dialplan.media import find_prompts, play
from server.dialplan.numbers import parse_integer
from server.dialplan.registry import application
from server.dialplan.spying import MAX_VOLUME, Keys, Listener, Mode, Round, Spies
from server.resources.channel import Channel
from server.resources.say.spelling import characters

CHAN_OPTIONS = "bBcdeEgloqrsSuvwWxX"
EXTEN_OPTIONS = "bBcdeEgloqrsSvwWxX"
FIRST_WAIT = 0.1  # seconds between two rounds without anybody to spy on: at first
LATER_WAIT = 5.0  # and then, as in Asterisk
MAX_NAME = 80  # digits of a channel name
_MODES = {"4": Mode.SPY, "5": Mode.WHISPER, "6": Mode.BARGE}


class Left(Exception):
    """The spy leaves the application."""


@application("ChanSpy")
async def chan_spy(call: Call, data: str) -> None:
    """ChanSpy(prefix, options): listen to channels whose name begins so, one after the other.

    ``*`` goes on to the next one, ``#`` changes the volume, and digits with ``#`` choose the
    channel whose name is the prefix and these digits. Options::

        b        only channels in a bridge
        B w W    barge in; whisper to the channel; whisper without listening
        c(digit) x(digit)  the keys for the next channel, and to leave
        d        4 listens, 5 whispers, 6 barges in, instead of choosing by digits
        E S      leave when the channel hangs up; when there is none (any more)
        e(names) only these endpoints, separated by colons
        g(names) only channels of one of these groups of SPYGROUP, separated by colons
        o        only what the channel says
        q s      no beep and no name; no technology in the name
        r(name)  record what is heard
        u        the prefix is a whole name or a unique id
        v(-4…4)  the volume
        X        a digit leaves for that extension, of SPY_EXIT_CONTEXT or this context
    """
    arguments = split_arguments(data)
    options = parse_options(argument(arguments, 1), CHAN_OPTIONS, "ChanSpy", call.where)
    prefix = argument(arguments, 0).strip()
    if prefix.lower() in ("all", "*"):
        prefix = ""

    def is_wanted(channel: Channel) -> bool:
        if "u" in options:
            return prefix in (channel.id, channel.name)
        return channel.name.lower().startswith(prefix.lower())

    await _Spy(call, options, is_wanted, prefix).run()


@application("ExtenSpy")
async def exten_spy(call: Call, data: str) -> None:
    """ExtenSpy(exten@context, options): listen to the channels at an extension.

    The options are those of ChanSpy(); digits with ``#`` choose nothing.
    """
    arguments = split_arguments(data)
    options = parse_options(argument(arguments, 1), EXTEN_OPTIONS, "ExtenSpy", call.where)
    exten, _, context = argument(arguments, 0).strip().partition("@")
    context = context or call.channel.context
    if not exten:
        raise InvalidArgument("exten", "an extension is needed")

    def is_wanted(channel: Channel) -> bool:
        return (channel.exten, channel.context) == (exten, context)

    await _Spy(call, options, is_wanted, "").run()


@dataclass(slots=True)
class _Tuning:
    """What the keys change."""

    mode: Mode
    volume: int


class _Spy:
    """One spy, from the first channel to the last."""

    def __init__(
        self, call: Call, options: Options, is_wanted: Callable[[Channel], bool], prefix: str
    ) -> None:
        self._call = call
        self._channel = call.channel
        self._options = options
        self._is_wanted = is_wanted
        self._prefix = prefix
        self._tuning = _Tuning(_first_mode(options), _first_volume(call, options))
        self._chosen: Channel | None = None
        self._record_path = ""

    async def run(self) -> None:
        """Spy until the spy leaves or hangs up."""
        spies = self._call.dialplan.part(Spies).active
        self._channel.answer()
        spies.add(self._channel)
        try:
            if "r" in self._options:
                self._record_path = await self._choose_record()
            await self._go_round()
        except Left:
            return
        finally:
            spies.discard(self._channel)

    async def _choose_record(self) -> str:
        spool = self._call.dialplan.constants.get("ASTSPOOLDIR")
        base = Path(spool) / "monitor" if spool else self._call.dialplan.recording_dir
        name = f"{self._options.get('r', 'chanspy')}.{int(time.time())}.raw"
        try:
            choosing = asyncio.to_thread(choose_file, base, (), name)
            path, _format = await self._channel.wait(choosing)
        except ServerError as error:
            self._call.report(f"ChanSpy: {error}")
            return ""
        return str(path)

    async def _go_round(self) -> None:
        channels, wait, has_met = Round(self._candidates), FIRST_WAIT, False
        await self._beep()
        while True:
            target, self._chosen = self._chosen or channels.next(), None
            if target is not None:
                has_met = True
                await self._spy_on(target)
                wait = FIRST_WAIT
                continue
            if "S" in self._options and (has_met or not self._candidates()):
                return
            await self._pause(wait)
            wait, has_met = LATER_WAIT, False
            if self._candidates():
                await self._beep()

    def _candidates(self) -> list[Channel]:
        spies = self._call.dialplan.part(Spies).active
        return [
            channel
            for channel in self._channel.node.registry
            if channel not in spies and self._may_spy_on(channel)
        ]

    def _may_spy_on(self, channel: Channel) -> bool:
        options = self._options
        if channel.is_hungup or not self._is_wanted(channel):
            return False
        if "b" in options and (channel.bridge is None or len(channel.bridge.channels) < 2):
            return False
        if "g" in options and not _share(options.get("g"), channel.variables.get("SPYGROUP")):
            return False
        return "e" not in options or channel.endpoint[1] in options.get("e").split(":")

    async def _beep(self) -> None:
        if "q" not in self._options:
            await play(self._call, find_prompts(self._call, ["beep"])[0])

    async def _announce(self, target: Channel) -> None:
        """Say the technology and the name of whom is spied on."""
        technology, resource = target.endpoint
        names = [] if "s" in self._options else [f"spy-{technology.lower()}"]
        sounds = self._channel.node.sounds
        known = [name for name in names if sounds.find(name, self._channel.language)]
        await play(self._call, find_prompts(self._call, [*known, *characters(resource)])[0])

    async def _pause(self, seconds: float) -> None:
        """Wait for somebody to spy on; keys work meanwhile."""
        with Keys(self._channel) as keys:
            key = await keys.next(seconds)
        if key is not None:
            self._leave_by(key)

    async def _spy_on(self, target: Channel) -> None:
        self._channel.variables.set("SPY_CHANNEL", target.name)
        if "q" not in self._options:
            await self._announce(target)
        if target.is_hungup:
            return
        tuning = self._tuning
        only_in = "o" in self._options
        listener = Listener(
            self._channel, target, tuning.mode, only_in=only_in, volume=tuning.volume
        )
        has_ended = True
        with (
            contextlib.suppress(InvalidState),  # it ended right now
            listener,
            Keys(self._channel, target) as keys,
        ):
            if self._record_path:
                listener.record(self._record_path)
            await self._obey(keys, listener)
            has_ended = keys.has_ended
        if has_ended and "E" in self._options:
            raise Left

    async def _obey(self, keys: Keys, listener: Listener) -> None:
        """Do what the keys ask for, until the next channel is wanted or this one ends."""
        typed = ""
        while (key := await keys.next()) is not None:
            self._leave_by(key)
            if key == self._options.get("c", "*"):
                return
            if "d" in self._options:
                if key in _MODES:
                    self._tuning.mode = _MODES[key]
                    listener.set_mode(self._tuning.mode)
                continue
            if key == "#" and not typed:
                self._tuning.volume = _louder(self._tuning.volume)
                listener.set_volume(self._tuning.volume)
            elif key == "#":
                if self._choose(typed):
                    return
                typed = ""
            elif key.isdigit() and len(typed) < MAX_NAME:
                typed += key

    def _leave_by(self, key: str) -> None:
        """End the application if this key does.

        :raises Left: it does.
        """
        call, options = self._call, self._options
        if "x" in options and key == options.get("x"):
            raise Left
        context = call.get("SPY_EXIT_CONTEXT") or self._channel.context
        if "X" in options and call.exists(key, 1, context):
            call.jump(context, key, 1)
            raise Left

    def _choose(self, typed: str) -> bool:
        """Take the channel whose name is the prefix and what was typed."""
        if "u" in self._options or "X" in self._options:
            return False
        begin = f"{self._prefix.rstrip('/')}/{typed}".lower()
        for channel in self._candidates():
            if channel.name.lower().startswith(begin):
                self._chosen = channel
                return True
        return False


def _first_mode(options: Options) -> Mode:
    if "B" in options:
        return Mode.BARGE
    if "W" in options:
        return Mode.PRIVATE
    return Mode.WHISPER if "w" in options else Mode.SPY


def _first_volume(call: Call, options: Options) -> int:
    volume = parse_integer(options.get("v"))
    if abs(volume) <= MAX_VOLUME:
        return volume
    call.report(f"the volume must be -{MAX_VOLUME} to {MAX_VOLUME}")
    return 0


def _louder(volume: int) -> int:
    return volume + 1 if volume < MAX_VOLUME else -MAX_VOLUME


def _share(wanted: str, group: str | None) -> bool:
    """Whether two lists separated by colons have a name in common."""
    return bool(set(wanted.split(":")) & set((group or "").split(":")) - {""})
