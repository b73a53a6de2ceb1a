"""Caches of configuration objects, which this server does not need: it keeps all in memory."""

from __future__ import annotations

from server.ami.registry import ActionError, Reply, Request, action

_ACTIONS = {
    "SorceryMemoryCacheExpire": (False, "Expire (remove) ALL objects from a sorcery memory cache."),
    "SorceryMemoryCacheExpireObject": (True, "Expire (remove) an object from a sorcery cache."),
    "SorceryMemoryCachePopulate": (False, "Expire all objects and populate a sorcery cache."),
    "SorceryMemoryCacheStale": (False, "Mark ALL objects in a sorcery memory cache as stale."),
    "SorceryMemoryCacheStaleObject": (True, "Mark an object in a sorcery cache as stale."),
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
