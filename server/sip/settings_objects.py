"""What pjsip.conf says, as frozen values under Asterisk's option names and defaults.

``server.sip.settings.build_settings`` makes them. Options that exist in Asterisk but do nothing
here (yet) are no fields: they are reported when they are set.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass, field

from server import __version__
from server.config.acl import Acl
from server.config.binder import setting, settings
from server.config.objects import ConfigWarning
from server.config.types import (
    SocketAddress,
    boolean,
    choice,
    decimal,
    host_address,
    integer,
    items,
    items_of,
    socket_address,
    text,
)
from server.tech.base import Party

Network = ipaddress.IPv4Network | ipaddress.IPv6Network

DEFAULT_CODECS = ("ulaw", "alaw")  # an endpoint without allow=
MAX_SECONDS = 2**31 - 1
DSCP_NAMES = {
    "cs0": 0x00, "cs1": 0x20, "cs2": 0x40, "cs3": 0x60, "cs4": 0x80, "cs5": 0xA0, "cs6": 0xC0,
    "cs7": 0xE0, "af11": 0x28, "af12": 0x30, "af13": 0x38, "af21": 0x48, "af22": 0x50,
    "af23": 0x58, "af31": 0x68, "af32": 0x70, "af33": 0x78, "af41": 0x88, "af42": 0x90,
    "af43": 0x98, "ef": 0xB8,
}  # fmt: skip
NO_VOICEMAIL = "there is no voicemail yet"
NO_ADDRESS = SocketAddress("")
NO_PARTY = Party()
OPEN_ACL = Acl()
_PRIVACY = {
    "allowed_not_screened": "allowed",
    "allowed_passed_screen": "allowed",
    "allowed_failed_screen": "allowed",
    "prohib_not_screened": "prohib",
    "prohib_passed_screen": "prohib",
    "prohib_failed_screen": "prohib",
}

seconds = integer(0, MAX_SECONDS)


def tos(value: str) -> int:
    """A type of service: a number (0x.. too) or a DSCP name such as ``ef``."""
    if (named := DSCP_NAMES.get(value.lower())) is not None:
        return named
    try:
        number = int(value, 0)
    except ValueError:
        number = -1
    if not 0 <= number <= 255:
        raise ValueError(f"expected 0 to 255 or a DSCP name such as ef, not {value[:60]!r}")
    return number


def network(value: str) -> Network:
    """An address or a network such as ``192.0.2.0/24``."""
    try:
        return ipaddress.ip_network(value, strict=False)
    except ValueError:
        raise ValueError(f"expected a network such as 192.0.2.0/24, not {value[:60]!r}") from None


def algorithms(value: str) -> tuple[str, ...]:
    """Digest algorithms, in order; empty or ``no`` means the default."""
    if value.lower() == "no":
        return ()
    parse = choice(
        "MD5",
        "SHA-256",
        "SHA-512-256",
        aliases={"md5": "MD5", "sha-256": "SHA-256", "sha-512-256": "SHA-512-256"},
    )
    return tuple(parse(item) for item in items(value))


def password_digest(value: str) -> tuple[str, str]:
    """``algorithm:H(user:realm:password)``."""
    name, _, digest = value.partition(":")
    parsed = algorithms(name)
    if len(parsed) != 1 or not digest:
        raise ValueError("expected algorithm:hash")
    return parsed[0], digest.strip()


def variable(value: str) -> tuple[str, str]:
    """``NAME=value``."""
    name, equals, content = value.partition("=")
    if not equals or not name.strip():
        raise ValueError("expected NAME=value")
    return name.strip(), content.strip()


def caller_id(value: str) -> Party:
    """``"Name" <number>``, ``Name <number>`` or a number alone."""
    name, bracket, rest = value.partition("<")
    if bracket:
        return Party(name.strip().strip('"'), rest.partition(">")[0].strip())
    bare = value.strip().strip('"')
    if bare and all(c in "+0123456789*#" for c in bare):
        return Party("", bare)
    return Party(bare, "")


@dataclass(frozen=True, slots=True)
class Transport:
    """``type=transport``."""

    name: str = ""
    protocol: str = setting(choice("udp", "tcp", "tls", "ws", "wss", "flow"), "udp")
    bind: SocketAddress = setting(socket_address(5060), NO_ADDRESS)  # noqa: RUF009
    external_media_address: str = setting(text, "")
    external_signaling_address: str = setting(text, "")
    external_signaling_port: int = setting(integer(0, 65535), 0)
    local_nets: tuple[tuple[Network, ...], ...] = settings(
        items_of(network), names=("local_net", "localnet")
    )
    tos: int = setting(tos, 0)
    cos: int = setting(integer(0, 7), 0, no_effect="the operating system sets the priority")
    allow_reload: bool = setting(boolean, False)
    tcp_keepalive_enable: bool = setting(boolean, False)
    tcp_keepalive_idle_time: int = setting(integer(1, 32767), 30)
    tcp_keepalive_interval_time: int = setting(integer(1, 32767), 1)
    tcp_keepalive_probe_count: int = setting(integer(1, 127), 5)
    async_operations: int = setting(integer(1, 10000), 1, no_effect="one loop serves all sockets")

    def is_local(self, host: str) -> bool:
        """``True`` if a peer at *host* is inside ``local_net``, or no external address is set."""
        try:
            address = ipaddress.ip_address(host)
        except ValueError:
            return False
        return any(
            address.version == net.version and address in net
            for nets in self.local_nets
            for net in nets
        )


@dataclass(frozen=True, slots=True)
class Auth:
    """``type=auth``."""

    name: str = ""
    auth_type: str = setting(choice("userpass", "md5", "digest", "google_oauth"), "userpass")
    username: str = setting(text, "")
    password: str = setting(text, "", names=("password", "secret"))
    md5_cred: str = setting(text, "")
    password_digests: tuple[tuple[str, str], ...] = settings(
        password_digest, names=("password_digest",)
    )
    realm: str = setting(text, "")
    nonce_lifetime: int = setting(integer(1, MAX_SECONDS), 32)
    supported_algorithms_uas: tuple[str, ...] = setting(algorithms, ())
    supported_algorithms_uac: tuple[str, ...] = setting(
        algorithms, (), no_effect="the strongest algorithm that a peer offers is used"
    )


@dataclass(frozen=True, slots=True)
class Aor:
    """``type=aor``."""

    name: str = ""
    contact_lists: tuple[tuple[str, ...], ...] = settings(items, names=("contact",))
    default_expiration: int = setting(seconds, 3600)
    minimum_expiration: int = setting(seconds, 60)
    maximum_expiration: int = setting(seconds, 7200)
    max_contacts: int = setting(integer(0, 10_000), 0)
    remove_existing: bool = setting(boolean, False)
    remove_unavailable: bool = setting(boolean, False)
    qualify_frequency: int = setting(integer(0, 86_400), 0)
    qualify_timeout: float = setting(decimal(0, MAX_SECONDS), 3.0)
    qualify_2xx_only: bool = setting(boolean, False)
    authenticate_qualify: bool = setting(boolean, False)
    outbound_proxy: str = setting(text, "")
    mailboxes: tuple[str, ...] = setting(items, (), no_effect=NO_VOICEMAIL)
    voicemail_extension: str = setting(text, "", no_effect=NO_VOICEMAIL)
    support_path: bool = setting(boolean, False, no_effect="Path is not supported")

    @property
    def contacts(self) -> tuple[str, ...]:
        """The permanent contacts' URIs."""
        return tuple(uri for uris in self.contact_lists for uri in uris)


@dataclass(frozen=True, slots=True)
class Identify:
    """``type=identify``."""

    name: str = ""
    endpoint: str = setting(text, "")
    matches: tuple[tuple[str, ...], ...] = settings(items, names=("match",))
    match_header: str = setting(text, "")
    match_request_uri: str = setting(text, "")
    srv_lookups: bool = setting(boolean, True)  # SRV records are not looked up
    networks: tuple[Network, ...] = ()
    hosts: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class DomainAlias:
    """``type=domain_alias``: its name is another name of *domain*."""

    name: str = ""
    domain: str = setting(text, "")


@dataclass(frozen=True, slots=True)
class AccessList:
    """``type=acl``: from where requests may come at all, and registrations too."""

    name: str = ""
    acl: Acl = OPEN_ACL
    contact_acl: Acl = OPEN_ACL

    def permits(self, address: str, *, is_registration: bool) -> bool:
        """Say whether a request may come from this address."""
        return self.acl.permits(address) and (
            not is_registration or self.contact_acl.permits(address)
        )


@dataclass(frozen=True, slots=True)
class Endpoint:
    """``type=endpoint``."""

    name: str = ""
    # Who it is
    context: str = setting(text, "default")
    aors: tuple[str, ...] = setting(items, ())
    auth: tuple[str, ...] = setting(items, ())
    outbound_auth: tuple[str, ...] = setting(items, ())
    identify_by: tuple[str, ...] = setting(
        items_of(choice("username", "auth_username", "ip", "header", "request_uri")),
        ("username", "ip"),
    )
    acl: Acl = OPEN_ACL
    contact_acl: Acl = OPEN_ACL
    # Caller and account
    callerid: Party = setting(caller_id, NO_PARTY)  # noqa: RUF009
    callerid_privacy: str = setting(
        choice("allowed", "prohib", "unavailable", aliases=_PRIVACY), "allowed"
    )
    from_user: str = setting(text, "")
    from_domain: str = setting(text, "")
    contact_user: str = setting(text, "")
    trust_id_inbound: bool = setting(boolean, False)
    trust_id_outbound: bool = setting(boolean, False)
    send_pai: bool = setting(boolean, False)
    send_rpid: bool = setting(boolean, False)
    send_diversion: bool = setting(boolean, True)
    rpid_immediate: bool = setting(boolean, False)
    send_connected_line: bool = setting(boolean, True)
    trust_connected_line: bool = setting(boolean, True)
    connected_line_method: str = setting(
        choice("invite", "update", aliases={"reinvite": "invite"}), "invite"
    )
    language: str = setting(text, "")
    accountcode: str = setting(text, "")
    moh_suggest: str = setting(text, "default")
    tone_zone: str = setting(text, "", no_effect="tones are those of the default zone")
    mailboxes: tuple[str, ...] = setting(items, (), no_effect=NO_VOICEMAIL)
    variables: tuple[tuple[str, str], ...] = settings(variable, names=("set_var",))
    device_state_busy_at: int = setting(integer(0, 10_000), 0)
    call_group: str = setting(text, "", names=("call_group", "callgroup"))
    pickup_group: str = setting(text, "", names=("pickup_group", "pickupgroup"))
    named_call_group: str = setting(text, "", names=("named_call_group", "namedcallgroup"))
    named_pickup_group: str = setting(text, "", names=("named_pickup_group", "namedpickupgroup"))
    # Signalling
    transport: str = setting(text, "")
    outbound_proxy: str = setting(text, "")
    force_rport: bool = setting(boolean, True)
    rewrite_contact: bool = setting(boolean, False)
    allow_overlap: bool = setting(boolean, True)
    allow_transfer: bool = setting(boolean, True)
    refer_blind_progress: bool = setting(boolean, True)
    message_context: str = setting(text, "")
    allow_unauthenticated_options: bool = setting(boolean, False)
    inband_progress: bool = setting(boolean, False)
    ignore_183_without_sdp: bool = setting(boolean, False)
    timers: str = setting(
        choice("no", "yes", "required", "always", aliases={"forced": "always"}), "yes"
    )
    timers_min_se: int = setting(integer(90, MAX_SECONDS), 90)
    timers_sess_expires: int = setting(integer(90, MAX_SECONDS), 1800)
    suppress_q850_reason_headers: bool = setting(boolean, False)
    user_eq_phone: bool = setting(boolean, False)
    redirect_method: str = setting(choice("user", "uri_core", "uri_pjsip"), "user")
    # Media
    codecs: tuple[str, ...] = DEFAULT_CODECS
    dtmf_mode: str = setting(
        choice("rfc4733", "inband", "none", "info", "auto", "auto_info"), "rfc4733"
    )
    moh_passthrough: bool = setting(boolean, False)
    rtp_symmetric: bool = setting(boolean, False)
    rtp_timeout: int = setting(seconds, 0)
    rtp_timeout_hold: int = setting(seconds, 0)
    rtcp_mux: bool = setting(boolean, False)
    media_address: str = setting(host_address, "")
    bind_rtp_to_media_address: bool = setting(boolean, False)
    direct_media: bool = setting(boolean, True)  # always through us, whatever it says
    tos_audio: int = setting(tos, 0)
    use_ptime: bool = setting(boolean, False)
    sdp_owner: str = setting(text, "-")
    sdp_session: str = setting(text, "Arion")


@dataclass(frozen=True, slots=True)
class Global:
    """``type=global``."""

    user_agent: str = setting(text, f"Arion/{__version__}")
    default_realm: str = setting(text, "asterisk")
    default_from_user: str = setting(text, "asterisk")
    default_outbound_endpoint: str = setting(text, "default_outbound_endpoint")
    endpoint_identifier_order: tuple[str, ...] = setting(items, ("ip", "username", "anonymous"))
    max_forwards: int = setting(integer(1, 255), 70)
    keep_alive_interval: int = setting(seconds, 90)
    contact_expiration_check_interval: int = setting(
        seconds, 30, no_effect="contacts expire on time"
    )
    max_initial_qualify_time: int = setting(seconds, 0)
    unidentified_request_count: int = setting(seconds, 5)
    unidentified_request_period: int = setting(seconds, 5)
    unidentified_request_prune_interval: int = setting(
        seconds, 30, no_effect="what is over is forgotten"
    )
    default_auth_algorithms_uas: tuple[str, ...] = setting(algorithms, ())
    default_auth_algorithms_uac: tuple[str, ...] = setting(
        algorithms, (), no_effect="the strongest algorithm that a peer offers is used"
    )
    allow_sending_180_after_183: bool = setting(boolean, False)
    send_contact_status_on_update_registration: bool = setting(boolean, False)
    ignore_uri_user_options: bool = setting(boolean, False)
    debug: str = setting(text, "no")


@dataclass(frozen=True, slots=True)
class System:
    """``type=system``."""

    timer_t1: int = setting(integer(100, 10_000), 500)
    timer_b: int = setting(integer(1_000, 600_000), 32_000)
    disable_rport: bool = setting(boolean, False, no_effect="rport is always asked for")
    disable_tcp_switch: bool = setting(
        boolean, True, no_effect="large requests are not moved to TCP"
    )
    compact_headers: bool = setting(boolean, False, no_effect="headers are sent in long form")


@dataclass(frozen=True, slots=True)
class SipSettings:
    """All of pjsip.conf, by name."""

    transports: Mapping[str, Transport] = field(default_factory=dict)
    endpoints: Mapping[str, Endpoint] = field(default_factory=dict)
    aors: Mapping[str, Aor] = field(default_factory=dict)
    auths: Mapping[str, Auth] = field(default_factory=dict)
    identifies: tuple[Identify, ...] = ()
    domain_aliases: Mapping[str, DomainAlias] = field(default_factory=dict)
    acls: tuple[AccessList, ...] = ()
    global_: Global = Global()
    system: System = System()
    default_language: str = "en"
    warnings: tuple[ConfigWarning, ...] = ()

    def names_of(self, user: str, host: str) -> tuple[str, ...]:
        """Return under which names a user of a domain may be found, the first choice first."""
        alias = self.domain_aliases.get(host)
        if alias is None or not alias.domain:
            return f"{user}@{host}", user
        return f"{user}@{host}", f"{user}@{alias.domain}", user
