"""Operations of the tag ``playbacks``."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from server.http.services import Services

BINDINGS: Mapping[str, Callable[[Services], Callable[..., Any]]] = {
    "playbacks.get": lambda services: services.playbacks.get,
    "playbacks.stop": lambda services: services.playbacks.stop,
    "playbacks.control": lambda services: services.playbacks.control,
}
