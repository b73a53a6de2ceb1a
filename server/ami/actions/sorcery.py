"""Caches of configuration objects, which this server does not need: it keeps all in memory."""

from __future__ import annotations

from server.ami.registry import ActionError, Reply, Request, action

_ACTIONS = {
    "SorceryMemoryCacheExpire": (False, "Drop all objects of a cache"),
    "SorceryMemoryCacheExpireObject": (True, "Drop one object of a cache"),
    "SorceryMemoryCachePopulate": (False, "Fill a cache anew"),
    "SorceryMemoryCacheStale": (False, "Have all objects of a cache read again"),
    "SorceryMemoryCacheStaleObject": (True, "Have one object of a cache read again"),
}


def _declare(name: str, needs_object: bool, summary: str) -> None:
    @action(name, "system", summary=summary)
    def refuse(request: Request) -> Reply:
        request.need("Cache", f"{name} requires that a cache name be provided.")
        if needs_object:
            request.need("Object", f"{name} requires that an object name be provided.")
        raise ActionError("The provided cache does not exist")


for _name, _row in _ACTIONS.items():
    _declare(_name, *_row)
