"""One Lua state: the globals of one call, which live as long as the call.

A state is used by one thread at a time. While Lua runs, Python's other threads run too: the
interpreter lock is taken only to talk to the call, and to look at the limits now and then.
"""

from __future__ import annotations

import logging
import re
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any, Protocol

from lupa import lua54  # type: ignore[import-untyped]

from server.config.ini import MAX_FILE_SIZE
from server.dialplan.lua.limits import Limits

logger = logging.getLogger(__name__)

_MODULE = re.compile(rb"[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)*\Z")
_Answer = tuple[bytes, bytes | None]
Report = Callable[[str, str, str, int], None]


class Run(Protocol):
    """What the running script talks to; called in the script's thread."""

    def ask(self, kind: str, *arguments: str) -> tuple[str, str | None]:
        """Let the call do something.

        :returns: ``ok``, ``error``, ``hangup``, or ``end`` for the script's end; and a value.
        """

    def tick(self) -> str | None:
        """Return why the script has to end, ``None`` if it may go on."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a script ended.

    :param text: what went wrong, with a traceback; empty if nothing did.
    :param was_ended: the call or a limit ended it; *text* is the reason.
    """

    text: str = ""
    was_ended: bool = False


class _Current(threading.local):
    """The script that runs in this thread: Lua must not hold on to it, or it is never freed."""

    run: Run | None = None


_current = _Current()


class LuaState:
    """A state, and the script that runs in it first.

    :param directories: where ``require`` and ``dofile`` may read.
    """

    def __init__(
        self, path: str, source: bytes, directories: Sequence[Path], limits: Limits
    ) -> None:
        self._path = path
        self._source = source
        self._limits = limits
        self._is_loaded = False
        runtime = lua54.LuaRuntime(
            encoding=None,
            unpack_returned_tuples=True,
            register_eval=False,
            register_builtins=False,
            attribute_filter=_hide,
            max_memory=limits.memory,
        )
        prelude = runtime.compile(_prelude())
        self._run_file, self._run_extension, self._describe = prelude(
            _ask, _tick, _finder(directories), _log, limits.interval
        )

    def survey(self, report: Report) -> Outcome:
        """Run the script, and report the contexts, extensions, includes and hints it defines."""
        nobody = _Unattended(self._limits)
        outcome = self._load(nobody)
        if outcome.text:
            return outcome

        def decoded(kind: bytes, name: bytes, value: bytes, line: int) -> None:
            report(_text(kind), _text(name), _text(value), line)

        return self._guard(nobody, lambda: self._describe(decoded))

    def call(self, run: Run, context: str, key: str, *arguments: str) -> Outcome:
        """Call the function of an extension; the first time the script itself runs before.

        :param key: the extension's name as the script has it.
        """
        if not self._is_loaded:
            outcome = self._load(run)
            if outcome.text:
                return outcome
        words = [word.encode() for word in (context, key, *arguments)]
        return self._guard(run, lambda: self._run_extension(*words))

    def _load(self, run: Run) -> Outcome:
        path = Path(self._path).name.encode()  # Lua shortens long names in its messages
        outcome = self._guard(run, lambda: self._run_file(self._source, path))
        self._is_loaded = not outcome.text
        return outcome

    def _guard(self, run: Run, body: Callable[[], Any]) -> Outcome:
        _current.run = run
        try:
            status, text = body()
        except (lua54.LuaError, MemoryError) as error:
            return Outcome(str(error) or "not enough memory")
        finally:
            _current.run = None
        if status == b"done":
            return Outcome()
        words = _text(text) if isinstance(text, bytes) else str(text)
        return Outcome(words or "failed", status == b"ended")


class _Unattended:
    """Stands for the call while the file is read: there is none."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._ticks = 0

    def ask(self, kind: str, *arguments: str) -> tuple[str, str | None]:
        return "error", "this needs a call: it can be done in an extension's function only"

    def tick(self) -> str | None:
        self._ticks += 1
        if self._ticks * self._limits.interval < self._limits.instructions:
            return None
        return "it runs for too long while it is loaded"


def _text(data: bytes) -> str:
    return data.decode("utf-8", "replace")


def _hide(_object: object, _name: object, _is_setting: bool) -> object:
    raise AttributeError("not accessible")


def _ask(kind: bytes, *arguments: bytes) -> _Answer:
    run = _current.run
    if run is None:
        return b"end", b"the script is over"
    status, value = run.ask(_text(kind), *map(_text, arguments))
    return status.encode(), None if value is None else value.encode("utf-8", "replace")


def _tick() -> bytes | None:
    reason = None if _current.run is None else _current.run.tick()
    return None if reason is None else reason.encode()


def _log(line: bytes) -> None:
    logger.info("lua: %s", _text(line))


def _finder(directories: Sequence[Path]) -> Callable[[bytes], tuple[bytes | None, bytes]]:
    places = tuple(directories)
    return lambda name: _find_module(places, name)


def _find_module(directories: Sequence[Path], name: bytes) -> tuple[bytes | None, bytes]:
    """Find ``require``'s module, or the file of dofile, whose name follows an ``=``.

    :returns: its name and text, or nothing and why.
    """
    if name.startswith(b"="):
        candidates = [_text(name[1:])]
    elif _MODULE.match(name):
        stem = _text(name).replace(".", "/")
        candidates = [f"{stem}.lua", f"{stem}/init.lua"]
    else:
        return None, b"'" + name + b"' is not the name of a module"
    for directory in directories:
        for candidate in candidates:
            found = _confined(directory, candidate)
            if found is not None and found.stat().st_size <= MAX_FILE_SIZE:
                return candidate.encode(), found.read_bytes()
    tried = ", ".join(str(directory) for directory in directories)
    return None, b"'" + name + b"' was not found in " + tried.encode()


def _confined(directory: Path, name: str) -> Path | None:
    """Return the file of a directory, ``None`` if there is none or it is outside."""
    if "\0" in name:
        return None
    root = directory.resolve()
    found = (root / name).resolve()
    return found if found.is_relative_to(root) and found.is_file() else None


@cache
def _prelude() -> bytes:
    return resources.files("server.dialplan.lua").joinpath("prelude.lua").read_bytes()
