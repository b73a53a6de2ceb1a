"""Operations of the tag ``recordings``."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from server.http.services import Services

BINDINGS: Mapping[str, Callable[[Services], Callable[..., Any]]] = {
    "recordings.listStored": lambda services: services.recordings.list_stored,
    "recordings.getStored": lambda services: services.recordings.get_stored,
    "recordings.deleteStored": lambda services: services.recordings.delete_stored,
    "recordings.getStoredFile": lambda services: services.recordings.stored_file,
    "recordings.copyStored": lambda services: services.recordings.copy_stored,
    "recordings.getLive": lambda services: services.recordings.get_live,
    "recordings.cancel": lambda services: services.recordings.cancel,
    "recordings.stop": lambda services: services.recordings.stop,
    "recordings.pause": lambda services: services.recordings.pause,
    "recordings.unpause": lambda services: services.recordings.unpause,
    "recordings.mute": lambda services: services.recordings.mute,
    "recordings.unmute": lambda services: services.recordings.unmute,
}
