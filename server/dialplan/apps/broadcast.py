"""Broadcast(): one voice for many channels, or many for one."""

from __future__ import annotations

import asyncio
import contextlib

from server.base.errors import InvalidArgument
from server.dialplan.arguments import Options, argument, parse_options, split_arguments
from server.dialplan.executor import Call
from server.dialplan.registry import application
from server.media.bridges import MediaBridge
from server.media.streams import Stream
from server.resources.channel import Channel

OPTIONS = "blorsw"
MAX_CHANNELS = 128


@application("Broadcast")
async def broadcast(call: Call, data: str) -> None:
    """Broadcast(options, channel, channel …): until all of these, or this one, have hung up.

    Options: ``w`` what is said here is heard by the channels, and with ``b`` by whom they are
    bridged with; ``s`` what they say and hear is heard here, with ``o`` only what they say. ``l``
    and ``r``, about Asterisk's queues of frames, change nothing.
    """
    arguments = split_arguments(data)
    options = parse_options(argument(arguments, 0), OPTIONS, "Broadcast", call.where)
    names = [name.strip() for name in arguments[1:] if name.strip()]
    if "w" not in options and "s" not in options:
        raise InvalidArgument("options", "w or s is needed")
    if not 1 <= len(names) <= MAX_CHANNELS:
        raise InvalidArgument("channels", f"1 to {MAX_CHANNELS} channels are needed")
    targets = _find(call, names)
    if not targets:
        call.report("Broadcast: none of the channels exists")
        return
    with contextlib.closing(_Broadcast(call.channel, options)) as running:
        for target in targets:
            running.add(target)
        await call.channel.wait(running.over)


def _find(call: Call, names: list[str]) -> list[Channel]:
    """Return the channels of these names, whose number at the end may be missing."""
    found: dict[str, Channel] = {}
    registry = call.channel.node.registry
    for name in names:
        exact = registry.find(name)
        technology, _, resource = name.partition("/")
        channels = [exact] if exact is not None else registry.of_endpoint(technology, resource)
        for channel in channels:
            if channel is not call.channel and not channel.is_hungup:
                found[channel.id] = channel
    return list(found.values())


class _Broadcast:
    """The media of one. Who speaks and who is heard must not hear each other through us."""

    def __init__(self, channel: Channel, options: Options) -> None:
        self.over: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._options = options
        self._engine = channel.node.engine
        self._stream = channel.leg.stream
        self._here = self._engine.create_bridge()  # what is heard here
        self._out = self._engine.create_bridge()  # what is heard there
        self._voice = self._engine.open_snoop(self._stream, spy="in")
        self._here.add(self._stream)
        self._out.add(self._voice)
        self._snoops: list[Stream] = []
        self._targets: list[Channel] = []

    def add(self, target: Channel) -> None:
        """Include a channel."""
        if "s" in self._options:
            self._tap(self._here, target, spy="in" if "o" in self._options else "both")
        if "w" in self._options:
            self._tap(self._out, target, whisper="both" if "b" in self._options else "out")
        self._targets.append(target)
        target.on_end.append(self._on_end)

    def close(self) -> None:
        """Let go of all."""
        for target in self._targets:
            with contextlib.suppress(ValueError):
                target.on_end.remove(self._on_end)
        for bridge in (self._here, self._out):
            bridge.close()
        for snoop in (*self._snoops, self._voice):
            snoop.close()

    def _tap(
        self, bridge: MediaBridge, target: Channel, *, spy: str = "none", whisper: str = "none"
    ) -> None:
        snoop = self._engine.open_snoop(target.leg.stream, spy=spy, whisper=whisper)
        self._snoops.append(snoop)
        bridge.add(snoop)

    def _on_end(self) -> None:
        if all(target.is_hungup for target in self._targets) and not self.over.done():
            self.over.set_result(None)
