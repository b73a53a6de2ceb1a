"""Commands in the replies of a webhook: REST requests, carried out one after the other."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Sequence

import orjson

from server.http.rest_socket import Caller, Host, RestSocket

MAX_COMMANDS = 100  # of a reply; also those that wait before no further events are sent
MAX_REPLY = 1_048_576  # bytes


def parse_reply(body: bytes) -> list[bytes]:
    """Return the commands in a reply; one without a JSON body has none.

    :raises ValueError: ``commands`` is no list, or too long.
    """
    try:
        reply = orjson.loads(body)
    except orjson.JSONDecodeError:
        return []
    commands = reply.get("commands") if isinstance(reply, dict) else None
    if commands is None:
        return []
    if not isinstance(commands, list):
        raise ValueError("commands: a list is needed")
    if len(commands) > MAX_COMMANDS:
        raise ValueError(f"commands: more than {MAX_COMMANDS}")
    return [orjson.dumps(_with_type(command)) for command in commands]


def _with_type(command: object) -> object:
    return {"type": "RESTRequest", **command} if isinstance(command, dict) else command


class Commands:
    """Carries out commands, and is the wire that their responses come to.

    :param send: takes the responses, in order with the events.
    """

    is_writable = True  # the webhook's backlog is bounded itself

    def __init__(self, host: Host, send: Callable[[bytes], None]) -> None:
        self._host = host
        self._send = send
        self._waiting: deque[tuple[Caller, bytes]] = deque()
        self._current: tuple[Caller, RestSocket] | None = None
        self._is_busy = False
        self._is_running = False
        self._room = asyncio.Event()
        self._room.set()

    def add(self, caller: Caller, commands: Sequence[bytes]) -> None:
        """Carry out commands after those before them."""
        self._waiting.extend((caller, command) for command in commands)
        self._run()

    async def wait_for_room(self) -> None:
        """Wait until another reply's commands can be taken."""
        await self._room.wait()

    def close(self) -> None:
        """Carry out nothing more."""
        self._waiting.clear()

    # Wire

    def deliver(self, frame: bytes) -> None:
        """Take the response to a command, and go on with the next."""
        self._send(frame)
        self._is_busy = False
        self._run()

    def set_reading(self, is_reading: bool) -> None:
        """Nothing to do: :meth:`wait_for_room` is what holds the receiver back."""

    # private

    def _run(self) -> None:
        # Most commands are answered at once, from within this loop.
        if not self._is_running:
            self._is_running = True
            while self._waiting and not self._is_busy:
                self._is_busy = True
                caller, command = self._waiting.popleft()
                self._socket(caller).message_received(command)
            self._is_running = False
        if len(self._waiting) < MAX_COMMANDS:
            self._room.set()
        else:
            self._room.clear()

    def _socket(self, caller: Caller) -> RestSocket:
        if self._current is None or self._current[0] != caller:
            self._current = caller, RestSocket(self._host, caller, self)
        return self._current[1]
