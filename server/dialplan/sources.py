"""Reads the files that make up the dialplan: extensions.conf, extensions.ael, extensions.lua."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from server.config.ini import parse_file
from server.config.objects import ConfigFile
from server.dialplan.ael.compiler import compile_ael_file
from server.dialplan.loader import compile_plan
from server.dialplan.lua.script import LuaScript, read_script
from server.dialplan.lua.switch import NAME, LuaSwitch, switch_to_lua
from server.dialplan.plan import Plan


@dataclass(frozen=True, slots=True)
class SourcePaths:
    """Where the dialplan is; an empty path for a file that is not used.

    :param may_exec: whether ``#exec`` in extensions.conf runs commands.
    :param lua_dirs: where ``require`` of extensions.lua finds modules, besides beside it.
    :param static: reads extensions.conf if extconfig.conf has it in a database.
    """

    conf: str = ""
    ael: str = ""
    lua: str = ""
    may_exec: bool = False
    lua_dirs: Sequence[str] = ()
    static: Callable[[str], ConfigFile | None] | None = None

    def exist(self) -> bool:
        """Tell whether there is any of them."""
        if self.read_static() is not None:
            return True
        return any(path and Path(path).is_file() for path in (self.conf, self.ael, self.lua))

    def read_static(self) -> ConfigFile | None:
        """Read extensions.conf from its database; ``None`` if it is in none."""
        return None if self.static is None else self.static(Path(self.conf).name)


@dataclass(slots=True)
class Loaded:
    """A dialplan that was read.

    :param script: extensions.lua, which runs once more for each call that uses it.
    """

    plan: Plan
    script: LuaScript | None = None


def load_sources(paths: SourcePaths) -> Loaded:
    """Read and compile all files that there are.

    Contexts of the same name in several of them are one context. It blocks: call it in a thread.

    :raises ConfigError: a file is broken, or there is none at all.
    """
    present = [path for path in (paths.conf, paths.ael, paths.lua) if path and Path(path).is_file()]
    if (static := paths.read_static()) is not None:
        config = static
    elif paths.conf in present or not present:
        config = parse_file(paths.conf, may_exec=paths.may_exec)
    else:
        config = ConfigFile(paths.conf)
    others: list[tuple[ConfigFile, str]] = []
    if paths.ael in present:
        others.append((compile_ael_file(paths.ael), "pbx_ael"))
    if paths.lua not in present:
        return Loaded(compile_plan(config, *others))
    script = read_script(paths.lua, paths.lua_dirs)
    others.append((switch_to_lua([config, *(each for each, _name in others)], script), "pbx_lua"))
    plan = compile_plan(config, *others)
    plan.switches = {**plan.switches, NAME.lower(): LuaSwitch(lambda: script)}
    return Loaded(plan, script)
