"""All webhooks of ari.conf: registered as their applications at start and on reload."""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from server.base.errors import InvalidArgument
from server.base.tasks import TaskScope
from server.config.sections.ari import Ari
from server.config.sections.webhook import Webhook, webhook_problem
from server.http.rest_socket import Host
from server.http.webhooks.dead_letters import DeadLetters
from server.http.webhooks.poster import Poster
from server.model import events
from server.stasis.applications import Applications
from server.stasis.bus import Bus
from server.stasis.options import Options, read_options
from server.stasis.seats import Seat
from server.stasis.topics import application_topic

logger = logging.getLogger(__name__)

CLOSE_TIMEOUT = 1.0  # seconds for what waits to be delivered when we stop


class _Ear:
    """A webhook's place as one of its applications; see :class:`server.stasis.seats.Consumer`."""

    def __init__(self, poster: Poster) -> None:
        self._poster = poster
        self._is_closed = False

    def deliver(self, frame: bytes) -> None:
        """Take an event."""
        if not self._is_closed:
            self._poster.take(frame)

    def close(self, _code: int, _reason: str) -> None:
        """Hear nothing more."""
        self._is_closed = True


@dataclass(slots=True)
class _Hook:
    poster: Poster
    task: asyncio.Task[None]
    ears: dict[str, _Ear] = field(default_factory=dict)  # by application


def options_of(settings: Webhook) -> Options:
    """Return how a webhook takes part in its applications.

    :raises InvalidArgument: an option is wrong, or needs another one.
    """
    return read_options(
        share=settings.share,
        worker=settings.worker or (settings.name if settings.share else ""),
        weight=settings.weight,
        extensions=settings.extensions,
        fields=settings.fields,
        compact=settings.compact,
        filter_type=settings.filter_type,
        filter_var=settings.filter_var,
    )


def _is_usable(settings: Webhook, ari: Ari) -> bool:
    if webhook_problem(settings, ari.users, ari.tokens):
        return False  # as the reader of ari.conf has said
    try:
        options_of(settings)
    except InvalidArgument as failure:
        place = f"{settings.path}:{settings.line}"
        logger.warning("%s: [%s] is ignored: %s", place, settings.name, failure)
        return False
    return True


def _has_other_seats(former: Webhook, settings: Webhook) -> bool:
    """Return whether a webhook has to leave its applications and come back."""
    is_heard_less = former.subscribe_all and not settings.subscribe_all
    return is_heard_less or options_of(former) != options_of(settings)


class Webhooks:
    """The webhooks.

    :param folder: of the dead-letter logs.
    :param draw: returns a number from 0 to 1, for jitter.
    """

    def __init__(
        self,
        host: Host,
        applications: Applications,
        bus: Bus,
        folder: Path,
        *,
        draw: Callable[[], float] = random.random,
    ) -> None:
        self._host = host
        self._applications = applications
        self._bus = bus
        self._folder = folder
        self._draw = draw
        self._scope = TaskScope("webhooks")
        self._disk = TaskScope("dead-letters")
        self._hooks: dict[str, _Hook] = {}
        self._logs: dict[str, DeadLetters] = {}  # those of webhooks that are gone included

    @property
    def posters(self) -> Mapping[str, Poster]:
        """The webhooks that are configured, by name."""
        return {name: hook.poster for name, hook in self._hooks.items()}

    def configure(self, ari: Ari) -> None:
        """Take over the configuration, at start or on reload.

        What waits for a webhook whose settings change goes where they say now. An application
        that is nobody's any more is taken back.
        """
        wanted = {
            name: settings
            for name, settings in ari.webhooks.items()
            if ari.enabled and _is_usable(settings, ari)
        }
        for name in self._hooks.keys() - wanted.keys():
            self._retire(self._hooks.pop(name))
        for name, settings in wanted.items():
            hook = self._hooks.get(name)
            if hook is None:
                hook = self._hooks[name] = self._start(settings)
            elif hook.poster.settings != settings:
                if _has_other_seats(hook.poster.settings, settings):
                    self._leave(hook, tuple(hook.ears))
                hook.poster.configure(settings)
            self._take_seats(hook)

    async def close(self) -> None:
        """Deliver what can be delivered in a moment, and end; the rest goes to the logs."""
        hooks = list(self._hooks.values())
        self._hooks.clear()
        for hook in hooks:
            self._leave(hook, tuple(hook.ears))
            self._bus.call_when_delivered(hook.poster.hurry)
        if hooks:
            await asyncio.wait([hook.task for hook in hooks], timeout=CLOSE_TIMEOUT)
        await self._scope.close()
        for log in self._logs.values():
            await log.drained()
        await self._disk.close()

    # private

    def _start(self, settings: Webhook) -> _Hook:
        name = settings.name
        log = self._logs.get(name)
        if log is None:
            path = self._folder / f"{name}.dead"
            log = DeadLetters(path, settings.max_dead_bytes, self._host.clock, self._disk)
            self._logs[name] = log
        log.max_bytes = settings.max_dead_bytes
        poster = Poster(settings, self._host, log, self._draw)
        return _Hook(poster, self._scope.spawn(poster.run(), name))

    def _take_seats(self, hook: _Hook) -> None:
        settings = hook.poster.settings
        self._leave(hook, [app for app in hook.ears if app not in settings.apps])
        for app in dict.fromkeys(settings.apps):
            if app in hook.ears and self._applications.is_registered(app):
                continue
            ear = hook.ears.setdefault(app, _Ear(hook.poster))
            self._applications.register(
                [app],
                ear,
                subscribe_all=settings.subscribe_all,
                options=options_of(settings),
            )
            self._bus.publish(events.application_registered(), (application_topic(app),))

    def _leave(self, hook: _Hook, apps: Iterable[str]) -> None:
        for app in apps:
            ear = hook.ears.pop(app)
            # To this webhook alone: the application may be another consumer's by now.
            self._bus.send(events.application_unregistered(), (Seat(app, ear),))
            self._applications.unregister(ear)

    def _retire(self, hook: _Hook) -> None:
        """Take a webhook off its applications, and let it end after their last event."""
        self._leave(hook, tuple(hook.ears))
        self._bus.call_when_delivered(hook.poster.finish)
