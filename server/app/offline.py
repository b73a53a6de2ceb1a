"""What a server's dialplan has, for looking at a dialplan without a server."""

from __future__ import annotations

from pathlib import Path

from server.agi.external_ivr import ExternalIvr
from server.agi.launcher import AgiSettings, Launcher
from server.app.modules import PARTS, REST_FAMILIES, dialplan_parts
from server.dialplan.lua.runner import LuaHost
from server.dialplan.realtime_switch import NAME, RealtimeSwitch
from server.dialplan.registry import Registry


def offline_modules() -> frozenset[str]:
    """Return the name of every module that a server has, without ``.so``."""
    parts = dialplan_parts(offline_registry())
    return frozenset({*PARTS, *REST_FAMILIES.values(), *parts})


def offline_registry() -> Registry:
    """Return every application and function, those that other layers add included."""
    registry = Registry.standard()
    LuaHost().register(registry)
    nowhere = Path()
    Launcher(AgiSettings(nowhere)).install(registry)
    ExternalIvr(nowhere).install(registry)
    registry.add_switch(NAME, RealtimeSwitch(lambda: None))
    return registry
