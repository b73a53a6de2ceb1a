"""Operations of the tag ``deviceStates``."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from server.http.services import Services

BINDINGS: Mapping[str, Callable[[Services], Callable[..., Any]]] = {
    "deviceStates.list": lambda services: services.device_states.list,
    "deviceStates.get": lambda services: services.device_states.get,
    "deviceStates.update": lambda services: services.device_states.update,
    "deviceStates.delete": lambda services: services.device_states.delete,
}
