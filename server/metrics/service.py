"""Switches figures and traces on and off as the configuration says, at start and on reload."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from server.base.errors import Unavailable
from server.base.tasks import TaskScope
from server.config.sections.prometheus import Prometheus
from server.config.sections.tracing import Tracing
from server.dialplan.apps.statsd import Statsd
from server.metrics.distribution import Distribution
from server.metrics.figures import LATENCY_BOUNDS, CallFigures, RestFigures
from server.metrics.lag import LoopLag
from server.metrics.sources import Sources
from server.metrics.statsd import StatsdReporter
from server.metrics.tracing import CallTracer

if TYPE_CHECKING:
    from server.metrics.exposition import Exposition

logger = logging.getLogger(__name__)

OperationWatch = Callable[[str, Sequence[str], int, float, float], None]


class Metrics:
    """Counts from the moment that somebody is to be shown; until then it costs nothing.

    :param watches: who is told of REST operations; what counts adds itself there.
    :param statsd: the sender of StatsD(), which knows statsd.conf.
    """

    def __init__(self, sources: Sources, watches: list[OperationWatch], statsd: Statsd) -> None:
        self._sources = sources
        self._watches = watches
        self._sender = statsd
        self._scope = TaskScope("metrics")
        self._calls = CallFigures()
        self._rest = RestFigures()
        self._delays = Distribution(LATENCY_BOUNDS)
        self._lag = LoopLag()
        self._reporter: StatsdReporter | None = None
        self._reporting: asyncio.Task[None] | None = None
        self._tracer: CallTracer | None = None
        self._tracing = Tracing()

    async def configure(self, prometheus: Prometheus, tracing: Tracing) -> Exposition | None:
        """Take over the configuration.

        :return: what is to be shown to Prometheus, ``None`` if nothing is.
        """
        self._configure_counting(is_on=prometheus.enabled)
        await self._configure_statsd()
        await self._configure_tracing(tracing)
        return self._exposition(prometheus) if prometheus.enabled else None

    async def close(self) -> None:
        """Stop counting and send what waits. May be called again."""
        self._configure_counting(is_on=False)
        await self._scope.close()
        if self._tracer is not None:
            await self._end_tracing(self._tracer)
        self._sender.close()

    # private

    def _exposition(self, prometheus: Prometheus) -> Exposition:
        # their packages cost 30 ms, which a start without them need not wait
        from server.metrics.asterisk_families import AsteriskCollector
        from server.metrics.exposition import Exposition
        from server.metrics.families import ArionCollector

        return Exposition(
            [
                AsteriskCollector(self._sources, with_core=prometheus.core_metrics_enabled),
                ArionCollector(self._sources, self._calls, self._rest, self._delays, self._lag),
            ]
        )

    def _configure_counting(self, *, is_on: bool) -> None:
        _switch(self._sources.registry.observers, self._calls, is_on=is_on)
        _switch(self._watches, self._rest.on_operation, is_on=is_on)
        self._sources.bus.on_delivered = self._delays.add if is_on else None
        if is_on:
            self._lag.start()
        else:
            self._lag.close()

    async def _configure_statsd(self) -> None:
        is_on = (await self._sender.settings()).enabled
        observers = self._sources.registry.observers
        if is_on and self._reporter is None:
            self._reporter = StatsdReporter(self._sources, self._sender)
            self._reporting = self._reporter.start(self._scope)
            observers.append(self._reporter)
        elif not is_on and self._reporter is not None and self._reporting is not None:
            observers.remove(self._reporter)
            self._reporting.cancel()
            self._reporter = self._reporting = None

    async def _configure_tracing(self, tracing: Tracing) -> None:
        if tracing == self._tracing:
            return
        self._tracing = tracing
        if self._tracer is not None:
            await self._end_tracing(self._tracer)
        if not tracing.enabled:
            return
        try:
            self._tracer = await asyncio.to_thread(CallTracer, tracing)
        except Unavailable as error:
            logger.error("%s", error)
            return
        self._sources.registry.observers.append(self._tracer)
        self._watches.append(self._tracer.on_operation)

    async def _end_tracing(self, tracer: CallTracer) -> None:
        self._tracer = None
        self._sources.registry.observers.remove(tracer)
        self._watches.remove(tracer.on_operation)
        await asyncio.to_thread(tracer.close)


def _switch(present: list, item: object, *, is_on: bool) -> None:  # type: ignore[type-arg]
    if is_on and item not in present:
        present.append(item)
    elif not is_on and item in present:
        present.remove(item)
