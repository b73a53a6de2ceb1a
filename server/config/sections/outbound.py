"""Outbound connections: what ari.conf and websocket_client.conf have to say together."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from server.config.objects import ConfigWarning
from server.config.sections.ari import Ari, OutboundWebsocket
from server.config.sections.webhook import webhook_problem
from server.config.sections.websocket_client import WebsocketClient

PERSISTENT = "persistent"
PER_CALL = "per_call_config"


def problem_of(
    settings: OutboundWebsocket, ari: Ari, clients: Mapping[str, WebsocketClient]
) -> str:
    """Return why a section can't be used, or an empty string."""
    client = clients.get(settings.websocket_client_id)
    if client is None:
        return f"websocket_client.conf has no [{settings.websocket_client_id}]"
    if client.connection_type not in (PERSISTENT, PER_CALL):
        return f"[{client.name}] of websocket_client.conf has no connection_type"
    if not settings.apps:
        return "apps names no application"
    if settings.local_ari_user not in ari.users:
        return f"local_ari_user {settings.local_ari_user!r} is no user of ari.conf"
    return ""


def check_outbound(ari: Ari, clients: Mapping[str, WebsocketClient]) -> Iterator[ConfigWarning]:
    """Yield a warning for each section that can't be used."""
    for name, settings in ari.outbound_websockets.items():
        if problem := problem_of(settings, ari, clients):
            yield ConfigWarning(settings.path, settings.line, f"[{name}] is ignored: {problem}")
    for name, webhook in ari.webhooks.items():
        if problem := webhook_problem(webhook, ari.users, ari.tokens):
            yield ConfigWarning(webhook.path, webhook.line, f"[{name}] is ignored: {problem}")
