"""AGI for the console."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from server.agi.commands.registry import COMMANDS
from server.base.errors import NotFound
from server.cli.context import AgiCommandView

if TYPE_CHECKING:
    from server.app.server import Server


class AgiConsole:
    """See :class:`server.cli.context.AgiAdmin`."""

    def __init__(self, server: Server) -> None:
        self._agi = server.agi
        self._channels = server.registry

    def commands(self) -> Sequence[AgiCommandView]:
        """All commands, by name."""
        return [
            AgiCommandView(each.name, each.summary, each.usage, each.runs_dead)
            for each in sorted(COMMANDS.values(), key=lambda each: each.name)
        ]

    def set_debug(self, is_on: bool) -> None:
        """Log every line of every session, or stop to."""
        self._agi.monitor.is_debugging = is_on

    def submit(self, channel: str, command: str, command_id: str) -> None:
        """Queue a command for a channel in AsyncAGI.

        :raises NotFound: there is no such channel, or it is not in AsyncAGI.
        :raises Unavailable: too many commands wait.
        """
        found = self._channels.find(channel)
        if found is None:
            raise NotFound(f"Channel {channel} does not exist")
        self._agi.sessions.submit(found, command, command_id)
