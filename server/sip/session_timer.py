"""Session timers (RFC 4028): who refreshes a call, how often, and when it is dead.

:class:`SessionTimer` negotiates in both roles; its owner asks :attr:`~SessionTimer.refresh_after`
and :attr:`~SessionTimer.expire_after` and keeps the deadlines.
"""

from __future__ import annotations

from server.base.errors import RemoteProtocolError
from server.sip.headers import SessionExpires
from server.sip.message import Request, Response

MIN_SE = 90  # seconds, RFC 4028 section 5
EXPIRY_MARGIN = 32  # seconds before the end at which the waiting side gives up (section 10)


class SessionTimer:
    """The session timer of one call.

    :param mode: pjsip.conf ``timers``: ``no``, ``yes``, ``required`` or ``always``.
    :param min_se: shortest interval accepted, seconds.
    :param interval: the interval we ask for, seconds.
    """

    __slots__ = ("_min_se", "_mode", "_wanted", "interval", "is_refresher")

    def __init__(self, mode: str, min_se: int, interval: int) -> None:
        self._mode = mode
        self._min_se = max(min_se, MIN_SE)
        self._wanted = max(interval, self._min_se)
        self.interval = 0  # seconds, 0: no timer runs
        self.is_refresher = False

    @property
    def is_supported(self) -> bool:
        """``True`` if we say ``Supported: timer``."""
        return self._mode != "no"

    @property
    def refresh_after(self) -> float | None:
        """Seconds until we refresh, ``None`` if that is not for us to do."""
        return self.interval / 2 if self.interval and self.is_refresher else None

    @property
    def expire_after(self) -> float | None:
        """Seconds without refresh after which the call is dead, ``None`` if it never is."""
        if not self.interval:
            return None
        if self.is_refresher:
            return float(self.interval)
        return self.interval - min(EXPIRY_MARGIN, self.interval / 3)

    def add_to_request(self, request: Request) -> None:
        """Ask for a timer in an INVITE or UPDATE of ours (section 7.1)."""
        if not self.is_supported:
            return
        refresher = ""
        if self.interval:
            refresher = "uac" if self.is_refresher else "uas"
        request.session_expires = SessionExpires(self.interval or self._wanted, refresher)
        request.min_se = self._min_se
        if self._mode == "required":
            request.headers.add("Require", "timer")

    def accept_request(self, request: Request, response: Response) -> None:
        """Decide on the peer's INVITE or UPDATE, and say so in its 2xx (section 9).

        :raises RemoteProtocolError: 422, the interval is too short (see :meth:`explain_refusal`),
            or 421, the peer has no timers and they are required.
        """
        has_timer = "timer" in request.supported or "timer" in request.require
        asked = request.session_expires
        if not self.is_supported:
            self.interval = 0
            return
        if asked is not None and asked.delta < self._min_se and has_timer:
            raise RemoteProtocolError(f"Session-Expires {asked.delta} is too short", 422)
        if not has_timer and self._mode == "required":
            raise RemoteProtocolError("session timers are required", 421)
        if not has_timer and asked is None and self._mode != "always":
            self.interval = 0
            return
        self.interval = self._choose_interval(request)
        refresher = asked.refresher if asked is not None and asked.refresher else ""
        if not has_timer:
            refresher = "uas"
        self.is_refresher = (refresher or "uac") == "uas"
        response.session_expires = SessionExpires(self.interval, refresher or "uac")
        if has_timer:
            response.headers.add("Require", "timer")

    def explain_refusal(self, status: int, response: Response) -> None:
        """Add to a refusal what :meth:`accept_request` missed."""
        if status == 422:
            response.min_se = self._min_se
        elif status == 421:
            response.headers.add("Require", "timer")

    def accept_response(self, response: Response) -> None:
        """Take the decision in the 2xx to a request of ours (section 7.2)."""
        if not self.is_supported:
            return
        agreed = response.session_expires
        if agreed is not None:
            self.interval = max(agreed.delta, MIN_SE)
            self.is_refresher = agreed.refresher != "uas"
        elif self._mode == "always":
            self.interval = self._wanted
            self.is_refresher = True
        else:
            self.interval = 0

    def accept_refusal(self, response: Response) -> bool:
        """Take a 422: ask for more in the next try (section 7.4).

        :returns: ``False`` if another try would say the same.
        """
        min_se = response.min_se
        if min_se is None or min_se <= self._min_se:
            return False
        self._min_se = min_se
        self._wanted = max(self._wanted, min_se)
        return True

    def _choose_interval(self, request: Request) -> int:
        asked = request.session_expires
        if asked is None:
            return max(self._wanted, request.min_se or 0)
        if asked.delta <= self._wanted:
            return max(asked.delta, self._min_se)
        return max(self._wanted, request.min_se or 0)
