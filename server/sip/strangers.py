"""Failed identifications, counted by address, so that an attack does not fill the log."""

from __future__ import annotations

from collections import OrderedDict

MAX_ADDRESSES = 10_000  # remembered at a time


class StrangerWatch:
    """Says when an address has failed often enough to be worth a warning.

    :param count: failures within *period* that make one warning
        (pjsip.conf ``unidentified_request_count``).
    :param period: seconds (``unidentified_request_period``).
    """

    def __init__(self, count: int, period: float) -> None:
        self._count = max(count, 1)
        self._period = period
        self._seen: OrderedDict[str, tuple[float, int]] = OrderedDict()

    def note(self, address: str, now: float) -> bool:
        """Note a failure.

        :returns: ``True`` if it is the one to warn of; then counting begins anew.
        """
        since, failures = self._seen.pop(address, (now, 0))
        if now - since > self._period:
            since, failures = now, 0
        failures += 1
        is_enough = failures >= self._count
        self._seen[address] = (now, 0) if is_enough else (since, failures)
        if len(self._seen) > MAX_ADDRESSES:
            self._seen.popitem(last=False)
        return is_enough
