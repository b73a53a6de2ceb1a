"""Operations of the tag ``events``."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from server.http.services import Services

BINDINGS: Mapping[str, Callable[[Services], Callable[..., Any]]] = {
    "events.eventWebsocket": lambda services: services.applications.register,
    "events.claimChannel": lambda services: services.events.claim_channel,
    "events.userEvent": lambda services: services.events.user_event,
}
