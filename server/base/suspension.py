"""Lets plain functions wait, when an awaiting caller is somewhere above them.

Most of what the dialplan evaluates never waits, and is plain functions for speed and for sight.
Some of it does: ``${CURL(...)}`` in the middle of an expression, ``Set(ODBC_X()=1)``. A coroutine
that runs as ``await suspendable(coroutine)`` lets any plain function below it call :func:`wait`;
:func:`call` and :func:`attempt` do the same for one plain function. Everything stays on the loop's
thread.

Each stretch from one await to the next runs in a greenlet. Greenlets are kept and used again: a
new one would map a page of memory for the interpreter's frames, which costs more than it does.
"""

from __future__ import annotations

import threading
from collections.abc import Awaitable, Callable, Coroutine, Generator
from typing import Any, TypeVar, cast

import greenlet

from server.base.errors import InvalidState

T = TypeVar("T")

MAX_IDLE = 64  # greenlets kept for later; more are made when more wait at the same time


class _Worker(greenlet.greenlet):
    """Calls one function after the other; it may be left in the middle of each."""

    job: Callable[[], Any] | None = None
    result: Any = None
    failure: BaseException | None = None

    def run(self) -> None:
        while self.job is not None:
            try:
                self.result = self.job()
            except greenlet.GreenletExit:  # nobody will go on with this; the loop is gone
                raise
            except BaseException as error:
                self.failure = error
            self.job = None
            assert self.parent is not None
            self.parent.switch(None)

    def take(self) -> Any:
        """Return or raise what the job came to, and be idle."""
        result, error = self.result, self.failure
        self.result = self.failure = None
        self.gr_context = None
        if len(_idle.workers) < MAX_IDLE:
            _idle.workers.append(self)
        if error is None:
            return result
        try:
            raise error
        finally:
            del error  # it refers to this frame by its traceback


class _Idle(threading.local):
    """Greenlets belong to the thread that made them."""

    def __init__(self) -> None:
        self.workers: list[_Worker] = []


_idle = _Idle()


def wait(awaitable: Awaitable[T]) -> T:
    """Wait in a plain function for *awaitable*, while the loop goes on.

    :raises InvalidState: nobody above can wait: the caller was called from the loop itself.
    """
    worker = greenlet.getcurrent()
    if not isinstance(worker, _Worker):
        if isinstance(awaitable, Coroutine):
            awaitable.close()
        raise InvalidState("this would have to wait, and can't here")
    assert worker.parent is not None
    return cast(T, worker.parent.switch(awaitable))


def attempt(
    function: Callable[..., T], *arguments: Any, **options: Any
) -> T | Coroutine[Any, Any, T]:
    """Call a plain function that may use :func:`wait`.

    :returns: what it returned; only if it waits, a coroutine with which it goes on.
    """
    worker, awaited = _begin(lambda: function(*arguments, **options))
    if awaited is None:
        return cast(T, worker.take())
    return _as_coroutine(_go_on(worker, awaited))


async def call(function: Callable[..., T], *arguments: Any) -> T:
    """Call a plain function that may use :func:`wait`, and await what it returns."""
    return await _Suspendable(_in_worker(lambda: function(*arguments)))


async def suspendable(coroutine: Coroutine[Any, Any, T]) -> T:
    """Run *coroutine* so that plain functions below it may use :func:`wait`."""
    return await _Suspendable(_drive(coroutine))


class _Suspendable(Awaitable[T]):
    def __init__(self, steps: Generator[Any, Any, T]) -> None:
        self._steps = steps

    def __await__(self) -> Generator[Any, Any, T]:
        return self._steps


async def _as_coroutine(steps: Generator[Any, Any, T]) -> T:
    return await _Suspendable(steps)


def _drive(coroutine: Coroutine[Any, Any, T]) -> Generator[Any, Any, T]:
    """Pass on what *coroutine* yields; each stretch from one yield to the next is a job."""
    resume: Callable[[Any], Any] = coroutine.send
    value: Any = None

    def advance() -> tuple[bool, Any]:
        # A StopIteration must not cross the generators between here and the loop.
        try:
            return False, resume(value)
        except StopIteration as stop:
            return True, stop.value

    while True:
        is_over, value = yield from _in_worker(advance)
        if is_over:
            return cast(T, value)
        try:
            value = yield value
            resume = coroutine.send
        except BaseException as error:
            resume, value = coroutine.throw, error


def _in_worker(job: Callable[[], T]) -> Generator[Any, Any, T]:
    worker, awaited = _begin(job)
    if awaited is None:
        return cast(T, worker.take())
    return cast(T, (yield from _go_on(worker, awaited)))


def _begin(job: Callable[[], Any]) -> tuple[_Worker, Any]:
    """Start a job; the second of the pair is what it waits for, ``None`` once it is done."""
    current = greenlet.getcurrent()
    worker = _idle.workers.pop() if _idle.workers else _Worker()
    worker.parent = current
    worker.gr_context = current.gr_context
    worker.job = job
    return worker, worker.switch()


def _go_on(worker: _Worker, awaited: Any) -> Generator[Any, Any, Any]:
    while awaited is not None:
        # Whoever resumes us may not be who began.
        try:
            answer = yield from awaited.__await__()
        except BaseException as error:
            worker.parent = greenlet.getcurrent()
            awaited = worker.throw(error)
        else:
            worker.parent = greenlet.getcurrent()
            awaited = worker.switch(answer)
    return worker.take()
