"""An application in the benchmark's own process: it answers calls and leaves them alone."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence

from client import Connection, EventSocket, open_events
from host import Server
from phones import Call, Phones

PATIENCE_S = 10.0
POLL_S = 0.01


class StasisApp:
    """The application ``bench``, for as long as it is open.

    ``ari`` is a connection for requests.
    """

    def __init__(self, server: Server) -> None:
        self.ari = Connection(server.http, server.user, server.password)
        self._server = server
        self._events: EventSocket | None = None
        self._channels: dict[str, str] = {}

    async def connect(self) -> StasisApp:
        """Register it."""
        await self.ari.open()
        access = (self._server.http, self._server.user, self._server.password)
        self._events = await open_events(*access, "app=bench", self._on_event)
        return self

    def close(self) -> None:
        """Disconnect."""
        self.ari.close()
        if self._events:
            self._events.close()

    async def call_into(self, crowd: Phones, ports: Sequence[int]) -> tuple[list[str], list[Call]]:
        """Let a phone for each RTP port call the application.

        :returns: the answered channels' ids and the calls, in the order of the ports.
        """
        numbers = [f"app{k}" for k in range(len(ports))]
        calls = await crowd.call_all(numbers, ports)
        await asyncio.wait_for(self._have_come(numbers), PATIENCE_S)
        return [self._channels[number] for number in numbers], calls

    async def _have_come(self, numbers: Sequence[str]) -> None:
        for number in numbers:
            while number not in self._channels:
                await asyncio.sleep(POLL_S)

    def _on_event(self, data: bytes) -> None:
        event = json.loads(data)
        if event["type"] == "StasisStart":
            channel = event["channel"]
            self._channels[channel["dialplan"]["exten"]] = channel["id"]
            self.ari.request("POST", f"/channels/{channel['id']}/answer")
