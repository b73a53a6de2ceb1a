"""Operations of the tag ``sounds``."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from server.http.services import Services

BINDINGS: Mapping[str, Callable[[Services], Callable[..., Any]]] = {
    "sounds.list": lambda services: services.sounds.list,
    "sounds.get": lambda services: services.sounds.get,
}
