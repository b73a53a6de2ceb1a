"""What a server shows of itself: which of its parts the figures are read from."""

from __future__ import annotations

from typing import TYPE_CHECKING

from server import __version__
from server.config.loader import Configuration
from server.dialplan.apps.statsd import Statsd
from server.http.metrics_page import MetricsPage
from server.metrics.service import Metrics
from server.metrics.sources import Sources

if TYPE_CHECKING:
    from server.app.server import Server


def make_metrics(server: Server) -> Metrics:
    """Return what counts, sends and traces; it does nothing before it is configured."""
    return Metrics(_sources(server), server.http.watches, server.dialplan.part(Statsd))


async def configure_metrics(server: Server, configuration: Configuration) -> None:
    """Show, send and trace what prometheus.conf, statsd.conf and tracing.conf ask for."""
    settings = configuration.prometheus
    exposition = await server.metrics.configure(settings, configuration.tracing)
    pages = server.http.pages
    for path in [path for path, page in pages.items() if isinstance(page, MetricsPage)]:
        del pages[path]
    if exposition is not None:
        pages[settings.uri] = MetricsPage(settings, exposition.render)


def _sources(server: Server) -> Sources:
    return Sources(
        registry=server.registry,
        bridges=server.bridges,
        engine=server.engine,
        sip=server.sip,
        bus=server.bus,
        http=server.http.counters,
        http_open=lambda: server.http.session_count,
        queues=lambda: (session.queued_bytes for session in server.http.sessions),
        uptime=lambda: server.clock.wall() - server.started_at,
        since_reload=lambda: server.clock.wall() - server.asterisk.facts.reloaded,
        log_dropped=lambda: server.log.dropped,
        version=__version__,
    )
