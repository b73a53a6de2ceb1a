"""Legs of channels that only run through the dialplan: nobody is at the far end."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable

from server.base.errors import Unprocessable
from server.media.streams import Stream
from server.tech.base import LegListener, Party, TextMessage

NAME = "Message/ast_msg_queue"  # as Asterisk names such channels


class SilentLeg:
    """See :class:`server.tech.base.Leg`: nobody is at the far end, and there is no audio."""

    def __init__(self, name: str, stream: Stream) -> None:
        self.name = name
        self.protocol_id = ""
        self.stream = stream
        self.listener: LegListener | None = None

    def dial(self, caller: Party, connected: Party) -> None:
        """Refuse: there is no far end."""
        raise Unprocessable("channel", "this is not a call")

    def ring(self) -> None:
        """Do nothing."""

    def progress(self) -> None:
        """Do nothing."""

    def answer(self) -> None:
        """Do nothing."""

    def hangup(self, cause: int) -> None:
        """End it."""
        self.listener = None
        self.stream.close()

    def hold(self) -> None:
        """Do nothing."""

    def unhold(self) -> None:
        """Do nothing."""

    def send_dtmf(
        self, digits: str, *, before_ms: int, between_ms: int, duration_ms: int, after_ms: int
    ) -> Awaitable[None]:
        """Do nothing: there is nobody to hear it."""
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        future.set_result(None)
        return future

    def set_connected_line(self, party: Party) -> None:
        """Do nothing."""

    def redirect(self, target: str) -> None:
        """Refuse: there is no far end."""
        raise Unprocessable("endpoint", "this is not a call")

    def send_text(self, text: str) -> None:
        """Do nothing."""

    def info(self, item: str) -> str | None:
        """Return nothing: there are no facts of a call."""
        return None


class MessageLeg(SilentLeg):
    """Carries one text through the dialplan."""

    def __init__(self, message: TextMessage, stream: Stream) -> None:
        super().__init__(NAME, stream)
        self.message = message
