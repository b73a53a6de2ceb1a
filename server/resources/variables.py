"""Channel variables, with inheritance by leading underscores."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from server.base.errors import Unavailable

MAX_VARIABLES = 4_096  # per channel


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
