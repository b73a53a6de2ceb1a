"""Operations of the tag ``asterisk``."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from server.http.services import Services

BINDINGS: Mapping[str, Callable[[Services], Callable[..., Any]]] = {
    "asterisk.getInfo": lambda services: services.asterisk.info,
    "asterisk.ping": lambda services: services.asterisk.ping,
    "asterisk.getGlobalVar": lambda services: services.asterisk.get_global_var,
    "asterisk.setGlobalVar": lambda services: services.asterisk.set_global_var,
}
