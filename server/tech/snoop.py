"""Snoop channels: a leg without a far end, on a stream that listens to another channel's."""

from __future__ import annotations

from collections.abc import Awaitable

from server.base.causes import Cause
from server.base.errors import Unprocessable
from server.media.streams import Stream
from server.tech.base import LegListener, Party


class SnoopLeg:
    """The technology's side of a snoop channel; see :class:`server.tech.base.Leg`.

    It is up from the start, and whoever is told something by signalling is not there.

    :param stream: made by :meth:`~server.media.engine.MediaEngine.open_snoop`; closed by the leg.
    """

    def __init__(self, name: str, stream: Stream) -> None:
        self.name = name
        self.stream = stream
        self.listener: LegListener | None = None

    @property
    def protocol_id(self) -> str:
        """Empty: there is no protocol."""
        return ""

    def dial(self, caller: Party, connected: Party) -> None:
        """Do nothing: there is nobody to call."""

    def ring(self) -> None:
        """Do nothing; see the class."""

    def progress(self) -> None:
        """Do nothing; see the class."""

    def answer(self) -> None:
        """Do nothing; see the class."""

    def hold(self) -> None:
        """Do nothing; see the class."""

    def unhold(self) -> None:
        """Do nothing; see the class."""

    def set_connected_line(self, party: Party) -> None:
        """Do nothing; see the class."""

    def hangup(self, cause: int) -> None:
        """Let go of the other channel."""
        self.listener = None
        self.stream.close()

    def end(self) -> None:
        """Report that the other channel has ended. May be called again."""
        listener, self.listener = self.listener, None
        if listener is not None:
            listener.on_hangup(Cause.NORMAL_CLEARING, None, "the spied channel ended")
        self.stream.close()

    def send_dtmf(
        self, digits: str, *, before_ms: int, between_ms: int, duration_ms: int, after_ms: int
    ) -> Awaitable[None]:
        """Whisper digits as tones."""
        return self.stream.send_dtmf(
            digits,
            before_ms=before_ms,
            between_ms=between_ms,
            duration_ms=duration_ms,
            after_ms=after_ms,
        )

    def redirect(self, target: str) -> None:
        """Refuse: there is no far end that could be sent elsewhere."""
        raise Unprocessable("endpoint", "a Snoop channel can't be redirected")

    def send_text(self, text: str) -> None:
        """Do nothing; see the class."""

    def info(self, item: str) -> str | None:
        """Return nothing: a Snoop channel has no facts of its own."""
        return None
