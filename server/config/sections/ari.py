"""ari.conf: the REST interface's options and users."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from server.base.errors import ConfigError
from server.config.acl import ALLOW_ALL, Acl, build_acl
from server.config.binder import bind, setting
from server.config.objects import ConfigFile, ConfigWarning, Option, Section
from server.config.sections.webhook import Webhook, build_webhook
from server.config.types import boolean, choice, integer, items, text

_ACL_OPTIONS = ("permit", "deny", "acl")


MIN_TOKEN = 16  # characters of a secret that is written out


def token_digest(value: str) -> bytes:
    """``sha256:`` and 64 hexadecimal digits, or the secret itself."""
    word, colon, digits = value.partition(":")
    if colon and word.lower() == "sha256":
        if len(digits) != 64:
            raise ValueError("expected 64 hexadecimal digits after sha256:")
        return bytes.fromhex(digits)
    if len(value) < MIN_TOKEN:
        raise ValueError(f"expected sha256:<digits>, or a secret of {MIN_TOKEN} characters or more")
    return hashlib.sha256(value.encode()).digest()


def moment(value: str) -> float:
    """An ISO 8601 date and time, UTC unless it says otherwise, as seconds since the epoch."""
    try:
        read = datetime.fromisoformat(value)
    except ValueError:
        raise ValueError("expected a date such as 2026-12-31T23:59:59Z") from None
    return (read if read.tzinfo else read.replace(tzinfo=UTC)).timestamp()


@dataclass(frozen=True, slots=True)
class Scope:
    """What a token is good for: patterns with ``*``, ``?`` and ``[...]``.

    :param apps: applications, with the channels and bridges that they have.
    :param operations: operationIds, such as ``channels.*``.
    :param endpoints: what may be called, such as ``PJSIP/alice``.
    """

    apps: tuple[str, ...] = ("*",)
    operations: tuple[str, ...] = ("*",)
    endpoints: tuple[str, ...] = ("*",)

    @property
    def has_all_apps(self) -> bool:
        """Whether applications are no limit."""
        return "*" in self.apps


@dataclass(frozen=True, slots=True)
class AriUser:
    """A ``type=user`` section, or who a token stands for.

    :param password: the secret itself, or its crypt(3) hash.
    :param password_format: ``plain`` or ``crypt``.
    :param read_only: only GET is allowed.
    :param acl: from where the user may come.
    :param scope: what a token is limited to; ``None`` for a user of flesh and blood.
    """

    name: str
    type: str = setting(text, "user")
    read_only: bool = setting(boolean, False)
    password: str = setting(text, "")
    password_format: str = setting(choice("plain", "crypt"), "plain")
    acl: Acl = ALLOW_ALL
    scope: Scope | None = None


@dataclass(frozen=True, slots=True)
class AriToken:
    """A ``type=token`` section: a bearer token that can do less than a user.

    :param digest: SHA-256 of the secret.
    :param expires: end of its life, seconds since the epoch; ``None`` for never.
    :param user: who a request that brings it counts as.
    """

    name: str
    user: AriUser
    type: str = setting(text, "token")
    digest: bytes = setting(token_digest, b"", names=("token",))
    read_only: bool = setting(boolean, False)
    apps: tuple[str, ...] = setting(items, ("*",))
    operations: tuple[str, ...] = setting(items, ("*",))
    endpoints: tuple[str, ...] = setting(items, ("*",))
    expires: float | None = setting(moment, None)

    def is_expired(self, wall: float) -> bool:
        """Tell whether its life is over.

        :param wall: seconds since the epoch.
        """
        return self.expires is not None and wall >= self.expires


@dataclass(frozen=True, slots=True)
class OutboundWebsocket:
    """A ``type=outbound_websocket`` section: applications that the server connects to.

    :param websocket_client_id: section of websocket_client.conf.
    :param local_ari_user: as whom REST requests on the connection run.
    :param path: of the file that it is in; *line* is where.
    """

    name: str
    type: str = setting(text, "outbound_websocket")
    websocket_client_id: str = setting(text, "")
    apps: tuple[str, ...] = setting(items, ())
    local_ari_user: str = setting(text, "")
    subscribe_all: bool = setting(boolean, False)
    path: str = field(default="", compare=False)
    line: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class Ari:
    """``[general]``, and the users.

    :param allowed_origins: origins for CORS, ``*`` for any.
    :param websocket_write_timeout: ms.
    :param api_version: what the listing of the api-docs calls itself: clients made for one version
        refuse others. An option of ours.
    :param channelvars: channel variables that every channel snapshot carries.
    :param resume_timeout: seconds that an application stays registered when a consumer that can
        resume is gone.
    :param resume_max_events: events kept for each application with such a consumer.
    :param resume_max_bytes: bytes of them.
    :param resume_max_age: seconds that one is kept.
    :param websocket_compression: whether permessage-deflate is used where a client offers it.
    :param timeline: whether it is kept what becomes of each call. An option of ours.
    :param timeline_keep: seconds that it is kept when the call has ended.
    :param timeline_max_bytes: of all timelines together.
    :param users: by name, in the file's order.
    :param tokens: the same.
    """

    enabled: bool = setting(boolean, True)
    pretty: bool = setting(boolean, False)
    auth_realm: str = setting(text, "Asterisk REST Interface")
    api_version: str = setting(text, "12.0.0")
    allowed_origins: tuple[str, ...] = setting(items, ())
    websocket_write_timeout: int = setting(integer(1), 100)
    channelvars: tuple[str, ...] = setting(items, ())
    resume_timeout: int = setting(integer(0, 86_400), 30)
    resume_max_events: int = setting(integer(1, 10_000_000), 10_000)
    resume_max_bytes: int = setting(integer(1), 16_777_216)
    resume_max_age: int = setting(integer(1), 300)
    websocket_compression: bool = setting(boolean, False)
    timeline: bool = setting(boolean, False)
    timeline_keep: int = setting(integer(0, 86_400), 300)
    timeline_max_bytes: int = setting(integer(1_048_576), 67_108_864)
    users: Mapping[str, AriUser] = field(default_factory=dict)
    tokens: Mapping[str, AriToken] = field(default_factory=dict)
    outbound_websockets: Mapping[str, OutboundWebsocket] = field(default_factory=dict)
    webhooks: Mapping[str, Webhook] = field(default_factory=dict)


def build_ari(file: ConfigFile, warnings: list[ConfigWarning], acls: Mapping[str, Acl]) -> Ari:
    """Read ari.conf.

    :param acls: the lists of acl.conf.
    :raises ConfigError: a value can't be read, or a user has no password.
    """
    general: list[Option] = []
    users: dict[str, AriUser] = {}
    tokens: dict[str, AriToken] = {}
    sockets: dict[str, OutboundWebsocket] = {}
    webhooks: dict[str, Webhook] = {}
    for section in file.sections:
        kind = section.get("type").lower()
        if section.name.lower() == "general":
            general += section.options
        elif kind == "user":
            users[section.name] = _user(section, warnings, acls)
        elif kind == "token":
            tokens[section.name] = _token(section, warnings, acls)
        elif kind == "outbound_websocket":
            sockets[section.name] = _outbound(section, warnings)
        elif kind == "webhook":
            webhooks[section.name] = build_webhook(section, warnings)
        else:
            expected = f"[{section.name}] is ignored: expected type=user or token"
            warnings.append(ConfigWarning(section.path, section.line, expected))
    return bind(
        Ari,
        general,
        warnings,
        also_known=("type",),
        users=users,
        tokens=tokens,
        outbound_websockets=sockets,
        webhooks=webhooks,
    )


def _user(section: Section, warnings: list[ConfigWarning], acls: Mapping[str, Acl]) -> AriUser:
    acl = build_acl(section.options, acls)
    user = bind(
        AriUser, section.options, warnings, also_known=_ACL_OPTIONS, name=section.name, acl=acl
    )
    if not user.password:
        raise ConfigError(section.path, section.line, f"user [{section.name}] needs a password")
    return user


def _token(section: Section, warnings: list[ConfigWarning], acls: Mapping[str, Acl]) -> AriToken:
    nobody = AriUser(name=section.name, type="token", acl=build_acl(section.options, acls))
    token = bind(
        AriToken,
        section.options,
        warnings,
        also_known=_ACL_OPTIONS,
        name=section.name,
        user=nobody,
    )
    if not token.digest:
        raise ConfigError(section.path, section.line, f"token [{section.name}] needs a token")
    scope = Scope(token.apps, token.operations, token.endpoints)
    return replace(token, user=replace(nobody, read_only=token.read_only, scope=scope))


def _outbound(section: Section, warnings: list[ConfigWarning]) -> OutboundWebsocket:
    return bind(
        OutboundWebsocket,
        section.options,
        warnings,
        name=section.name,
        path=section.path,
        line=section.line,
    )
