"""Functions by family, a module each. Importing this package declares all of them."""

from __future__ import annotations

import pkgutil
from importlib import import_module

FAMILIES = [import_module(f"{__name__}.{module.name}") for module in pkgutil.iter_modules(__path__)]
