"""ari.conf: the REST interface's options and users."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from server.base.errors import ConfigError
from server.config.acl import ALLOW_ALL, Acl, build_acl
from server.config.binder import bind, setting
from server.config.objects import ConfigFile, ConfigWarning, Option, Section
from server.config.types import boolean, choice, integer, items, text

_ACL_OPTIONS = ("permit", "deny", "acl")


@dataclass(frozen=True, slots=True)
class AriUser:
    """A ``type=user`` section.

    :param password: the secret itself, or its crypt(3) hash.
    :param password_format: ``plain`` or ``crypt``.
    :param read_only: only GET is allowed.
    :param acl: from where the user may come.
    """

    name: str
    type: str = setting(text, "user")
    read_only: bool = setting(boolean, False)
    password: str = setting(text, "")
    password_format: str = setting(choice("plain", "crypt"), "plain")
    acl: Acl = ALLOW_ALL


@dataclass(frozen=True, slots=True)
class OutboundWebsocket:
    """A ``type=outbound_websocket`` section: an application that the server connects to."""

    name: str
    type: str = setting(text, "outbound_websocket")
    websocket_client_id: str = setting(text, "")
    apps: tuple[str, ...] = setting(items, ())
    local_ari_user: str = setting(text, "")
    subscribe_all: bool = setting(boolean, False)


@dataclass(frozen=True, slots=True)
class Ari:
    """``[general]``, and the users.

    :param allowed_origins: origins for CORS, ``*`` for any.
    :param websocket_write_timeout: ms.
    :param channelvars: channel variables that every channel snapshot carries.
    :param users: by name, in the file's order.
    """

    enabled: bool = setting(boolean, True)
    pretty: bool = setting(boolean, False)
    auth_realm: str = setting(text, "Asterisk REST Interface")
    allowed_origins: tuple[str, ...] = setting(items, ())
    websocket_write_timeout: int = setting(integer(1), 100)
    channelvars: tuple[str, ...] = setting(items, ())
    users: Mapping[str, AriUser] = field(default_factory=dict)
    outbound_websockets: Mapping[str, OutboundWebsocket] = field(default_factory=dict)


def build_ari(file: ConfigFile, warnings: list[ConfigWarning], acls: Mapping[str, Acl]) -> Ari:
    """Read ari.conf.

    :param acls: the lists of acl.conf.
    :raises ConfigError: a value can't be read, or a user has no password.
    """
    general: list[Option] = []
    users: dict[str, AriUser] = {}
    sockets: dict[str, OutboundWebsocket] = {}
    for section in file.sections:
        kind = section.get("type").lower()
        if section.name.lower() == "general":
            general += section.options
        elif kind == "user":
            users[section.name] = _user(section, warnings, acls)
        elif kind == "outbound_websocket":
            sockets[section.name] = _outbound(section, warnings)
        else:
            expected = f"[{section.name}] is ignored: expected type=user"
            warnings.append(ConfigWarning(section.path, section.line, expected))
    return bind(
        Ari,
        general,
        warnings,
        also_known=("type",),
        users=users,
        outbound_websockets=sockets,
    )


def _user(section: Section, warnings: list[ConfigWarning], acls: Mapping[str, Acl]) -> AriUser:
    acl = build_acl(section.options, acls)
    user = bind(
        AriUser, section.options, warnings, also_known=_ACL_OPTIONS, name=section.name, acl=acl
    )
    if not user.password:
        raise ConfigError(section.path, section.line, f"user [{section.name}] needs a password")
    return user


def _outbound(section: Section, warnings: list[ConfigWarning]) -> OutboundWebsocket:
    message = f"[{section.name}] is ignored: outbound WebSockets are not supported"
    warnings.append(ConfigWarning(section.path, section.line, message))
    return bind(OutboundWebsocket, section.options, warnings, name=section.name)
