"""Webhooks: applications of ari.conf that are an HTTP(S) URL instead of a socket."""

from __future__ import annotations

import re
from collections.abc import Container
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from server.config.binder import bind, setting
from server.config.objects import ConfigWarning, Section
from server.config.types import boolean, integer, items, text

_NAME = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9_.-]{0,63}\Z")  # the dead-letter log is named so too


def web_url(value: str) -> str:
    """An ``http`` or ``https`` URL without credentials and fragment (RFC 9110, 4.2)."""
    try:
        parts = urlsplit(value)
        is_usable = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
        is_usable = is_usable and not parts.fragment and parts.username is None
    except ValueError:  # a port or an IPv6 address that is none
        is_usable = False
    if not is_usable or not value.isprintable() or " " in value:
        raise ValueError("expected http://host[:port]/path or https://…, without a user name")
    return value


@dataclass(frozen=True, slots=True)
class Webhook:
    """A ``type=webhook`` section.

    :param secret: key of the signature; events are not sent without one.
    :param local_ari_user: as whom the commands in replies run, unless *local_ari_token* names a
        token that limits them further.
    :param share: whether it shares its applications with other consumers; *worker* is its name
        among them, if not that of the section. The options from here to *filter_var* are those of
        the events' WebSocket; *resume* is one that webhooks can't have.
    :param timeout: ms for a POST and its reply, together.
    :param max_attempts: of a delivery before it goes to the dead-letter log.
    :param retry_interval: ms after the first failure, twice as long after each further one.
    :param max_events: that wait, at most; so are *max_bytes*.
    :param max_dead_bytes: size at which the dead-letter log is started anew; the one before it
        is kept.
    :param ca_list_file: PEM file of authorities; empty: the system's.
    :param path: of the file that it is in; *line* is where.
    """

    name: str
    type: str = setting(text, "webhook")
    url: str = setting(web_url, "")
    apps: tuple[str, ...] = setting(items, ())
    secret: str = setting(text, "")
    local_ari_user: str = setting(text, "")
    local_ari_token: str = setting(text, "")
    subscribe_all: bool = setting(boolean, False)
    share: bool = setting(boolean, False)
    worker: str = setting(text, "")
    weight: int = setting(integer(1, 1000), 1)
    extensions: bool = setting(boolean, False)
    fields: tuple[str, ...] = setting(items, ())
    compact: bool = setting(boolean, False)
    filter_type: tuple[str, ...] = setting(items, ())
    filter_var: tuple[str, ...] = setting(items, ())
    resume: str = setting(text, "")
    timeout: int = setting(integer(1, 600_000), 5_000)
    max_attempts: int = setting(integer(1, 1_000), 10)
    retry_interval: int = setting(integer(1, 600_000), 500)
    max_events: int = setting(integer(1, 1_000_000), 10_000)
    max_bytes: int = setting(integer(1, 1_073_741_824), 16_777_216)
    max_dead_bytes: int = setting(integer(1), 16_777_216)
    ca_list_file: str = setting(text, "")
    verify_server_cert: bool = setting(boolean, True)
    verify_server_hostname: bool = setting(boolean, True)
    path: str = field(default="", compare=False)
    line: int = field(default=0, compare=False)


def webhook_problem(settings: Webhook, users: Container[str], tokens: Container[str]) -> str:
    """Return why a section can't be used, or an empty string.

    :param users: of ari.conf; so are *tokens*.
    """
    if not _NAME.match(settings.name):
        return "a name is needed of up to 64 letters, digits or _ . - that begins with no dot"
    for option in ("url", "secret", "apps"):
        if not getattr(settings, option):
            return f"{option} is missing"
    if settings.resume:
        return "resume is for WebSockets: a webhook's deliveries are repeated until they arrive"
    if settings.local_ari_user and settings.local_ari_token:
        return "local_ari_user and local_ari_token exclude each other"
    if settings.local_ari_token:
        is_known = settings.local_ari_token in tokens
        return "" if is_known else "local_ari_token is no token of ari.conf"
    if settings.local_ari_user not in users:
        return f"local_ari_user {settings.local_ari_user!r} is no user of ari.conf"
    return ""


def build_webhook(section: Section, warnings: list[ConfigWarning]) -> Webhook:
    """Read a section.

    :raises ConfigError: a value can't be read.
    """
    return bind(
        Webhook,
        section.options,
        warnings,
        name=section.name,
        path=section.path,
        line=section.line,
    )
