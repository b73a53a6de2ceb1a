"""Lets plain functions wait, when an awaiting caller is somewhere above them.

Most of what the dialplan evaluates never waits, and is plain functions for speed and for sight.
Some of it does: ``${CURL(...)}`` in the middle of an expression, ``Set(ODBC_X()=1)``. A coroutine
that runs as ``await suspendable(coroutine)`` lets any plain function below it call :func:`wait`;
:func:`call` does the same for one plain function. Everything stays on the loop's thread.

Each step of the coroutine runs in a greenlet of its own, which costs about half a microsecond
and leaves nothing behind when the step didn't wait.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Coroutine, Generator
from typing import Any, TypeVar, cast

import greenlet

from server.base.errors import InvalidState

T = TypeVar("T")


class _Step(greenlet.greenlet):
    """Marks the greenlets that may be left in the middle."""


def wait(awaitable: Awaitable[T]) -> T:
    """Wait in a plain function for *awaitable*, while the loop goes on.

    :raises InvalidState: nobody above can wait: the caller was called from the loop itself.
    """
    step = greenlet.getcurrent()
    if not isinstance(step, _Step):
        if isinstance(awaitable, Coroutine):
            awaitable.close()
        raise InvalidState("this would have to wait, and can't here")
    assert step.parent is not None
    return cast(T, step.parent.switch(awaitable))


def attempt(
    function: Callable[..., T], *arguments: Any, **options: Any
) -> T | Coroutine[Any, Any, T]:
    """Call a plain function that may use :func:`wait`.

    :returns: what it returned; only if it waits, a coroutine with which it goes on.
    """
    step = _begin(function)
    result = step.switch(*arguments, **options)
    return cast(T, result) if step.dead else _as_coroutine(_go_on(step, result))


async def call(function: Callable[..., T], *arguments: Any) -> T:
    """Call a plain function that may use :func:`wait`, and await what it returns."""
    return await _Suspendable(_in_step(function, *arguments))


async def suspendable(coroutine: Coroutine[Any, Any, T]) -> T:
    """Run *coroutine* so that plain functions below it may use :func:`wait`."""
    return await _Suspendable(_drive(coroutine))


class _Suspendable(Awaitable[T]):
    def __init__(self, steps: Generator[Any, Any, T]) -> None:
        self._steps = steps

    def __await__(self) -> Generator[Any, Any, T]:
        return self._steps


def _drive(coroutine: Coroutine[Any, Any, T]) -> Generator[Any, Any, T]:
    """Pass on what *coroutine* yields; each stretch from one yield to the next is a step."""
    resume: Callable[[Any], Any] = coroutine.send
    value: Any = None
    while True:
        is_over, value = yield from _in_step(_advance, resume, value)
        if is_over:
            return cast(T, value)
        try:
            value = yield value
            resume = coroutine.send
        except BaseException as error:
            resume, value = coroutine.throw, error


def _advance(resume: Callable[[Any], Any], value: Any) -> tuple[bool, Any]:
    # A StopIteration must not cross the generators between here and the loop.
    try:
        return False, resume(value)
    except StopIteration as stop:
        return True, stop.value


async def _as_coroutine(steps: Generator[Any, Any, T]) -> T:
    return await _Suspendable(steps)


def _in_step(function: Callable[..., T], *arguments: Any) -> Generator[Any, Any, T]:
    step = _begin(function)
    return cast(T, (yield from _go_on(step, step.switch(*arguments))))


def _begin(function: Callable[..., Any]) -> _Step:
    step = _Step(function)
    step.gr_context = greenlet.getcurrent().gr_context
    return step


def _go_on(step: _Step, result: Any) -> Generator[Any, Any, Any]:
    while not step.dead:
        # The function waits for *result*; whoever resumes us may not be who began.
        try:
            answer = yield from result.__await__()
        except BaseException as error:
            step.parent = greenlet.getcurrent()
            result = step.throw(error)
        else:
            step.parent = greenlet.getcurrent()
            result = step.switch(answer)
    return result
