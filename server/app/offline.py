"""What a server's dialplan has, for looking at a dialplan without a server."""

from __future__ import annotations

from pathlib import Path

from server.agi.external_ivr import ExternalIvr
from server.agi.launcher import AgiSettings, Launcher
from server.dialplan.lua.runner import LuaHost
from server.dialplan.realtime_switch import NAME, RealtimeSwitch
from server.dialplan.registry import Registry


def offline_registry() -> Registry:
    """Return every application and function, those that other layers add included."""
    registry = Registry.standard()
    LuaHost().register(registry)
    nowhere = Path()
    Launcher(AgiSettings(nowhere)).install(registry)
    ExternalIvr(nowhere).install(registry)
    registry.add_switch(NAME, RealtimeSwitch(lambda: None))
    return registry
