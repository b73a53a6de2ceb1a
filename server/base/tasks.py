"""Tasks belong to a scope, which names them, keeps them and ends them."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Coroutine
from typing import Any

logger = logging.getLogger(__name__)


class TaskScope:
    """A set of tasks that lives and dies with its owner.

    A task that fails is reported to the log and does not take its siblings along: one call's
    failure must not end another's. :meth:`close` cancels what is left and waits for it.

    :param name: prefix of the tasks' names, for logs and debuggers.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self.started = 0  # tasks so far
        self._tasks: set[asyncio.Task[Any]] = set()
        self._is_closed = False

    def __len__(self) -> int:
        return len(self._tasks)

    def spawn(self, coroutine: Coroutine[Any, Any, Any], name: str) -> asyncio.Task[Any]:
        """Start *coroutine* as a task of this scope.

        :raises RuntimeError: the scope is closed; the coroutine has been closed too.
        """
        if self._is_closed:
            coroutine.close()
            raise RuntimeError(f"task scope {self.name} is closed")
        loop = asyncio.get_running_loop()
        task = loop.create_task(coroutine, name=f"{self.name}/{name}")
        self.started += 1
        self._tasks.add(task)
        task.add_done_callback(self._on_done)
        return task

    async def close(self) -> None:
        """Cancel every task and wait until all have ended. May be called again."""
        self._is_closed = True
        current = asyncio.current_task()
        pending = [task for task in self._tasks if task is not current]
        for task in pending:
            task.cancel()
        if pending:
            await asyncio.gather(*pending, return_exceptions=True)

    def _on_done(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            logger.error("task %s failed", task.get_name(), exc_info=error)
