"""websocket_client.conf: WebSocket servers that we connect to, for media and for events.

A section only describes a connection; dial strings (``WebSocket/name``), ``external_host`` of
external media and ari.conf's ``websocket_client_id`` name it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from server.base.errors import ConfigError
from server.config.binder import bind, setting
from server.config.objects import ConfigFile, ConfigWarning, Section
from server.config.types import boolean, choice, integer, items, text

SCHEMES = {"ws": 80, "wss": 443}  # and their ports, RFC 6455 section 3


def uri(value: str) -> str:
    """A ``ws`` or ``wss`` URI without a fragment (RFC 6455 section 3)."""
    try:
        parts = urlsplit(value)
        is_usable = parts.scheme in SCHEMES and bool(parts.hostname) and parts.port != 0
        is_usable = is_usable and not parts.fragment
    except ValueError:  # a port or an IPv6 address that is none
        is_usable = False
    if not is_usable or not value.isprintable() or " " in value:
        raise ValueError(f"expected ws://host[:port]/path or wss://…, not {value!r}")
    return value


@dataclass(frozen=True, slots=True)
class WebsocketClient:
    """A ``type=websocket_client`` section.

    :param connection_type: ``persistent`` or ``per_call_config``; empty if none is given.
    :param connection_timeout: ms for connecting and the handshake, together.
    :param reconnect_interval: ms between attempts.
    :param reconnect_attempts: attempts of a per-call connection before it is given up.
    :param protocols: subprotocols to offer.
    :param tls_enabled: speak TLS even if the URI's scheme is ``ws``.
    :param ca_list_file: PEM file of authorities; empty: the system's.
    :param cert_file: our own certificate, if the server wants one.
    :param proxy_host: ``host:port`` of an HTTP proxy, or empty.
    :param tcp_keepalive_time: seconds; so is ``tcp_keepalive_interval``.
    :param enable_pingpongs: send pings every ``pingpong_interval`` seconds, and give the
        connection up when ``pingpong_probes`` of them got no answer.
    """

    name: str
    type: str = setting(text, "websocket_client")
    uri: str = setting(uri, "")
    protocols: tuple[str, ...] = setting(items, ())
    username: str = setting(text, "")
    password: str = setting(text, "")
    connection_type: str = setting(choice("persistent", "per_call_config"), "")
    connection_timeout: int = setting(integer(1), 500)
    reconnect_interval: int = setting(integer(1), 500)
    reconnect_attempts: int = setting(integer(0), 4)
    tls_enabled: bool = setting(boolean, False)
    ca_list_file: str = setting(text, "")
    ca_list_path: str = setting(text, "")
    cert_file: str = setting(text, "")
    priv_key_file: str = setting(text, "")
    verify_server_cert: bool = setting(boolean, True)
    verify_server_hostname: bool = setting(boolean, True)
    proxy_host: str = setting(text, "")
    proxy_username: str = setting(text, "")
    proxy_password: str = setting(text, "")
    enable_tcp_keepalives: bool = setting(boolean, False)
    tcp_keepalive_time: int = setting(integer(1), 20)
    tcp_keepalive_interval: int = setting(integer(1), 20)
    tcp_keepalive_probes: int = setting(integer(1), 3)
    enable_pingpongs: bool = setting(boolean, False)
    pingpong_interval: int = setting(integer(1), 20)
    pingpong_probes: int = setting(integer(1), 3)

    @property
    def is_secure(self) -> bool:
        """Whether TLS is spoken."""
        return self.tls_enabled or self.uri.startswith("wss:")

    @property
    def address(self) -> tuple[str, int]:
        """Host and port of the server."""
        parts = urlsplit(self.uri)
        return parts.hostname or "", parts.port or (443 if self.is_secure else 80)


@dataclass(frozen=True, slots=True)
class WebsocketClients:
    """The whole file.

    :param clients: by name, in the file's order.
    """

    clients: Mapping[str, WebsocketClient] = field(default_factory=dict)


def build_websocket_clients(file: ConfigFile, warnings: list[ConfigWarning]) -> WebsocketClients:
    """Read websocket_client.conf.

    :raises ConfigError: a value can't be read, or a section has no URI.
    """
    clients: dict[str, WebsocketClient] = {}
    for section in file.sections:
        if section.get("type").lower() == "websocket_client":
            clients[section.name] = _client(section, warnings)
        else:
            expected = f"[{section.name}] is ignored: expected type=websocket_client"
            warnings.append(ConfigWarning(section.path, section.line, expected))
    return WebsocketClients(clients)


def _client(section: Section, warnings: list[ConfigWarning]) -> WebsocketClient:
    client = bind(WebsocketClient, section.options, warnings, name=section.name)
    if not client.uri:
        raise ConfigError(section.path, section.line, f"[{section.name}] needs a uri")
    return client
