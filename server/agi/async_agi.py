"""AsyncAGI: sessions whose commands come from somewhere else, such as the manager interface."""

from __future__ import annotations

import asyncio
from collections import deque
from urllib.parse import quote
from weakref import WeakKeyDictionary

from server.agi.environment import describe_call
from server.agi.ports import Monitor
from server.agi.protocol import environment_block
from server.agi.session import Session, Status
from server.base.errors import NotFound, Unavailable
from server.dialplan.executor import Call
from server.resources.channel import Channel

MAX_QUEUED = 1000  # commands that wait for one session


class AsyncSessions:
    """The sessions that wait for commands, by channel.

    :param monitor: who follows them.
    """

    def __init__(self, monitor: Monitor) -> None:
        self.monitor = monitor
        self._peers: WeakKeyDictionary[Channel, _QueuePeer] = WeakKeyDictionary()

    def submit(self, channel: Channel, command: str, command_id: str = "") -> None:
        """Queue a command for a channel's session; ``AsyncAGIExec`` tells its reply.

        :raises NotFound: the channel is in no such session.
        :raises Unavailable: too many commands wait.
        """
        peer = self._peers.get(channel)
        if peer is None:
            raise NotFound(f"{channel.name} does not run AsyncAGI")
        peer.push(command, command_id)

    async def run(self, call: Call, request: str, arguments: list[str]) -> Status:
        """Carry out commands until ``ASYNCAGI BREAK`` or the end of the call."""
        channel = call.channel
        if channel.is_hungup:
            return Status.HANGUP
        peer = _QueuePeer(self, channel)
        session = Session(call, peer, request, monitor=self.monitor, is_async=True)
        self._peers[channel] = peer
        try:
            if self.monitor.listener is not None:
                block = environment_block(describe_call(call, request, arguments))
                self.monitor.listener.on_async_begun(channel, quote(block, safe=""))
            return await session.run()
        finally:
            del self._peers[channel]
            if self.monitor.listener is not None:
                self.monitor.listener.on_async_ended(channel)


class _QueuePeer:
    """The other side of such a session."""

    def __init__(self, sessions: AsyncSessions, channel: Channel) -> None:
        self._sessions = sessions
        self._channel = channel
        self._queue: deque[tuple[str, str]] = deque()
        self._command_id = ""
        self._is_over = False
        self._gate: asyncio.Future[None] | None = None

    def push(self, command: str, command_id: str) -> None:
        """Queue a command.

        :raises Unavailable: too many wait.
        """
        if len(self._queue) >= MAX_QUEUED:
            raise Unavailable(f"{MAX_QUEUED} commands wait for {self._channel.name}")
        self._queue.append((command, command_id))
        self._wake()

    # Peer

    def take(self) -> str:
        command, self._command_id = self._queue.popleft()
        return command

    @property
    def is_over(self) -> bool:
        return self._is_over

    @property
    def is_full(self) -> bool:
        return False

    def changed(self) -> asyncio.Future[None]:
        if self._gate is None or self._gate.done():
            self._gate = asyncio.get_running_loop().create_future()
        return self._gate

    def send(self, text: str) -> None:
        listener = self._sessions.monitor.listener
        if listener is not None:
            listener.on_async_executed(self._channel, self._command_id, quote(text + "\n", safe=""))

    def notify_hangup(self) -> None:
        """The session ends with the call."""

    def close(self) -> None:
        self._is_over = True
        self._wake()

    def _wake(self) -> None:
        if self._gate is not None and not self._gate.done():
            self._gate.set_result(None)
