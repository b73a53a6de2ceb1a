"""Carries out call files: each at its time, again when nobody answers, a bounded number at once.

What happens to a call is noted in its file before it happens. So a server that crashes knows when
it starts again which calls were answered: those are over, the others are made again.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections import deque
from collections.abc import Callable
from typing import ParamSpec, TypeVar

import watchfiles

from server.base.clock import Clock
from server.base.errors import ServerError, Unavailable
from server.base.tasks import TaskScope
from server.callfiles.attempt import Attempt, Attempts, Reason
from server.callfiles.parser import ABORT, ANSWERED, END, START, CallFile, InvalidCallFile
from server.callfiles.spool import Spool, Waiting

logger = logging.getLogger(__name__)

P = ParamSpec("P")
T = TypeVar("T")

MAX_DIALLING = 100  # calls that ring at a time; answered ones don't count
POLL = 1.0  # seconds between looks at the clock, and at the directory where it can't be watched
RESCAN = 30.0  # seconds between looks at a directory that is watched
FULL_WAIT = 1.0  # seconds, when the server takes no more calls
MANY = 1000  # waiting files from which on a look at all of them is not taken more often than that
DISK_JOBS = 2  # at a time: a flood must not fill the threads that others need
YOUNG = 2.0  # seconds for which a broken file may still be in the writing
DEBOUNCE_MS, STEP_MS = 200, 100


class CallFiles:
    """The service.

    :param is_watched: be told of new files by the system, besides looking.
    """

    def __init__(
        self, spool: Spool, attempts: Attempts, clock: Clock, *, is_watched: bool = True
    ) -> None:
        self.scope = TaskScope("callfiles")
        self._spool = spool
        self._attempts = attempts
        self._clock = clock
        self._is_watched = is_watched
        self._running: set[str] = set()
        self._dialling = 0
        self._preparing = 0  # of those, without a channel yet
        self._waiting: deque[Waiting] = deque()
        self._unusable: dict[str, float] = {}  # names and times of files that can't be touched
        self._news = asyncio.Event()
        self._is_stale = True
        self._full_until = 0.0
        self._disk = asyncio.Semaphore(DISK_JOBS)

    async def start(self) -> None:
        """Begin to look for files. Without a usable directory there are no call files."""
        try:
            await asyncio.to_thread(self._spool.prepare)
        except OSError as error:
            logger.warning("%s: %s, so no call files", self._spool.outgoing, error.strerror)
            return
        self.scope.spawn(self._run(), "run")
        if self._is_watched:
            self.scope.spawn(self._watch(), "watch")

    async def close(self) -> None:
        """Begin no more calls. Those that ring are noted as interrupted by their files."""
        await self.scope.close()

    async def _on_disk(self, function: Callable[P, T], *args: P.args, **options: P.kwargs) -> T:
        async with self._disk:
            return await asyncio.to_thread(function, *args, **options)

    # looking

    async def _run(self) -> None:
        scanned = -RESCAN
        while True:
            now = self._clock.now()
            pause = RESCAN if self._is_watched else POLL
            least = POLL if len(self._waiting) > MANY else 0.0
            if now - scanned >= (least if self._is_stale else pause):
                self._is_stale = False
                scanned = now
                await self._scan()
            self._begin_due()
            self._news.clear()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(POLL):  # wait_for may lose a cancellation
                    await self._news.wait()

    async def _scan(self) -> None:
        try:
            found = await self._on_disk(self._spool.scan)
        except OSError as error:
            logger.warning("%s: %s", self._spool.outgoing, error.strerror)
            return
        present = {waiting.name: waiting.due for waiting in found}
        self._unusable = {
            name: due for name, due in self._unusable.items() if present.get(name) == due
        }
        self._waiting = deque(
            waiting
            for waiting in found
            if waiting.name not in self._running and waiting.name not in self._unusable
        )

    async def _watch(self) -> None:
        try:
            async for _changes in watchfiles.awatch(
                self._spool.outgoing, watch_filter=None, debounce=DEBOUNCE_MS, step=STEP_MS,
                recursive=False,
            ):  # fmt: skip
                self._look_again()
        except (OSError, RuntimeError) as error:
            logger.warning("%s can't be watched: %s", self._spool.outgoing, error)
            self._is_watched = False

    def _look_again(self) -> None:
        self._is_stale = True
        self._news.set()

    # carrying out

    def _begin_due(self) -> None:
        """Begin what is due, as long as there is room."""
        wall = self._clock.wall()
        while (
            self._waiting
            and self._waiting[0].due <= wall
            and self._dialling < MAX_DIALLING
            and self._preparing < self._attempts.room
            and self._clock.now() >= self._full_until
        ):
            waiting = self._waiting.popleft()
            self._running.add(waiting.name)
            self._dialling += 1
            self._preparing += 1
            self.scope.spawn(self._carry_out(waiting), waiting.name)

    async def _carry_out(self, waiting: Waiting) -> None:
        name = waiting.name
        room = _Room(self)
        try:
            file, due = await self._on_disk(self._spool.read, name)
        except FileNotFoundError:
            pass
        except OSError as error:
            logger.warning("call file %s: %s", name, error.strerror)
            self._unusable[name] = waiting.due
        except InvalidCallFile as error:
            room.free()
            await self._on_invalid(waiting, error)
        else:
            if due <= self._clock.wall():  # else an attempt ended while the directory was read
                for warning in file.warnings:
                    logger.warning("call file %s", warning)
                await self._make_call(waiting, file, room)
        finally:
            room.free()
            self._running.discard(name)
            self._news.set()

    async def _on_invalid(self, waiting: Waiting, error: InvalidCallFile) -> None:
        """Delete a broken file, unless somebody may still be writing it."""
        if self._clock.wall() - waiting.due < YOUNG:
            await asyncio.sleep(YOUNG)
            self._is_stale = True
            return
        logger.warning("invalid call file, deleting it: %s", error)
        await self._on_disk(self._spool.finish, waiting.name, "Failed", None, 0.0)

    async def _make_call(self, waiting: Waiting, file: CallFile, room: _Room) -> None:
        name = waiting.name
        if file.was_answered:
            logger.info("call file %s: its call was answered before the server ended", name)
            await self._on_disk(self._spool.finish, name, "Completed", file, 0.0)
            return
        if file.retries > file.max_retries:
            await self._expire(name, file, 0.0)
            return
        wall = self._clock.wall()
        if file.calling_pid:  # by a server that is no more
            await self._note(name, ABORT, file.retries)
        number = file.retries + 1
        own_mtime = await self._note(name, START, number, wall + file.retry_time)
        if not own_mtime:
            logger.warning("call file %s can't be written, so its call is not made", name)
            self._unusable[name] = waiting.due
            return
        reason, attempt = Reason.FAILED, None

        async def on_answer() -> None:
            nonlocal own_mtime
            own_mtime = await self._note(name, ANSWERED, number, self._clock.wall())

        try:
            attempt = self._attempts.begin(file, on_answer)
            room.leave_preparation()
            reason = await attempt.answered
        except Unavailable as error:
            logger.info("call file %s waits: %s", name, error)
            self._full_until = self._clock.now() + FULL_WAIT
            await self._on_disk(self._spool.renew, name, wall)
            return
        except ServerError as error:
            logger.warning("call file %s: %s", name, error)
        finally:
            room.free()
        await self._conclude(name, file, attempt, reason, own_mtime)

    async def _conclude(
        self, name: str, file: CallFile, attempt: Attempt | None, reason: Reason, own_mtime: float
    ) -> None:
        if attempt is not None and reason is Reason.ANSWERED:
            await attempt.ended
            logger.info("call file %s: call to %s completed", name, file.endpoint)
            await self._on_disk(self._spool.finish, name, "Completed", file, own_mtime)
            return
        logger.info("call file %s: %s: not answered, reason %d", name, file.endpoint, reason)
        self._attempts.run_failed(file, reason)
        file.retries += 1
        if file.retries > file.max_retries:
            await self._expire(name, file, own_mtime)
        else:
            await self._note(name, END, file.retries, self._clock.wall() + file.retry_time)

    async def _expire(self, name: str, file: CallFile, own_mtime: float) -> None:
        logger.info(
            "call file %s: call to %s expired without completion after %d attempt(s)",
            name, file.endpoint, file.retries,
        )  # fmt: skip
        await self._on_disk(self._spool.finish, name, "Expired", file, own_mtime)

    async def _note(self, name: str, kind: str, retries: int, until: float | None = None) -> float:
        now = self._clock.wall()
        return await self._on_disk(self._spool.note, name, kind, retries, now, until)


class _Room:
    """A place among the calls that ring, given back once."""

    def __init__(self, service: CallFiles) -> None:
        self._service: CallFiles | None = service
        self._is_preparing = True

    def leave_preparation(self) -> None:
        """It has its channel."""
        if self._is_preparing and self._service is not None:
            self._is_preparing = False
            self._service._preparing -= 1

    def free(self) -> None:
        """Give it back. May be called again."""
        self.leave_preparation()
        service, self._service = self._service, None
        if service is not None:
            service._dialling -= 1
            service._news.set()
