"""Operations of the tag ``endpoints``."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from server.http.services import Services

BINDINGS: Mapping[str, Callable[[Services], Callable[..., Any]]] = {
    "endpoints.list": lambda services: services.endpoints.list,
    "endpoints.listByTech": lambda services: services.endpoints.list_by_tech,
    "endpoints.get": lambda services: services.endpoints.get,
    "endpoints.sendMessage": lambda services: services.endpoints.send_message,
    "endpoints.sendMessageToEndpoint": lambda services: services.endpoints.send_message_to,
    "endpoints.refer": lambda services: services.endpoints.refer,
    "endpoints.referToEndpoint": lambda services: services.endpoints.refer_endpoint,
}
