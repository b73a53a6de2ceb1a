"""``ari set debug``: shows in the log what applications are sent."""

from __future__ import annotations

import json
import logging
from collections.abc import Sequence

from server.base.log import log_verbose
from server.stasis.bus import Bus, Recipient
from server.stasis.seats import Seat

logger = logging.getLogger(__name__)


class EventTracer:
    """Logs the events of some applications, or of all."""

    def __init__(self, bus: Bus) -> None:
        self._bus = bus
        self._follows_all = False
        self._names: set[str] = set()

    def set_debug(self, application: str | None, is_on: bool) -> None:
        """Follow an application, ``None`` for all, or stop to."""
        if application is None:
            self._follows_all = is_on
            self._names.clear()
        elif is_on:
            self._names.add(application)
        else:
            self._names.discard(application)
        self._bus.on_sent = self._show if self._follows_all or self._names else None

    def _show(self, recipients: Sequence[Recipient], encoded: bytes) -> None:
        for recipient in recipients:
            name = recipient.application if isinstance(recipient, Seat) else ""
            if name and (self._follows_all or name in self._names):
                # whom it goes to is added on the way, so that the rest is encoded once
                text = f'{encoded.decode()},"application":{json.dumps(name)}}}'
                log_verbose(logger, 0, "<--- Sending ARI event to %s --->\n%s", name, text)
