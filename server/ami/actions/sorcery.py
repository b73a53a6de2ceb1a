"""Caches of SIP's objects that are in a database (sorcery.conf's ``memory_cache``)."""

from __future__ import annotations

from server.ami.registry import ActionError, Reply, Request, action, done
from server.realtime.sip_objects import SipRealtime

NO_CACHE = "The provided cache does not exist"


def _cache(request: Request) -> tuple[SipRealtime, str]:
    """Return who keeps the cache that is named, and the type of its objects."""
    name = request.need("Cache", f"{request.message.action} requires a cache name.")
    realtime = request.context.sip_realtime
    kind = None if realtime is None else realtime.caches.get(name)
    if realtime is None or kind is None:
        raise ActionError(NO_CACHE)
    return realtime, kind


def _object(request: Request) -> str:
    return request.need("Object", f"{request.message.action} requires an object name.")


@action("SorceryMemoryCacheExpire", "system", summary="Expire all objects of a sorcery cache.")
def expire(request: Request) -> Reply:
    """Have every object read again before its next use."""
    realtime, kind = _cache(request)
    realtime.expire(kind)
    return done("All objects were expired from the cache")


@action("SorceryMemoryCacheExpireObject", "system", summary="Expire an object of a sorcery cache.")
def expire_object(request: Request) -> Reply:
    """Have an object read again before its next use."""
    realtime, kind = _cache(request)
    if not realtime.expire(kind, _object(request)):
        raise ActionError("The provided object could not be expired from the cache")
    return done("The provided object was expired from the cache")


@action("SorceryMemoryCacheStale", "system", summary="Mark all objects of a sorcery cache stale.")
def mark_stale(request: Request) -> Reply:
    """Have every object read again during its next use."""
    realtime, kind = _cache(request)
    realtime.mark_stale(kind)
    return done("All objects were marked as stale in the cache")


@action("SorceryMemoryCacheStaleObject", "system", summary="Mark an object of a cache stale.")
def mark_object_stale(request: Request) -> Reply:
    """Have an object read again during its next use, or at once."""
    realtime, kind = _cache(request)
    if not realtime.mark_stale(kind, _object(request), reads_now=request.flag("Reload")):
        raise ActionError("The provided object could not be marked as stale in the cache")
    return done("The provided object was marked as stale in the cache")


@action("SorceryMemoryCachePopulate", "system", summary="Read all objects of a sorcery cache.")
async def populate(request: Request) -> Reply:
    """Read every object again now."""
    realtime, _kind = _cache(request)
    await realtime.load()
    return done("Cache has been successfully populated")
