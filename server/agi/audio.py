"""EAGI's descriptor 3: what the caller says, as signed linear samples of 8 kHz."""

from __future__ import annotations

import os
import socket

from server.dialplan.executor import Call
from server.media.bridges import MediaBridge
from server.media.sockets import Protocol, SocketStream
from server.media.streams import Stream

CODEC = "slin"


class ScriptAudio:
    """A copy of a caller's audio on its way to a script.

    The engine writes; what the script does not read is dropped once its socket is full.

    :ivar descriptor: for the script.
    """

    def __init__(self, parts: tuple[Stream, SocketStream, MediaBridge], descriptor: int) -> None:
        self._parts = parts
        self.descriptor = descriptor

    def release_descriptor(self) -> None:
        """Close our copy of the descriptor, once the script has its own."""
        if self.descriptor >= 0:
            os.close(self.descriptor)
            self.descriptor = -1

    def close(self) -> None:
        """End it."""
        self.release_descriptor()
        spy, sink, bridge = self._parts
        bridge.close()
        sink.close()
        spy.close()


def open_audio(call: Call) -> ScriptAudio:
    """Begin to copy what the caller says.

    :raises InvalidState: the channel is gone.
    """
    engine = call.dialplan.node.engine
    ours, theirs = socket.socketpair()
    spy = engine.open_snoop(call.channel.leg.stream, spy="in")
    sink = engine.open_socket(CODEC)
    bridge = engine.create_bridge()
    ours.setblocking(False)
    sink.connect(ours, Protocol.RAW, direction="in")
    bridge.add(spy)
    bridge.add(sink)
    return ScriptAudio((spy, sink, bridge), theirs.detach())
