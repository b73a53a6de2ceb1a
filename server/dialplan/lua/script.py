"""extensions.lua as it was read: its text, and the extensions and hints that it defines."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from server.base.errors import ConfigError
from server.config.ini import MAX_FILE_SIZE
from server.dialplan.lua.limits import Limits
from server.dialplan.lua.state import LuaState
from server.dialplan.plan import Context, Include, Plan, Step

APPLICATION = "Lua"  # runs one extension of the script; not an application of Asterisk's

_WHERE = re.compile(r"([^:]+):(\d+): (.*)")
_BAD_NAME = re.compile(r"[,\s$()\x00-\x1f]")
_BAD_CONTEXT = re.compile(r"[\[\],$\x00-\x1f]")
_RESERVED = frozenset(("general", "globals"))


@dataclass(slots=True)
class LuaContext:
    """A table of ``extensions``, and its namesake in ``hints``.

    :param extensions: the line of each extension's function.
    """

    extensions: dict[str, int] = field(default_factory=dict)
    includes: list[str] = field(default_factory=list)
    hints: dict[str, str] = field(default_factory=dict)


@dataclass(slots=True)
class LuaScript:
    """A script; each call that uses it runs it in a state of its own.

    :param directories: where ``require`` and ``dofile`` may read.
    :param plan: the extensions, to be searched; their one step runs the function.
    """

    path: str
    source: bytes
    directories: tuple[Path, ...] = ()
    limits: Limits = field(default_factory=Limits)
    contexts: dict[str, LuaContext] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)
    plan: Plan = field(default_factory=Plan)

    def new_state(self) -> LuaState:
        """Make a state in which nothing has run yet."""
        return LuaState(self.path, self.source, self.directories, self.limits)


def read_script(
    path: str, directories: Sequence[str] = (), limits: Limits | None = None
) -> LuaScript:
    """Read a script, and run it once to see what it defines.

    :param directories: where modules are, besides the script's own.
    :raises ConfigError: it can't be read, has a mistake, or defines no extensions.
    """
    try:
        if Path(path).stat().st_size > MAX_FILE_SIZE:
            raise ConfigError(path, 0, f"larger than {MAX_FILE_SIZE} bytes")
        source = Path(path).read_bytes()
    except OSError as error:
        raise ConfigError(path, 0, f"can't be read: {error.strerror}") from None
    places = (Path(path).parent, *map(Path, directories))
    script = LuaScript(path, source, places, limits or Limits())
    _survey(script)
    for name, context in script.contexts.items():
        script.plan.contexts[name] = _planned(script, name, context)
    return script


def _survey(script: LuaScript) -> None:
    state = script.new_state()
    rows: list[tuple[str, str, str, int]] = []
    outcome = state.survey(lambda kind, name, value, line: rows.append((kind, name, value, line)))
    if outcome.text:
        text = outcome.text.splitlines()[0]
        found = _WHERE.match(text)
        if found is not None and found[1] == Path(script.path).name:
            raise ConfigError(script.path, int(found[2]), found[3])
        raise ConfigError(script.path, 0, text)
    includes = [row for row in rows if row[0] == "include"]  # their order counts
    others = sorted(row for row in rows if row[0] != "include")  # Lua's tables have none
    for row in (*others, *includes):
        _enter(script, *row)


def _enter(script: LuaScript, kind: str, name: str, value: str, line: int) -> None:
    if not name or _BAD_CONTEXT.search(name) or name.lower() in _RESERVED:
        script.warnings.append(f"a context can't be called {name!r}")
        return
    context = script.contexts.setdefault(name, LuaContext())
    if kind == "include":
        context.includes.append(value)
    elif kind == "hint":
        exten, _, devices = value.partition(",")
        context.hints[exten] = devices
    elif kind == "exten" and (not value or _BAD_NAME.search(value)):
        script.warnings.append(f"an extension can't be called {value!r}")
    elif kind == "exten":
        context.extensions[value] = line


def _planned(script: LuaScript, name: str, context: LuaContext) -> Context:
    made = Context(name, script.path)
    made.includes += [Include(included, None, included) for included in context.includes]
    for exten, line in context.extensions.items():
        words = f"{name},{exten}"
        step = Step(1, APPLICATION, APPLICATION.lower(), words, words, "", script.path, line)
        made.extension(exten, None).steps[1] = step
    return made
