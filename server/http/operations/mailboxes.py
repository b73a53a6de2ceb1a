"""Operations of the tag ``mailboxes``."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from server.http.services import Services

BINDINGS: Mapping[str, Callable[[Services], Callable[..., Any]]] = {
    "mailboxes.list": lambda services: services.mailboxes.list,
    "mailboxes.get": lambda services: services.mailboxes.get,
    "mailboxes.update": lambda services: services.mailboxes.update,
    "mailboxes.delete": lambda services: services.mailboxes.delete,
}
