"""What others may hear of AGI: the manager interface, for its events."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from server.resources.channel import Channel


class AgiListener(Protocol):
    """Who hears of sessions and commands. Called on the event loop; must not raise."""

    def on_command_begun(self, channel: Channel, command: str, command_id: str) -> None:
        """AGIExecStart: a command begins."""

    def on_command_ended(self, channel: Channel, command: str, command_id: str, reply: str) -> None:
        """AGIExecEnd: a command was answered; the reply has its code in front."""

    def on_async_begun(self, channel: Channel, environment: str) -> None:
        """AsyncAGIStart.

        :param environment: the lines of the environment, URI-encoded.
        """

    def on_async_executed(self, channel: Channel, command_id: str, result: str) -> None:
        """AsyncAGIExec: a command that came by :meth:`AsyncSessions.submit` was answered.

        :param result: the reply with its line end, URI-encoded.
        """

    def on_async_ended(self, channel: Channel) -> None:
        """AsyncAGIEnd."""


@dataclass(slots=True)
class Monitor:
    """Who follows all sessions.

    :param listener: hears of commands and AsyncAGI, or ``None``.
    :param is_debugging: every line of every session goes to the log (``agi set debug on``).
    """

    listener: AgiListener | None = None
    is_debugging: bool = False
