"""What the commands of ``manager …`` need of the manager interface."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class ManagerActionView:
    """An action as ``manager show commands`` lists it.

    :param privilege: the classes that a user needs one of, joined by commas.
    """

    name: str
    summary: str
    privilege: str


@dataclass(frozen=True, slots=True)
class ManagerUserView:
    """A user as ``manager show user`` shows it.

    :param read: classes of events, joined by commas; *write*: classes of actions.
    """

    name: str
    has_secret: bool
    has_acl: bool
    read: str
    write: str
    is_shown: bool
    may_repeat: bool


@dataclass(frozen=True, slots=True)
class ManagerSessionView:
    """A session as ``manager show connected`` lists it.

    :param number: what tells it from others.
    :param started_at: seconds since the Unix epoch.
    """

    number: int
    name: str
    address: str
    started_at: float


class ManagerAdmin(Protocol):
    """The manager interface, for people."""

    @property
    def is_debugging(self) -> bool:
        """Whether events tell where they come from."""
        ...

    def set_debug(self, is_on: bool) -> None:
        """Let events tell it, or not."""
        ...

    def settings(self) -> Sequence[tuple[str, str]]:
        """What ``manager show settings`` lists: name and value."""
        ...

    def users(self) -> Sequence[ManagerUserView]:
        """The users of manager.conf."""
        ...

    def sessions(self) -> Sequence[ManagerSessionView]:
        """Who is logged in, the oldest first."""
        ...

    def kick(self, number: int) -> None:
        """Disconnect a session.

        :raises NotFound: there is none of this number.
        """
        ...

    def actions(self) -> Sequence[ManagerActionView]:
        """All actions, by name."""
        ...

    def events(self) -> Mapping[str, str]:
        """All events: name and class."""
        ...
