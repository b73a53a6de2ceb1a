"""The dead-letter log of a webhook: a JSON object a line, for each delivery that was given up."""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Sequence
from pathlib import Path

import orjson

from server.base.clock import Clock, ari_timestamp
from server.base.tasks import TaskScope

logger = logging.getLogger(__name__)

MAX_PENDING = 4_194_304  # bytes that wait for the disk; what comes beyond them is only counted


class DeadLetters:
    """Appends to a file without blocking the loop.

    The file is started anew when it would grow beyond *max_bytes*; the one before it stays, as
    ``<file>.1``.

    :param lost: events that could not be written.
    """

    def __init__(self, path: Path, max_bytes: int, clock: Clock, scope: TaskScope) -> None:
        self.max_bytes = max_bytes
        self.lost = 0
        self._path = path
        self._clock = clock
        self._scope = scope
        self._pending: list[tuple[bytes, int]] = []
        self._size = 0
        self._writer: asyncio.Task[None] | None = None

    def add(self, events: Sequence[bytes], reason: str, *, delivery: str, attempts: int) -> None:
        """Write events down, in a moment.

        :param delivery: its id, or empty if there was none.
        """
        head = orjson.dumps(
            {
                "timestamp": ari_timestamp(self._clock.wall()),
                "delivery": delivery,
                "attempts": attempts,
                "reason": reason,
            }
        )
        line = b'%b,"events":[%b]}\n' % (head[:-1], b",".join(events))
        if self._pending and self._size + len(line) > MAX_PENDING:
            self.lost += len(events)
            return
        self._pending.append((line, len(events)))
        self._size += len(line)
        if self._writer is None:
            self._writer = self._scope.spawn(self._write_all(), self._path.name)

    async def drained(self) -> None:
        """Wait until all is written."""
        while self._writer is not None:
            await asyncio.wait([self._writer])

    async def _write_all(self) -> None:
        try:
            while self._pending:
                batch, self._pending, self._size = self._pending, [], 0
                try:
                    await asyncio.to_thread(self._write, [line for line, _ in batch])
                except OSError as failure:
                    self.lost += sum(count for _, count in batch)
                    logger.error("%s can't be written: %s", self._path, failure.strerror)
        finally:
            self._writer = None

    def _write(self, lines: Sequence[bytes]) -> None:
        self._path.parent.mkdir(mode=0o750, parents=True, exist_ok=True)
        for line in lines:
            self._append(line)

    def _append(self, line: bytes) -> None:
        # No symbolic link is followed: the folder may be one that others can write to.
        flags = os.O_CREAT | os.O_WRONLY | os.O_APPEND | os.O_NOFOLLOW | os.O_CLOEXEC
        descriptor = os.open(self._path, flags, 0o600)
        with os.fdopen(descriptor, "ab") as file:
            if not (written := os.fstat(descriptor).st_size) or (
                written + len(line) <= self.max_bytes
            ):
                file.write(line)
                return
        self._path.replace(self._path.with_name(f"{self._path.name}.1"))
        self._append(line)
