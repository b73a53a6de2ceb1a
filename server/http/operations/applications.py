"""Operations of the tag ``applications``."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from server.http.services import Services

BINDINGS: Mapping[str, Callable[[Services], Callable[..., Any]]] = {
    "applications.list": lambda services: services.applications.list,
    "applications.get": lambda services: services.applications.get,
    "applications.subscribe": lambda services: services.applications.subscribe,
    "applications.unsubscribe": lambda services: services.applications.unsubscribe,
    "applications.filter": lambda services: services.applications.set_event_filter,
    "applications.listWorkers": lambda services: services.applications.list_workers,
    "applications.drainWorker": lambda services: services.applications.drain_worker,
    "applications.undrainWorker": lambda services: services.applications.undrain_worker,
}
