"""How functions and applications get at databases."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from server.base.errors import Unavailable

if TYPE_CHECKING:
    from server.dialplan.scope import Scope
    from server.realtime.databases import Databases
    from server.realtime.realtime import Realtime


def realtime_of(scope: Scope) -> Realtime:
    """Return what reads and writes families.

    :raises Unavailable: there is nothing.
    """
    realtime = scope.dialplan.realtime
    if realtime is None:
        raise Unavailable("there is no database")
    return realtime


def databases_of(scope: Scope) -> Databases:
    """Return the databases of res_odbc.conf.

    :raises Unavailable: there are none.
    """
    return realtime_of(scope).databases


def set_status(scope: Scope, variables: Mapping[str, str]) -> None:
    """Tell how a statement went, if there is a call to tell."""
    if scope.has_channel:
        for name, value in variables.items():
            scope.set(name, value)
