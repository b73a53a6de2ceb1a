"""Who carries out what a client asks for: the program's own loop, or a loop in a thread.

Everything else of the sync client is generated from the asynchronous one.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import signal
import threading
from collections.abc import Callable, Coroutine
from concurrent.futures import CancelledError, Future
from types import TracebackType
from typing import Any, Self, TypeVar

from arion._errors import ClientClosed

logger = logging.getLogger("arion")

T = TypeVar("T")

MAX_THREADS = 500  # calls that a sync program handles at a time; the others wait
JOIN_S = 10.0  # seconds for a loop or a call to end


class AsyncRunner:
    """Carries out in the running loop."""

    async def run(self, coroutine: Coroutine[Any, Any, T]) -> T:
        """Wait for a coroutine."""
        return await coroutine

    async def tidy(self, coroutine: Coroutine[Any, Any, None]) -> None:
        """Wait for a coroutine that cleans up."""
        await coroutine

    def calls(self) -> AsyncCalls:
        """Return what runs the handlers of calls."""
        return AsyncCalls()

    async def close(self, last: Callable[[], Coroutine[Any, Any, None]]) -> None:
        """End with a last coroutine."""
        await last()

    @staticmethod
    def main(program: Callable[..., Coroutine[Any, Any, None]], *arguments: Any) -> None:
        """Carry out a program until it ends, or until Ctrl-C or SIGTERM."""

        async def stoppable() -> None:
            task = asyncio.current_task()
            assert task is not None
            with contextlib.suppress(NotImplementedError):  # there is none on Windows
                asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
            await program(*arguments)

        with contextlib.suppress(KeyboardInterrupt, asyncio.CancelledError):
            asyncio.run(stoppable())


class AsyncCalls:
    """Handlers of calls, each in a task; those left on exit are cancelled."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def start(self, handle: Callable[..., Coroutine[Any, Any, None]], *arguments: Any) -> None:
        """Begin with a call."""
        task = asyncio.create_task(handle(*arguments))  # noqa: TID251 - ended by __aexit__
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


class SyncRunner:
    """Carries out in a loop of its own, in a thread that is started when it is first needed."""

    def __init__(self) -> None:
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._starting = threading.Lock()
        self._is_closed = False

    def run(self, coroutine: Coroutine[Any, Any, T]) -> T:
        """Wait for a coroutine that runs in the other thread.

        :raises ClientClosed: the client is closed, or was before the end.
        """
        try:
            future = asyncio.run_coroutine_threadsafe(coroutine, self._running_loop())
        except RuntimeError:
            coroutine.close()
            raise ClientClosed("the client is closed") from None
        try:
            return self._wait(future)
        except CancelledError:
            raise ClientClosed("the client was closed") from None

    def tidy(self, coroutine: Coroutine[Any, Any, None]) -> None:
        """Wait for a coroutine that cleans up; a client that is closed has done so."""
        with contextlib.suppress(ClientClosed):
            self.run(coroutine)

    def calls(self) -> SyncCalls:
        """Return what runs the handlers of calls."""
        return SyncCalls()

    def close(self, last: Callable[[], Coroutine[Any, Any, None]]) -> None:
        """End the loop and its thread, after a last coroutine; whoever waits gets an error."""
        with self._starting:
            was_closed, self._is_closed = self._is_closed, True
            loop, thread = self._loop, self._thread
        if was_closed or loop is None or thread is None:
            return
        try:
            self._wait(asyncio.run_coroutine_threadsafe(last(), loop))
        finally:
            loop.call_soon_threadsafe(loop.stop)
            thread.join(JOIN_S)

    @staticmethod
    def main(program: Callable[..., None], *arguments: Any) -> None:
        """Carry out a program until it ends, or until Ctrl-C or SIGTERM."""
        signal.signal(signal.SIGTERM, signal.default_int_handler)
        with contextlib.suppress(KeyboardInterrupt):
            program(*arguments)

    @staticmethod
    def _wait(future: Future[T]) -> T:
        try:
            return future.result()
        except BaseException:
            future.cancel()
            raise

    def _running_loop(self) -> asyncio.AbstractEventLoop:
        with self._starting:
            if self._is_closed:
                raise RuntimeError("closed")
            if self._loop is None:
                self._loop = asyncio.new_event_loop()
                self._thread = threading.Thread(
                    target=_serve, args=(self._loop,), name="arion", daemon=True
                )
                self._thread.start()
            return self._loop


def _serve(loop: asyncio.AbstractEventLoop) -> None:
    """Run a loop until it is stopped, and cancel what is left."""
    asyncio.set_event_loop(loop)
    try:
        loop.run_forever()
        left = asyncio.all_tasks(loop)
        for task in left:
            task.cancel()
        loop.run_until_complete(asyncio.gather(*left, return_exceptions=True))
        loop.run_until_complete(loop.shutdown_asyncgens())
    finally:
        loop.close()


class SyncCalls:
    """Handlers of calls, each in a thread; on exit they have a moment to end."""

    def __init__(self) -> None:
        self._threads: list[threading.Thread] = []
        self._room = threading.Semaphore(MAX_THREADS)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for thread in self._threads:
            thread.join(0 if error else JOIN_S)

    def start(self, handle: Callable[..., None], *arguments: Any) -> None:
        """Begin with a call."""
        self._threads = [thread for thread in self._threads if thread.is_alive()]
        self._room.acquire()
        thread = threading.Thread(
            target=self._handle, args=(handle, *arguments), name="arion call", daemon=True
        )
        self._threads.append(thread)
        thread.start()

    def _handle(self, handle: Callable[..., None], *arguments: Any) -> None:
        try:
            handle(*arguments)
        finally:
            self._room.release()
