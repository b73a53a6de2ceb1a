"""What the dialplan can call: applications and functions, small functions kept by name.

The modules of :mod:`server.dialplan.apps` and :mod:`server.dialplan.functions` declare theirs with
:func:`application` and :func:`function`. A :class:`Registry` starts with all of these; other
layers add their own to it.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from server.base.errors import Conflict
from server.dialplan.switches import STANDARD_SWITCHES, Switch

if TYPE_CHECKING:
    from server.dialplan.executor import Call
    from server.dialplan.scope import Scope

logger = logging.getLogger(__name__)

Run = Callable[["Call", str], Awaitable[str | None] | None]
"""An application: gets the call and the substituted arguments. A returned character is a digit
with which the caller interrupted it to dial an extension."""

Read = Callable[["Scope", str], str | Awaitable[str | None] | None]
"""How a function is read: gets the names of the call and the substituted arguments. What it
returns may be awaitable: the call waits then, whatever it is in the middle of."""

Write = Callable[["Scope", str, str], Awaitable[None] | None]


R = TypeVar("R", bound=Read)
W = TypeVar("W", bound=Write)


@dataclass(frozen=True, slots=True)
class Application:
    """An application and the name under which it was declared."""

    name: str
    run: Run


@dataclass(slots=True)
class Function:
    """A function, which can be read, written, or both.

    :param escalates_read: reading is refused to outside interfaces (``live_dangerously``).
    """

    name: str
    read: Read | None = None
    write: Write | None = None
    escalates_read: bool = False
    escalates_write: bool = False


_applications: dict[str, Application] = {}
_functions: dict[str, Function] = {}


def application(name: str) -> Callable[[Run], Run]:
    """Declare an application of the standard set."""

    def declare(run: Run) -> Run:
        _applications[name.lower()] = Application(name, run)
        return run

    return declare


def function(name: str, *, escalates: bool = False) -> Callable[[R], R]:
    """Declare how a function of the standard set is read."""

    def declare(read: R) -> R:
        declared = _functions.setdefault(name, Function(name))
        declared.read, declared.escalates_read = read, escalates
        return read

    return declare


def function_write(name: str, *, escalates: bool = False) -> Callable[[W], W]:
    """Declare how a function of the standard set is written."""

    def declare(write: W) -> W:
        declared = _functions.setdefault(name, Function(name))
        declared.write, declared.escalates_write = write, escalates
        return write

    return declare


class Registry:
    """Applications and functions by name."""

    def __init__(self) -> None:
        self.applications: dict[str, Application] = {}  # by lower-case name
        self.functions: dict[str, Function] = {}
        self.switches: dict[str, Switch] = dict(STANDARD_SWITCHES)  # by lower-case name

    @classmethod
    def standard(cls) -> Registry:
        """Return a registry of everything in :mod:`~server.dialplan.apps` and ``functions``."""
        from server.dialplan import apps, functions

        for family in (*apps.FAMILIES, *functions.FAMILIES):
            logger.debug("dialplan family %s", family.__name__)
        registry = cls()
        registry.applications.update(_applications)
        registry.functions.update(_functions)
        return registry

    def add_application(self, name: str, run: Run) -> None:
        """Add an application.

        :raises Conflict: one of this name exists.
        """
        if name.lower() in self.applications:
            raise Conflict(f"application {name} exists already")
        self.applications[name.lower()] = Application(name, run)

    def add_function(self, function: Function) -> None:
        """Add a function.

        :raises Conflict: one of this name exists.
        """
        if function.name in self.functions:
            raise Conflict(f"function {function.name} exists already")
        self.functions[function.name] = function

    def add_switch(self, name: str, switch: Switch) -> None:
        """Add what ``switch => name/…`` asks.

        :raises Conflict: one of this name exists.
        """
        if name.lower() in self.switches:
            raise Conflict(f"switch {name} exists already")
        self.switches[name.lower()] = switch

    def describe_applications(self) -> dict[str, str]:
        """Return the applications' names and synopses."""
        return {each.name: _synopsis(each.run.__doc__) for each in self.applications.values()}

    def describe_functions(self) -> dict[str, str]:
        """Return the functions' names and synopses."""
        return {
            each.name: _synopsis((each.read or each.write).__doc__)
            for each in self.functions.values()
        }

    def find_function(self, name: str) -> Function | None:
        """Return a function, by its name in any case if there is none written this way."""
        return self.functions.get(name) or self.functions.get(name.upper())


def _synopsis(text: str | None) -> str:
    return (text or "").strip().partition("\n")[0]
