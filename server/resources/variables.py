"""Variables of channels, with inheritance by leading underscores, and of bridges."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from server.base.errors import InvalidArgument, Unavailable

MAX_VARIABLES = 4_096  # per channel or bridge
MAX_SHOWN = 64  # of a bridge, each of which is in every event about it
MAX_NAME_LENGTH = 1024


class ChannelVariables:
    """The variables of one channel.

    A name that begins with ``_`` is handed to the next generation of channels, ``__`` to all
    that follow; the underscores are not part of the stored name.

    :param on_set: called with name and value after each change.
    """

    __slots__ = ("_inherited", "_on_set", "_values")

    def __init__(self, on_set: Callable[[str, str], None]) -> None:
        self._values: dict[str, str] = {}
        self._inherited: dict[str, int] = {}
        self._on_set = on_set

    def __contains__(self, name: str) -> bool:
        return name in self._values

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def get(self, name: str) -> str | None:
        """Return a value, ``None`` if the variable is not set."""
        return self._values.get(name)

    def items(self) -> list[tuple[str, str]]:
        """Return all names and values in the order of first setting."""
        return list(self._values.items())

    def set(self, name: str, value: str) -> None:
        """Set a variable; leading underscores ask for inheritance.

        :raises Unavailable: the channel has :data:`MAX_VARIABLES` already.
        """
        depth = 2 if name.startswith("__") else 1 if name.startswith("_") else 0
        bare = name[depth:]
        if bare not in self._values and len(self._values) >= MAX_VARIABLES:
            raise Unavailable(f"a channel holds at most {MAX_VARIABLES} variables")
        self._values[bare] = value
        if depth:
            self._inherited[bare] = depth
        else:
            self._inherited.pop(bare, None)
        self._on_set(name, value)

    def remove(self, name: str) -> None:
        """Unset a variable."""
        self._values.pop(name.lstrip("_"), None)
        self._inherited.pop(name.lstrip("_"), None)

    def seal(self) -> None:
        """Report no change any more: the channel has ended."""
        self._on_set = _unheard

    def inheritable(self) -> dict[str, str]:
        """Return what a new channel made for this one gets, underscores as it should see them."""
        return {
            ("__" + name if depth == 2 else name): self._values[name]
            for name, depth in self._inherited.items()
        }


def _unheard(_name: str, _value: str) -> None:
    """Stand in for the channel that has ended."""


@dataclass(frozen=True, slots=True)
class Assignment:
    """A variable that is to be set.

    :param is_shown: whether what it belongs to shows it in its snapshot from now on.
    """

    name: str
    value: str
    is_shown: bool = False


def check_name(name: str) -> str:
    """Return a variable's name without the blanks around it.

    :raises InvalidArgument: nothing is left, or it is too long.
    """
    bare = name.strip()
    if not bare or len(bare) > MAX_NAME_LENGTH:
        reason = f"a name of 1 to {MAX_NAME_LENGTH} characters is needed"
        raise InvalidArgument("variable", reason)
    return bare


def read_assignments(variables: Mapping[str, Any]) -> Sequence[Assignment]:
    """Read ARI's body of variables: each value is text, or an object of value and report_events.

    :raises InvalidArgument: a name is empty, or a value is of another kind.
    """
    return [_read_assignment(check_name(name), item) for name, item in variables.items()]


def _read_assignment(name: str, item: object) -> Assignment:
    if isinstance(item, str):
        return Assignment(name, item)
    if not isinstance(item, dict):
        reason = f"{name!r} has to be a string or an object with value and report_events"
        raise InvalidArgument("variables", reason)
    value, is_shown = item.get("value"), item.get("report_events", False)
    if not isinstance(value, str):
        raise InvalidArgument("variables", f"value of {name!r} has to be a string")
    if not isinstance(is_shown, bool):
        raise InvalidArgument("variables", f"report_events of {name!r} has to be a boolean")
    return Assignment(name, value, is_shown)


class BridgeVariables:
    """The variables of one bridge; some of them are shown in its snapshot."""

    __slots__ = ("_shown", "_values")

    def __init__(self) -> None:
        self._values: dict[str, str] = {}
        self._shown: dict[str, None] = {}

    def get(self, name: str) -> str | None:
        """Return a value, ``None`` if the variable is not set."""
        return self._values.get(name)

    def set(self, assignment: Assignment) -> None:
        """Set a variable.

        :raises Unavailable: the bridge has, or shows, as many as it can.
        """
        name = assignment.name
        if name not in self._values and len(self._values) >= MAX_VARIABLES:
            raise Unavailable(f"a bridge holds at most {MAX_VARIABLES} variables")
        if assignment.is_shown and name not in self._shown:
            if len(self._shown) >= MAX_SHOWN:
                raise Unavailable(f"a bridge shows at most {MAX_SHOWN} variables")
            self._shown[name] = None
        self._values[name] = assignment.value

    def remove(self, name: str) -> None:
        """Unset a variable."""
        self._values.pop(name, None)
        self._shown.pop(name, None)

    def shown(self) -> dict[str, str]:
        """Return names and values of those that the snapshot shows."""
        return {name: self._values[name] for name in self._shown}
