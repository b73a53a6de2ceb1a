"""Named locks, each held by one channel at a time; what is left goes when the channel does."""

from __future__ import annotations

import asyncio
from collections import deque
from dataclasses import dataclass, field

from server.base.errors import InvalidArgument, Unavailable
from server.dialplan.port import Dialplan
from server.dialplan.registry import function
from server.dialplan.scope import Scope
from server.resources.channel import Channel

DEADLOCK_TIMEOUT = 3.0  # seconds that who holds another lock waits at most, as in Asterisk
MAX_LOCKS = 65_536


@dataclass(slots=True)
class _Lock:
    owner: Channel
    depth: int = 1
    waiting: deque[tuple[Channel, asyncio.Future[None]]] = field(default_factory=deque)


class Locks:
    """The locks that are held now."""

    def __init__(self, _dialplan: Dialplan) -> None:
        self._locks: dict[str, _Lock] = {}
        self._held: dict[Channel, set[str]] = {}

    def __len__(self) -> int:
        return len(self._locks)

    def describe(self) -> list[tuple[str, str, int]]:
        """List the locks by name: the channel that holds it, and how many wait for it."""
        return [
            (name, lock.owner.name, len(lock.waiting)) for name, lock in sorted(self._locks.items())
        ]

    def try_acquire(self, channel: Channel, name: str) -> bool:
        """Take a lock if it is free, or once more if it is the channel's own.

        :raises Unavailable: there are too many.
        """
        lock = self._locks.get(name)
        if lock is not None:
            if lock.owner is not channel:
                return False
            lock.depth += 1
            return True
        if len(self._locks) >= MAX_LOCKS:
            raise Unavailable(f"there are {MAX_LOCKS} locks already")
        self._locks[name] = _Lock(channel)
        self._note(channel, name)
        return True

    async def acquire(self, channel: Channel, name: str) -> bool:
        """Take a lock, waiting for it; ``False`` if a deadlock has to be feared."""
        if self.try_acquire(channel, name):
            return True
        waiting = self._locks[name].waiting
        granted: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        waiting.append((channel, granted))
        try:
            timeout = DEADLOCK_TIMEOUT if self._held.get(channel) else None
            await asyncio.wait([granted], timeout=timeout)
        except asyncio.CancelledError:
            if granted.done():  # in this very moment, and nobody would know that it is ours
                self.release(channel, name)
            raise
        finally:
            granted.cancel()
        return not granted.cancelled()

    def release(self, channel: Channel, name: str) -> bool:
        """Give a lock back; ``False`` if the channel does not hold it."""
        lock = self._locks.get(name)
        if lock is None or lock.owner is not channel:
            return False
        lock.depth -= 1
        if lock.depth == 0:
            self._held[channel].discard(name)
            self._pass_on(name, lock)
        return True

    def _pass_on(self, name: str, lock: _Lock) -> None:
        while lock.waiting:
            channel, granted = lock.waiting.popleft()
            if not granted.done() and not channel.is_destroyed:
                lock.owner, lock.depth = channel, 1
                self._note(channel, name)
                granted.set_result(None)
                return
        del self._locks[name]

    def _note(self, channel: Channel, name: str) -> None:
        held = self._held.get(channel)
        if held is None:
            held = self._held[channel] = set()
            channel.on_destroy.append(lambda: self._release_all(channel))
        held.add(name)

    def _release_all(self, channel: Channel) -> None:
        for name in self._held.pop(channel):
            self._pass_on(name, self._locks[name])


def _name(data: str) -> str:
    if not data:
        raise InvalidArgument("lockname", "the name of a lock is needed")
    return data


@function("LOCK", escalates=True)
async def lock(scope: Scope, data: str) -> str:
    """LOCK(name): wait for a lock; 1 once it is ours, 0 if that could be a deadlock."""
    return str(int(await scope.dialplan.part(Locks).acquire(scope.channel, _name(data))))


@function("TRYLOCK", escalates=True)
def try_lock(scope: Scope, data: str) -> str:
    """TRYLOCK(name): 1 if it is ours now, else 0."""
    return str(int(scope.dialplan.part(Locks).try_acquire(scope.channel, _name(data))))


@function("UNLOCK", escalates=True)
def unlock(scope: Scope, data: str) -> str:
    """UNLOCK(name): give it back; 0 if it was not ours."""
    return str(int(scope.dialplan.part(Locks).release(scope.channel, _name(data))))
