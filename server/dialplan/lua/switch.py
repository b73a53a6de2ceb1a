"""Gives the extensions of a Lua script their place in the dialplan.

As in Asterisk each context of the script has a switch, which is asked after the extensions that
the context has of its own and before its includes. A Lua extension has one priority, 1.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from server.config.objects import ConfigFile, ConfigWarning, Option, Section
from server.dialplan.lua.script import LuaScript
from server.dialplan.plan import Place
from server.dialplan.switches import Query

NAME = "Lua"


class LuaSwitch:
    """Finds extensions in a script; implements :class:`server.dialplan.switches.Switch`.

    What follows ``Lua/`` is the context that is looked in; :func:`switch_to_lua` puts it there.

    :param script: returns the script that is loaded, ``None`` if there is none.
    """

    def __init__(self, script: Callable[[], LuaScript | None]) -> None:
        self._script = script

    def find(self, query: Query, data: str) -> Place | None:
        """Return the step of an extension's function."""
        script = self._script()
        if script is None or query.priority != 1:
            return None
        found = script.plan.find(data, query.exten, 1, query.caller_number, query.wall)
        if found is None:
            return None
        step = replace(found.step, data=f"{data},{found.step.source}")
        return replace(found, step=step, is_first=False)

    def can_continue(self, query: Query, data: str) -> bool:
        """Tell whether more digits could reach another extension of the script."""
        script = self._script()
        return script is not None and script.plan.can_continue(
            data, query.exten, query.caller_number, query.wall
        )


def switch_to_lua(configs: Sequence[ConfigFile], script: LuaScript) -> ConfigFile:
    """Return a script's hints, and a switch for each context that it has extensions for.

    ``switch => Lua/`` in one of *configs* looks in the context of the same name, whatever follows.
    """
    switched: set[str] = set()
    for section in (section for config in configs for section in config.sections):
        section.options = [_with_context(option, section.name) for option in section.options]
        if any(_is_lua(option) for option in section.options):
            switched.add(section.name)
    made = ConfigFile(script.path, files=[script.path])
    for name, context in script.contexts.items():
        options = [
            Option("exten", f"{exten},hint,{devices}", script.path, 1)
            for exten, devices in context.hints.items()
        ]
        if name not in switched and (context.extensions or context.includes):
            options.append(Option("switch", f"{NAME}/{name}", script.path, 1))
        made.sections.append(Section(name, script.path, 1, options=options))
    made.warnings += [ConfigWarning(script.path, 0, text) for text in script.warnings]
    return made


def _is_lua(option: Option) -> bool:
    name = option.value.partition("/")[0].strip()
    return option.name.lower() in ("switch", "eswitch", "lswitch") and name == NAME


def _with_context(option: Option, context: str) -> Option:
    return replace(option, name="switch", value=f"{NAME}/{context}") if _is_lua(option) else option
