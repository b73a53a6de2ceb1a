"""One webhook: takes the events of its applications, and POSTs them in order."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable

from server.config.sections.webhook import Webhook
from server.http.rest_socket import Caller, Host
from server.http.webhooks.backlog import Backlog, Delivery
from server.http.webhooks.commands import MAX_REPLY, Commands, parse_reply
from server.http.webhooks.dead_letters import DeadLetters
from server.http.webhooks.sender import Reply, Sender
from server.http.webhooks.signature import sign

logger = logging.getLogger(__name__)

JITTER = 0.25  # a wait becomes longer by up to this part of it
MAX_WAIT = 60.0  # seconds between two attempts, before jitter
GONE = 410  # RFC 9110, 15.5.11: nobody will ever take it there


class Poster:
    """A webhook at work.

    :param dead: where deliveries go that are given up.
    :param draw: returns a number from 0 to 1, for jitter.
    """

    def __init__(
        self, settings: Webhook, host: Host, dead: DeadLetters, draw: Callable[[], float]
    ) -> None:
        self.settings = settings
        self.delivered = 0  # events; so are the others
        self.failed = 0
        self.failure = ""  # why the last attempt failed, or empty
        self.dead = dead
        self._host = host
        self._draw = draw
        self._backlog = Backlog()
        self._current: Delivery | None = None
        self._commands = Commands(host, self.take)
        self._sender = Sender()
        self._is_full = False
        self._is_finishing = False
        self._is_in_hurry = False
        self._has_news = asyncio.Event()
        self._is_reconfigured = asyncio.Event()

    @property
    def waiting(self) -> int:
        """How many events are not delivered yet."""
        return len(self._backlog) + (len(self._current.events) if self._current else 0)

    @property
    def state(self) -> str:
        """How it is, in words."""
        if self._current is None:
            return "Idle"
        if self.failure:
            return f"Retrying ({self._current.attempts}): {self.failure}"
        return "Delivering"

    def take(self, event: bytes) -> None:
        """Put an event, or the response to a command, among what waits. Never blocks."""
        settings = self.settings
        if self._backlog.put(event, settings.max_events, settings.max_bytes):
            self._has_news.set()
            return
        self.failed += 1
        self.dead.add([event], "too many events wait", delivery="", attempts=0)
        if not self._is_full:
            self._is_full = True
            logger.warning("Webhook %s: too many events wait, more are dropped", settings.name)

    def configure(self, settings: Webhook) -> None:
        """Take over the settings of a reload, and try again at once what failed."""
        self.settings = settings
        self.dead.max_bytes = settings.max_dead_bytes
        self._is_reconfigured.set()

    def finish(self) -> None:
        """Deliver what there is, and end."""
        self._is_finishing = True
        self._has_news.set()

    def hurry(self) -> None:
        """The same, but try everything only once."""
        self._is_in_hurry = True
        self._is_reconfigured.set()
        self.finish()

    async def run(self) -> None:
        """Deliver until :meth:`finish`. When cancelled, what waits goes to the dead letters."""
        try:
            while True:
                while not self._backlog and not self._is_finishing:
                    self._has_news.clear()
                    await self._has_news.wait()
                if not self._backlog:
                    return
                self._is_full = False
                self._current = self._backlog.take()
                await self._deliver(self._current)
                self._current = None
                await self._commands.wait_for_room()
        finally:
            self._commands.close()
            self._bury_all()
            await self._sender.close()

    # private

    async def _deliver(self, delivery: Delivery) -> None:
        body = delivery.body
        while True:
            delivery.attempts += 1
            settings = self.settings
            reply = await self._sender.post(settings, body, self._headers(delivery, body))
            if not reply.failure:
                self._succeed(delivery, reply)
                return
            level = logging.DEBUG if self.failure else logging.WARNING
            logger.log(level, "Webhook %s: %s", settings.name, reply.failure)
            self.failure = reply.failure
            is_exhausted = delivery.attempts >= settings.max_attempts or self._is_in_hurry
            if is_exhausted or reply.status == GONE:
                self._give_up(delivery)
                return
            await self._pause(self.delay(delivery.attempts))

    def _headers(self, delivery: Delivery, body: bytes) -> dict[str, str]:
        moment = int(self._host.clock.wall())
        return {
            "Content-Type": "application/json",
            "Arion-Signature": sign(self.settings.secret, moment, body),
            "Arion-Delivery": delivery.id,
        }

    def delay(self, attempts: int) -> float:
        """Return the seconds until the next attempt: twice as long after each one, up to a bound,
        and a little more so that servers don't all come at once."""
        wait = min(self.settings.retry_interval / 1000 * 2.0 ** min(attempts - 1, 32), MAX_WAIT)
        return wait * (1 + JITTER * self._draw())

    async def _pause(self, seconds: float) -> None:
        self._is_reconfigured.clear()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._is_reconfigured.wait()

    def _succeed(self, delivery: Delivery, reply: Reply) -> None:
        settings = self.settings
        if self.failure:
            logger.info("Webhook %s: delivers again", settings.name)
        self.failure = ""
        self.delivered += len(delivery.events)
        try:
            if reply.is_too_long:
                raise ValueError(f"longer than {MAX_REPLY} bytes")
            commands = parse_reply(reply.body)
        except ValueError as problem:
            logger.warning("Webhook %s: the reply is ignored: %s", settings.name, problem)
            return
        if commands:
            caller = Caller(
                settings.local_ari_token or settings.local_ari_user,
                reply.peer,
                reply.peer_port,
                settings.apps,
                is_token=bool(settings.local_ari_token),
                kind="webhook",
            )
            self._commands.add(caller, commands)

    def _give_up(self, delivery: Delivery) -> None:
        name = self.settings.name
        logger.warning("Webhook %s: delivery %s is given up: %s", name, delivery.id, self.failure)
        self._bury(delivery, self.failure)

    def _bury(self, delivery: Delivery, reason: str) -> None:
        self.failed += len(delivery.events)
        self.dead.add(delivery.events, reason, delivery=delivery.id, attempts=delivery.attempts)

    def _bury_all(self) -> None:
        if self._current is not None:
            self._bury(self._current, self.failure or "the webhook ended")
            self._current = None
        while self._backlog:
            self._bury(self._backlog.take(), "the webhook ended")
