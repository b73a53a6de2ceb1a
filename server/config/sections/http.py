"""http.conf: the built-in web server, TLS included."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from server.base.errors import ConfigError
from server.config.acl import ALLOW_ALL, Acl, build_acl
from server.config.binder import bind, setting, settings
from server.config.objects import (
    ConfigFile,
    ConfigWarning,
    Option,
    Remark,
    Section,
    unknown_section,
)
from server.config.types import SocketAddress, boolean, integer, socket_address, text

DEFAULT_TLS_PORT = 8089
_OLD_TLS = "TLS 1.2 is the oldest that is spoken"
_ACL_OPTIONS = ("permit", "deny", "acl")


def redirect(value: str) -> tuple[str, str]:
    """``/from /to``."""
    words = value.split()
    if len(words) != 2:
        raise ValueError(f"expected two paths, /from /to, not {value!r}")
    return words[0], words[1]


def url_prefix(value: str) -> str:
    """A path; ``asterisk`` is ``/asterisk``."""
    path = value.strip("/")
    return f"/{path}" if path else ""


@dataclass(frozen=True, slots=True)
class Restriction:
    """A ``type=restriction`` section: who may ask for paths that begin so."""

    path: str = setting(text, "")
    type: str = setting(text, "restriction")
    acl: Acl = ALLOW_ALL


@dataclass(frozen=True, slots=True)
class Http:
    """``[general]``.

    :param bindaddr: IP address or host name; loopback until told otherwise.
    :param enable_static: serve ``static-http`` of astdatadir below ``/static/``.
    :param prefix: what precedes every path, such as ``/asterisk``, or empty.
    :param session_inactivity: ms to wait for a request or its rest.
    :param session_keep_alive: ms that an idle persistent connection lives.
    :param sessionlimit: connections at a time.
    :param tlsbindaddr: ``None``: all that is not given is as for HTTP, at port 8089.
    :param tlsprivatekey: empty: the key is in the certificate's file.
    :param tlscipher: in OpenSSL's notation, or empty for its default.
    :param http3: serve HTTP/3 too, at the address and port of TLS over UDP. Not in Asterisk.
    :param restrictions: checked by path prefix.
    :param post_mappings: URL prefix to directory, from ``[post_mappings]``.
    """

    enabled: bool = setting(boolean, False)
    bindaddr: str = setting(text, "127.0.0.1")
    bindport: int = setting(integer(0, 65535), 8088)
    prefix: str = setting(url_prefix, "")
    servername: str = setting(text, "")
    sessionlimit: int = setting(integer(1), 100)
    session_inactivity: int = setting(integer(1), 30_000)
    session_keep_alive: int = setting(integer(0), 15_000)
    enable_static: bool = setting(boolean, False, names=("enable_static", "enablestatic"))
    enable_status: bool = setting(boolean, False)
    redirects: tuple[tuple[str, str], ...] = settings(redirect, names=("redirect",))
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
    http3: bool = setting(boolean, False)
    restrictions: tuple[Restriction, ...] = ()
    post_mappings: tuple[tuple[str, str], ...] = ()

    @property
    def tls_address(self) -> SocketAddress:
        """Where TLS listens."""
        return self.tlsbindaddr or SocketAddress(self.bindaddr, DEFAULT_TLS_PORT)


def build_http(file: ConfigFile, warnings: list[ConfigWarning], acls: Mapping[str, Acl]) -> Http:
    """Read http.conf.

    :param acls: the lists of acl.conf.
    :raises ConfigError: a value can't be read.
    """
    general: list[Option] = []
    restrictions: list[Restriction] = []
    mappings: list[tuple[str, str]] = []
    for section in file.sections:
        if section.name.lower() == "general":
            general += section.options
        elif section.name.lower() == "post_mappings":
            mappings += ((option.name, option.value) for option in section.options)
            message = "[post_mappings] has no effect: files can't be uploaded"
            warnings.append(ConfigWarning(section.path, section.line, message, Remark.NO_EFFECT))
        elif section.get("type").lower() == "restriction":
            restrictions.append(_restriction(section, warnings, acls))
        else:
            warnings.append(unknown_section(section))
    http = bind(
        Http,
        general,
        warnings,
        restrictions=tuple(restrictions),
        post_mappings=tuple(mappings),
    )
    if http.http3 and not http.tlsenable:
        option = next(option for option in reversed(general) if option.name.lower() == "http3")
        message = "http3 has no effect without tlsenable"
        warnings.append(ConfigWarning(option.path, option.line, message, Remark.NO_EFFECT))
    return http


def _restriction(
    section: Section, warnings: list[ConfigWarning], acls: Mapping[str, Acl]
) -> Restriction:
    acl = build_acl(section.options, acls)
    restriction = bind(Restriction, section.options, warnings, also_known=_ACL_OPTIONS, acl=acl)
    if not restriction.path:
        raise ConfigError(section.path, section.line, f"restriction [{section.name}] needs a path")
    return restriction
