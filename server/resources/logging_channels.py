"""Where the server logs to, and the verbs of ``/asterisk/logging``."""

from __future__ import annotations

from pathlib import Path

from server import model
from server.base.errors import InvalidArgument
from server.base.log import LogService
from server.config.sections.logger import parse_channel

MAX_NAME_LENGTH = 255
SYSLOG = "syslog."


class LogChannels:
    """The log channels: those of logger.conf, and those added since.

    What is added stays until the server ends.
    """

    def __init__(self, log: LogService) -> None:
        self._log = log

    def list(self) -> list[model.LogChannel]:
        """Return every log channel."""
        return [
            model.LogChannel(
                channel=status.name,
                type=status.kind,
                status="Enabled" if status.is_enabled else "Disabled",
                configuration=" ".join(status.levels),
            )
            for status in self._log.describe()
        ]

    def add(self, log_channel_name: str, *, configuration: str) -> None:
        """Log to a further place.

        :param log_channel_name: ``console``, ``syslog.<facility>`` or a file below astlogdir.
        :param configuration: levels as in logger.conf, such as ``[json]notice,verbose(3)``.
        :raises InvalidArgument: the name leaves astlogdir, or a level is unknown.
        :raises Conflict: there is such a channel.
        """
        self._check_name(log_channel_name)
        settings = self._log.settings
        try:
            channel, unknown = parse_channel(
                log_channel_name, configuration, settings.custom_levels
            )
        except ValueError as error:
            raise InvalidArgument("configuration", str(error)) from None
        if unknown:
            raise InvalidArgument("configuration", f"unknown level {unknown[0][:40]!r}")
        if not channel.levels:
            raise InvalidArgument("configuration", "a level is needed, such as notice")
        self._log.add_channel(channel)

    def delete(self, log_channel_name: str) -> None:
        """Stop logging to a place.

        :raises NotFound: there is no such channel.
        """
        self._log.remove_channel(log_channel_name)

    def rotate(self, log_channel_name: str) -> None:
        """Move a file out of the way and begin a new one; nothing happens to other channels.

        :raises NotFound: there is no such channel.
        """
        self._log.rotate(log_channel_name)

    def _check_name(self, name: str) -> None:
        """Keep files below astlogdir."""
        if name.lower() == "console" or name.lower().startswith(SYSLOG):
            return
        root = Path(self._log.directory)
        is_printable = name.isprintable() and 0 < len(name) <= MAX_NAME_LENGTH
        path = (root / name).resolve() if is_printable else root
        if root.resolve() not in path.parents or path.is_dir():
            raise InvalidArgument("logChannelName", f"{name[:60]!r} is no file below {root}")
