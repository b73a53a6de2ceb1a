"""What the resources need from layers above and beside them; the composition root injects it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from server.tech.base import ExtensionMatch

if TYPE_CHECKING:
    from server.resources.bridge import Bridge
    from server.resources.channel import Channel


class DialplanPort(Protocol):
    """The dialplan, as far as calls need it."""

    def match(self, context: str, exten: str, caller_number: str) -> ExtensionMatch:
        """Ask whether an extension exists, or could once more digits come."""

    def has(self, context: str, exten: str, priority: int, caller_number: str) -> bool:
        """Tell whether this very priority exists."""

    def find_label(self, context: str, exten: str, label: str, caller_number: str) -> int | None:
        """Return the priority of a label, ``None`` if there is none."""

    def start(self, channel: Channel) -> None:
        """Let the dialplan control *channel* from its present position on."""

    def read(self, channel: Channel | None, expression: str) -> str | None:
        """Read ``NAME`` or ``FUNC(args)``; ``None`` when there is no such variable.

        :param channel: ``None`` reads globals.
        :raises InvalidArgument: no such function, or its arguments are wrong.
        """

    def write(self, channel: Channel | None, expression: str, value: str) -> None:
        """Write ``NAME`` or ``FUNC(args)``.

        :raises InvalidArgument: the function can't be written.
        """


class BridgeFeatures(Protocol):
    """What a channel's digits do while it talks in a basic bridge."""

    def enter(self, bridge: Bridge) -> None:
        """The channel has come into *bridge*."""

    def leave(self) -> None:
        """The channel has left it."""
