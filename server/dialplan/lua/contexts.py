"""Gives the extensions of a Lua script their place in the dialplan.

In Asterisk each context of the script has a switch, which is asked after the extensions that the
context has of its own and before its includes. Here the script's extensions are a context named
``lua:NAME``, which is the first include of ``NAME``: the order is the same.
"""

from __future__ import annotations

from server.config.objects import ConfigFile, ConfigWarning, Option, Section
from server.dialplan.lua.script import LuaContext, LuaScript

APPLICATION = "Lua"  # runs one extension of the script; not an application of Asterisk's
_PREFIX = "lua:"


def add_lua_contexts(config: ConfigFile, script: LuaScript | None) -> None:
    """Add a script's extensions and hints, and turn ``switch => Lua/`` into what it means."""
    if script is None:
        return
    by_name: dict[str, Section] = {}
    for section in config.sections:
        by_name.setdefault(section.name, section)
        section.options = [_without_switch(option, section, script) for option in section.options]
    for name, context in script.contexts.items():
        visible = by_name.get(name)
        if visible is None:
            visible = Section(name, script.path, 1)
            config.sections.append(visible)
        visible.options.insert(0, Option("include", _PREFIX + name, script.path, 1))
        hints = [
            Option("exten", f"{exten},hint,{devices}", script.path, 1)
            for exten, devices in context.hints.items()
        ]
        config.sections.append(Section(name, script.path, 1, options=hints))
        config.sections.append(_hidden(name, context, script))
    config.warnings += [ConfigWarning(script.path, 0, text) for text in script.warnings]


def _without_switch(option: Option, section: Section, script: LuaScript) -> Option:
    is_lua = option.name.lower() == "switch" and option.value.partition("/")[0].strip() == "Lua"
    if not is_lua or section.name not in script.contexts:
        return option
    return Option("include", _PREFIX + section.name, option.path, option.line)


def _hidden(name: str, context: LuaContext, script: LuaScript) -> Section:
    options = [
        Option("exten", f"{exten},1,{APPLICATION}({name},{exten})", script.path, line)
        for exten, line in context.extensions.items()
    ]
    options += [
        Option("include", _PREFIX + included, script.path, 1)
        for included in context.includes
        if included in script.contexts
    ]
    return Section(_PREFIX + name, script.path, 1, options=options)


def shown_context(name: str) -> str:
    """Return the name by which a script knows a context of the dialplan."""
    return name.removeprefix(_PREFIX)
