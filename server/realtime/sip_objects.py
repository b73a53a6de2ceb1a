"""PJSIP objects in databases, as sorcery.conf maps them: endpoints, aors, auths, identifies.

The SIP core sees settings only. All objects are loaded at start and on reload; after that, what a
request or a call is about to use is fetched first if it is not good any more: an endpoint, and the
auths and aors that it names. Without ``memory_cache`` that is after :data:`KEEP_S`.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace

from server.base.errors import ServerError
from server.base.tasks import TaskScope
from server.config.objects import ConfigObject
from server.config.sections.sorcery import CacheOptions, Sorcery
from server.config.types import items
from server.realtime.realtime import Realtime, Row
from server.sip.sorcery import SipObjects, make_fetched
from server.store.sql.rows import Criterion

logger = logging.getLogger(__name__)

TYPES = ("auth", "aor", "endpoint", "identify", "domain_alias")
UNNAMED = ("identify", "domain_alias")  # no request names them
KEEP_S = 1.0  # seconds for which an object is good without a cache: for one registration
REFRESH_S = 30.0  # seconds between looks at what is :data:`UNNAMED`
MAX_KNOWN = 100_000  # names whose age is remembered, those that do not exist included
ROWS_PER_TURN = 200
NO_CACHE = CacheOptions()

Key = tuple[str, str]
Changes = dict[Key, ConfigObject | None]


class SipRealtime:
    """Implements :class:`server.sip.fetching.ObjectFetcher`.

    :param now: a clock in seconds that never goes back.
    """

    def __init__(
        self,
        realtime: Realtime,
        objects: SipObjects,
        scope: TaskScope,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._realtime = realtime
        self._objects = objects
        self._scope = scope
        self._now = now
        self._families: Mapping[str, str] = {}
        self._cache = NO_CACHE
        self.caches: Mapping[str, str] = {}  # types of object, by the names of sorcery.conf
        self._fetched_at: dict[str, float] = {}  # by endpoint
        self._stale: set[str] = set()  # endpoints that somebody wants to be read again
        self._running: dict[str, asyncio.Task[None]] = {}  # by endpoint
        self._timer: asyncio.TimerHandle | None = None

    @property
    def is_used(self) -> bool:
        """Whether any type is in a database."""
        return bool(self._families)

    def configure(self, sorcery: Sorcery) -> None:
        """Take a (new) sorcery.conf."""
        families: dict[str, str] = {}
        for object_type in TYPES:
            mapping = sorcery.find(object_type)
            wizard = mapping.of("realtime") if mapping is not None else None
            if wizard is not None:
                families[object_type] = wizard.data
        self._families = families
        self.caches = {name: kind for name, kind in sorcery.caches().items() if kind in families}
        mapping = sorcery.find("endpoint")
        self._cache = (mapping.cache if mapping is not None else None) or NO_CACHE

    async def load(self) -> None:
        """Load every object. What can't be loaded stays as it was, and is reported."""
        changes: Changes = {}
        for object_type in self._families:
            changes |= await self._load_type(object_type)
        self._objects.set_fetched(changes)
        self._arm()

    def close(self) -> None:
        """Look for nothing more."""
        if self._timer is not None:
            self._timer.cancel()

    def wants(self, names: Sequence[str]) -> bool:
        """See :class:`~server.sip.fetching.ObjectFetcher`."""
        if "endpoint" not in self._families:
            return False
        if any(self._objects.is_configured("endpoint", name) for name in names):
            return False  # as in Asterisk, the file is asked first
        old = [name for name in names if not self._is_good(name)]
        stale = [name for name in names if name not in old and self._is_stale(name)]
        if stale:
            self.fetch_soon(stale)
        return bool(old)

    async def fetch(self, names: Sequence[str]) -> None:
        """See :class:`~server.sip.fetching.ObjectFetcher`."""
        tasks = [self._start(name) for name in names if not self._is_good(name)]
        if tasks:
            await asyncio.wait(tasks)  # which go on if who asked gives up

    def fetch_soon(self, names: Sequence[str]) -> None:
        """See :class:`~server.sip.fetching.ObjectFetcher`."""
        for name in names:
            self._start(name)

    def expire(self, object_type: str, name: str = "") -> bool:
        """Have an object, or all, read again before the next use.

        :returns: whether there was one in the cache.
        """
        users = self._users(object_type, name)
        for user in users:
            del self._fetched_at[user]
        return bool(users)

    def mark_stale(self, object_type: str, name: str = "", *, reads_now: bool = False) -> bool:
        """Have an object, or all, read again while it is used next, or now.

        :returns: whether there was one in the cache.
        """
        users = self._users(object_type, name)
        self._stale |= users
        if reads_now:
            self.fetch_soon(sorted(users))
        return bool(users)

    # private

    def _users(self, object_type: str, name: str) -> set[str]:
        """Return the endpoints whose fetch brings an object, or all that are remembered."""
        if not name:
            return set(self._fetched_at)
        if object_type == "endpoint":
            return {name} & self._fetched_at.keys()
        return {
            endpoint.name
            for endpoint in self._objects.settings.endpoints.values()
            if endpoint.name in self._fetched_at
            and name in (*endpoint.auth, *endpoint.outbound_auth, *endpoint.aors)
        }

    def _is_good(self, name: str) -> bool:
        at = self._fetched_at.get(name)
        if at is None:
            return False
        cache = self._cache
        if cache is NO_CACHE:
            return self._now() - at < KEEP_S
        is_there = name in self._objects.settings.endpoints
        maximum = cache.object_lifetime_maximum if is_there else KEEP_S  # what is not is not cached
        return not maximum or self._now() - at < maximum

    def _is_stale(self, name: str) -> bool:
        if name in self._stale:
            return True
        stale = self._cache.object_lifetime_stale
        return bool(stale) and self._now() - self._fetched_at[name] >= stale

    def _start(self, name: str) -> asyncio.Task[None]:
        """Fetch an endpoint; who asks for it meanwhile waits for the same answer."""
        task = self._running.get(name)
        if task is None:
            task = self._running[name] = self._scope.spawn(self._fetch(name), f"fetch {name}")
            task.add_done_callback(lambda _done: self._running.pop(name, None))
        return task

    async def _fetch(self, name: str) -> None:
        try:
            changes = await self._endpoint(name)
        except ServerError as error:
            logger.warning("endpoint %s: %s", name, error)
            return
        self._objects.set_fetched(changes)
        self._remember(name)

    def _remember(self, name: str) -> None:
        if len(self._fetched_at) >= MAX_KNOWN:
            self._fetched_at.clear()
        self._fetched_at[name] = self._now()
        self._stale.discard(name)

    async def _endpoint(self, name: str) -> Changes:
        row = await self._row("endpoint", name)
        changes: Changes = {("endpoint", name): self._make("endpoint", name, row)}
        if row is None:
            return changes
        given = {column.lower(): value for column, value in row}
        wanted = [("auth", each) for each in items(given.get("auth", ""))]
        wanted += [("auth", each) for each in items(given.get("outbound_auth", ""))]
        wanted += [("aor", each) for each in items(given.get("aors", ""))]
        known = [key for key in dict.fromkeys(wanted) if key[0] in self._families]
        rows = await asyncio.gather(*(self._row(*key) for key in known))
        for key, found in zip(known, rows, strict=True):
            changes[key] = self._make(*key, found)
        return changes

    async def _row(self, object_type: str, name: str) -> Row | None:
        family = self._families[object_type]
        found = await self._realtime.find(family, [Criterion("id", "=", name)], limit=1)
        return found[0] if found else None

    def _make(self, object_type: str, name: str, row: Row | None) -> ConfigObject | None:
        if row is None:
            return None
        return make_fetched(object_type, name, row, f"realtime {self._families[object_type]}")

    async def _load_type(self, object_type: str) -> Changes:
        try:
            rows = await self._realtime.find(self._families[object_type])
        except ServerError as error:
            logger.warning("no object of type %s is loaded: %s", object_type, error)
            return {}
        changes: Changes = {}
        for number, row in enumerate(rows, 1):
            name = _id_of(row)
            changes[object_type, name] = self._make(object_type, name, row)
            if object_type == "endpoint":
                self._remember(name)
            if number % ROWS_PER_TURN == 0:
                await asyncio.sleep(0)
        changes.pop((object_type, ""), None)
        for name in self._objects.fetched_names(object_type):
            changes.setdefault((object_type, name), None)
        return changes

    def _arm(self) -> None:
        self.close()
        if any(each in self._families for each in UNNAMED):
            loop = asyncio.get_running_loop()
            self._timer = loop.call_later(
                REFRESH_S, lambda: self._scope.spawn(self._refresh(), "refresh")
            )

    async def _refresh(self) -> None:
        changes: Changes = {}
        for object_type in UNNAMED:
            if object_type in self._families:
                changes |= await self._load_type(object_type)
        self._objects.set_fetched(changes)
        self._arm()


def without_mapped_types(
    objects: Iterable[ConfigObject], sorcery: Sorcery
) -> tuple[list[ConfigObject], list[str]]:
    """Leave out objects of pjsip.conf whose type sorcery.conf has elsewhere only.

    With a database what the others refer to may come later.

    :returns: what is left, and a warning for each that is not.
    """
    mappings = [sorcery.find(object_type) for object_type in TYPES]
    is_used = any(each is not None and each.of("realtime") is not None for each in mappings)
    kept: list[ConfigObject] = []
    warnings: list[str] = []
    for item in objects:
        mapping = sorcery.find(item.type)
        if mapping is None or not mapping.wizards or mapping.of("config") is not None:
            kept.append(replace(item, is_dynamic=True) if is_used else item)
            continue
        warnings.append(
            f"{item.path}:{item.line}: [{item.name}] is left out: "
            f"sorcery.conf has {item.type} in {mapping.wizards[0].kind} only"
        )
    return kept, warnings


def _id_of(row: Row) -> str:
    return next((value for column, value in row if column.lower() == "id"), "")
