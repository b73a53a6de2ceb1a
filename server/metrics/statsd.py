"""The figures that Asterisk sends to a StatsD server by itself, under its names (statsd.conf).

Gauges are looked at once a second and sent when they have changed, all of them every minute: a
datagram that is lost is made good, which the +1 and -1 of Asterisk are not.
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter, deque

from server.base.errors import ServerError
from server.base.tasks import TaskScope
from server.dialplan.apps.statsd import Statsd
from server.metrics.sources import Sources
from server.resources.channel import Channel
from server.sip.contacts import NON_QUALIFIED, REACHABLE, REMOVED, UNKNOWN, UNREACHABLE

logger = logging.getLogger(__name__)

INTERVAL = 1.0  # seconds
REPEAT = 60  # intervals after which every gauge is sent again
MAX_WAITING = 10_000  # timers; more in one interval are lost, the oldest first
MAX_RTT_CONTACTS = 1000  # whose round trips are told

CONTACT_WORDS = {
    UNREACHABLE: "Unreachable",
    REACHABLE: "Reachable",
    UNKNOWN: "Unknown",
    NON_QUALIFIED: "NonQualified",
    REMOVED: "Removed",
}
ENDPOINT_STATES = ("unknown", "offline", "online")
_TROUBLE = str.maketrans(".:|@ ", "_____")  # what has a meaning of its own in a figure's name


class StatsdReporter:
    """Follows channels and sends figures. See :class:`server.resources.registry.ChannelObserver`.

    :param sender: sends as statsd.conf says; shared with the application StatsD().
    """

    def __init__(self, sources: Sources, sender: Statsd) -> None:
        self._sources = sources
        self._sender = sender
        self._timers: deque[str] = deque(maxlen=MAX_WAITING)
        self._sent: dict[str, int] = {}
        self._roundtrips: dict[str, int] = {}
        self._ticks = 0
        self._has_failed = False

    async def run(self) -> None:
        """Send, until cancelled."""
        while True:
            await self.tick()
            await asyncio.sleep(INTERVAL)

    def start(self, scope: TaskScope) -> asyncio.Task[None]:
        """Run as a task of *scope*."""
        return scope.spawn(self.run(), "statsd")

    async def tick(self) -> None:
        """Send what is new since the last time."""
        settings = await self._sender.settings()
        if not settings.enabled:
            self._timers.clear()
            return
        if self._ticks % REPEAT == 0:
            self._sent.clear()
        self._ticks += 1
        self._note_roundtrips()
        messages = [*self._timers, *self._changed_gauges()]
        self._timers.clear()
        try:
            for message in messages:
                await self._sender.send(settings, message)
        except ServerError as error:
            if not self._has_failed:
                logger.warning("statsd: %s", error)
            self._has_failed = True
            self._sent.clear()
        else:
            self._has_failed = False

    # ChannelObserver

    def on_channel_added(self, channel: Channel) -> None:
        """See :meth:`_gauges`, which counts."""

    def on_channel_state(self, channel: Channel) -> None:
        """Nothing is sent of it."""

    def on_channel_dialled(self, channel: Channel, caller: Channel | None, status: str) -> None:
        """Nothing is sent of it."""

    def on_channel_ending(self, channel: Channel) -> None:
        """Nothing is sent of it."""

    def on_channel_removed(self, channel: Channel) -> None:
        age = channel.node.clock.wall() - channel.created_at
        self._timers.append(f"channels.calltime:{max(0, round(age * 1000))}|ms")

    # private

    def _changed_gauges(self) -> list[str]:
        gauges = self._gauges()
        for name in self._sent:
            gauges.setdefault(name, 0)  # an endpoint's last channel has gone
        changed = {name: value for name, value in gauges.items() if self._sent.get(name) != value}
        self._sent = {name: value for name, value in gauges.items() if value or name in _LASTING}
        return [f"{name}:{value}|g" for name, value in changed.items()]

    def _gauges(self) -> dict[str, int]:
        sources = self._sources
        endpoints = sources.sip.endpoints()
        states = Counter(endpoint.state for endpoint in endpoints)
        contacts = Counter(contact.status for contact in sources.sip.contacts())
        gauges = {"channels.count": len(sources.registry), "endpoints.count": len(endpoints)}
        gauges |= {f"endpoints.state.{state}": states[state] for state in ENDPOINT_STATES}
        gauges |= {
            f"PJSIP.contacts.states.{word}": contacts[status]
            for status, word in CONTACT_WORDS.items()
        }
        busy = Counter(channel.endpoint for channel in sources.registry)
        for (technology, resource), count in busy.items():
            if technology == "PJSIP":
                gauges[f"endpoints.{technology}.{resource.translate(_TROUBLE)}.channels"] = count
        return gauges

    def _note_roundtrips(self) -> None:
        """Tell of each contact whose round trip was measured anew."""
        seen: dict[str, int] = {}
        for contact in self._sources.sip.contacts()[:MAX_RTT_CONTACTS]:
            if contact.roundtrip_usec is None:
                continue
            uri = contact.uri_text
            seen[uri] = contact.roundtrip_usec
            if self._roundtrips.get(uri) != contact.roundtrip_usec:
                name = f"PJSIP.contacts.{uri.translate(_TROUBLE)}.rtt"
                self._timers.append(f"{name}:{round(contact.roundtrip_usec / 1000)}|ms")
        self._roundtrips = seen


_LASTING = frozenset(
    {
        "channels.count",
        "endpoints.count",
        *(f"endpoints.state.{state}" for state in ENDPOINT_STATES),
        *(f"PJSIP.contacts.states.{word}" for word in CONTACT_WORDS.values()),
    }
)
