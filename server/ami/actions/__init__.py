"""The actions, by family; importing a module here enters its actions into the registry."""

from __future__ import annotations

import importlib
import pkgutil

# before any action: applications and what they are made of import each other
import server.dialplan.apps  # noqa: F401
from server.ami.registry import Registry, registry


def load_actions() -> Registry:
    """Import every family and return the registry that they fill."""
    for module in pkgutil.iter_modules(__path__):
        importlib.import_module(f"{__name__}.{module.name}")
    return registry
