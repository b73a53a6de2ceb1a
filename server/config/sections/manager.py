"""manager.conf: the manager interface's options and users."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from server.config.acl import ALLOW_ALL, Acl, build_acl
from server.config.binder import bind, setting, settings
from server.config.objects import ConfigFile, ConfigWarning, Option, Section
from server.config.types import SocketAddress, boolean, integer, items, socket_address, text

DEFAULT_PORT = 5038
DEFAULT_TLS_PORT = 5039
_OLD_TLS = "TLS 1.2 is the oldest that is spoken"
_ACL_OPTIONS = ("permit", "deny", "acl")
_FILTER = "eventfilter"


def assignment(value: str) -> tuple[str, str]:
    """``name=value``."""
    name, equals, content = value.partition("=")
    if not equals or not name.strip():
        raise ValueError(f"expected name=value, not {value!r}")
    return name.strip(), content.strip()


@dataclass(frozen=True, slots=True)
class FilterLine:
    """One ``eventfilter``.

    :param criteria: what stood in the parentheses behind the option's name, or empty.
    :param pattern: the value.
    """

    criteria: str
    pattern: str


@dataclass(frozen=True, slots=True)
class ManagerUser:
    """A user's section.

    :param read: classes of events that the user may hear.
    :param write: classes of actions that the user may use.
    :param setvar: variables that every channel has which the user originates.
    :param writetimeout: ms that a write may be stuck before the user is disconnected.
    :param displayconnects: ``None``, and *allowmultiplelogin*: as in ``[general]``.
    :param filters: which events the user hears of those.
    """

    name: str
    secret: str = setting(text, "")
    read: tuple[str, ...] = setting(items, ())
    write: tuple[str, ...] = setting(items, ())
    setvar: tuple[tuple[str, str], ...] = settings(assignment, names=("setvar",))
    writetimeout: int = setting(integer(1), 100)
    displayconnects: bool | None = setting(boolean, None)
    allowmultiplelogin: bool | None = setting(boolean, None)
    acl: Acl = ALLOW_ALL
    filters: tuple[FilterLine, ...] = ()


@dataclass(frozen=True, slots=True)
class Manager:
    """``[general]``, and the users.

    :param webenabled: the HTTP server has the manager interface too.
    :param httptimeout: seconds that a session over HTTP lives without requests.
    :param authtimeout: seconds to log in.
    :param authlimit: connections that may be about to log in.
    :param channelvars: variables that events about channels carry.
    :param disabledevents: events that nobody gets.
    :param brokeneventsaction: the action Events gets no answer, as in Asterisk 1.8.
    :param users: by name, in the file's order.
    """

    enabled: bool = setting(boolean, False)
    bindaddr: str = setting(text, "0.0.0.0")
    port: int = setting(integer(0, 65535), DEFAULT_PORT)
    webenabled: bool = setting(boolean, False)
    httptimeout: int = setting(integer(1), 60)
    authtimeout: int = setting(integer(1), 30)
    authlimit: int = setting(integer(1), 50)
    allowmultiplelogin: bool = setting(boolean, True)
    displayconnects: bool = setting(boolean, True)
    timestampevents: bool = setting(boolean, False)
    brokeneventsaction: bool = setting(boolean, False)
    debug: bool = setting(boolean, False)
    channelvars: tuple[str, ...] = setting(items, ())
    disabledevents: tuple[str, ...] = setting(items, ())
    tlsenable: bool = setting(boolean, False, names=("tlsenable", "sslenable"))
    tlsbindaddr: SocketAddress | None = setting(  # noqa: RUF009 - SocketAddress is frozen
        socket_address(DEFAULT_TLS_PORT), None, names=("tlsbindaddr", "sslbindaddr")
    )
    tlscertfile: str = setting(text, "asterisk.pem", names=("tlscertfile", "tlscert", "sslcert"))
    tlsprivatekey: str = setting(text, "", names=("tlsprivatekey", "sslprivatekey"))
    tlscipher: str = setting(text, "", names=("tlscipher", "sslcipher"))
    tlsdisablev1: bool = setting(boolean, True, no_effect=_OLD_TLS)
    tlsdisablev11: bool = setting(boolean, True, no_effect=_OLD_TLS)
    tlsdisablev12: bool = setting(boolean, False)
    tlsservercipherorder: bool = setting(boolean, True)
    users: Mapping[str, ManagerUser] = field(default_factory=dict)

    @property
    def tls_address(self) -> SocketAddress:
        """Where TLS listens."""
        return self.tlsbindaddr or SocketAddress(self.bindaddr, DEFAULT_TLS_PORT)

    def is_shown(self, user: ManagerUser) -> bool:
        """Tell whether logins of a user are shown."""
        return self.displayconnects if user.displayconnects is None else user.displayconnects

    def may_repeat(self, user: ManagerUser) -> bool:
        """Tell whether a user may be logged in more than once."""
        own = user.allowmultiplelogin
        return self.allowmultiplelogin if own is None else own


def build_manager(
    file: ConfigFile, warnings: list[ConfigWarning], acls: Mapping[str, Acl]
) -> Manager:
    """Read manager.conf.

    :param acls: the lists of acl.conf.
    :raises ConfigError: a value can't be read.
    """
    general: list[Option] = []
    users: dict[str, ManagerUser] = {}
    for section in file.sections:
        if section.name.lower() == "general":
            general += section.options
        else:
            users[section.name] = _user(section, warnings, acls)
    return bind(Manager, general, warnings, users=users)


def _user(section: Section, warnings: list[ConfigWarning], acls: Mapping[str, Acl]) -> ManagerUser:
    filters = []
    options = []
    for option in section.options:
        name = option.name
        if name.lower() == _FILTER or name.lower().startswith(f"{_FILTER}("):
            filters.append(FilterLine(name[len(_FILTER) :].strip(), option.value))
        else:
            options.append(option)
    return bind(
        ManagerUser,
        options,
        warnings,
        also_known=_ACL_OPTIONS,
        name=section.name,
        acl=build_acl(section.options, acls),
        filters=tuple(filters),
    )
