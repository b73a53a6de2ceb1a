"""rtp.conf: ports, strict RTP, RTCP, and what ICE needs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from server.base.errors import ConfigError
from server.config.acl import ALLOW_ALL, Acl, build_acl
from server.config.binder import bind, ineffective_option, setting
from server.config.objects import ConfigFile, ConfigWarning, Option, Remark, unknown_section
from server.config.types import (
    SocketAddress,
    boolean,
    choice,
    integer,
    socket_address,
    text,
)

STUN_PORT = 3478
_ICE = "ICE is not supported"
_ACL_OPTIONS = tuple(
    f"{kind}_{what}" for kind in ("ice", "stun") for what in ("acl", "deny", "permit")
)


@dataclass(frozen=True, slots=True)
class Rtp:
    """``[general]``.

    :param rtpstart: first port; RTP takes even ports, RTCP the odd ones after them.
    :param rtpend: last port.
    :param dtmftimeout: samples at 8 kHz after which a digit without an end has ended.
    :param rtcpinterval: ms between RTCP reports.
    :param strictrtp: ``yes``, ``no`` or ``seqno``.
    :param probation: packets in a row that make a source trusted.
    :param ice_host_candidates: local address to advertised address, and whether both are offered.
    """

    rtpstart: int = setting(integer(1024, 65535), 5000)
    rtpend: int = setting(integer(1024, 65535), 31000)
    rtpchecksums: bool = setting(boolean, True)
    dtmftimeout: int = setting(integer(0, 64000), 1200)
    rtcpinterval: int = setting(integer(500, 60000), 5000)
    strictrtp: str = setting(
        choice(
            "yes",
            "no",
            "seqno",
            aliases={"true": "yes", "on": "yes", "1": "yes", "y": "yes", "t": "yes"}
            | {"false": "no", "off": "no", "0": "no", "n": "no", "f": "no"},
        ),
        "yes",
    )
    probation: int = setting(integer(2), 4)
    icesupport: bool = setting(boolean, True)  # there is none: both values are true to it
    stunaddr: SocketAddress | None = setting(  # noqa: RUF009 - SocketAddress is frozen
        socket_address(STUN_PORT), None, no_effect=_ICE
    )
    stunaddr_reresolve_ttl_0: bool = setting(boolean, False, no_effect=_ICE)
    stun_software_attribute: bool = setting(boolean, True, no_effect=_ICE)
    turnaddr: SocketAddress | None = setting(  # noqa: RUF009 - SocketAddress is frozen
        socket_address(STUN_PORT), None, no_effect=_ICE
    )
    turnusername: str = setting(text, "", no_effect=_ICE)
    turnpassword: str = setting(text, "", no_effect=_ICE)
    dtls_mtu: int = setting(integer(256, 65535), 1200, no_effect="DTLS is not supported")
    srtpreplayprotection: bool = setting(boolean, True, no_effect="SRTP is not supported")
    ice_acl: Acl = ALLOW_ALL
    stun_acl: Acl = ALLOW_ALL
    ice_host_candidates: tuple[tuple[str, str, bool], ...] = ()


def build_rtp(file: ConfigFile, warnings: list[ConfigWarning], acls: Mapping[str, Acl]) -> Rtp:
    """Read rtp.conf.

    :param acls: the lists of acl.conf.
    :raises ConfigError: a value can't be read, or the port range is empty.
    """
    general: list[Option] = []
    candidates: list[tuple[str, str, bool]] = []
    for section in file.sections:
        name = section.name.lower()
        if name == "general":
            general += section.options
        elif name == "ice_host_candidates":
            candidates += (_candidate(option) for option in section.options)
            if section.options:
                message = f"[{name}] has no effect: {_ICE}"
                warnings.append(
                    ConfigWarning(section.path, section.line, message, Remark.NO_EFFECT)
                )
        else:
            warnings.append(unknown_section(section))
    warnings += (
        ineffective_option(option, _ICE)
        for option in general
        if option.name.lower() in _ACL_OPTIONS
    )
    rtp = bind(
        Rtp,
        general,
        warnings,
        also_known=_ACL_OPTIONS,
        ice_acl=build_acl(general, acls, prefix="ice_"),
        stun_acl=build_acl(general, acls, prefix="stun_"),
        ice_host_candidates=tuple(candidates),
    )
    _check_range(rtp, file, general)
    return rtp


def _candidate(option: Option) -> tuple[str, str, bool]:
    address, _, flag = option.value.partition(",")
    return option.name, address.strip(), flag.strip().lower() == "include_local_address"


def _check_range(rtp: Rtp, file: ConfigFile, general: list[Option]) -> None:
    if rtp.rtpend > rtp.rtpstart:
        return
    named = [option for option in general if option.name.lower() in ("rtpstart", "rtpend")]
    path, line = (named[-1].path, named[-1].line) if named else (file.path, 0)
    reason = f"rtpend ({rtp.rtpend}) must be above rtpstart ({rtp.rtpstart})"
    raise ConfigError(path, line, reason)
