"""Who sends a request: the order of methods, and what strangers get."""

from __future__ import annotations

import pytest

from server.sip.authenticator import Authenticator
from server.sip.identify import EndpointIdentifier
from server.sip.message import Request, parse_message
from server.sip.settings import Auth, DomainAlias, Endpoint, Global, Identify, SipSettings
from server.sip.settings_objects import network
from tests.support.sip_stacks import SimFlow

NAMES = ("alice", "trunk", "wide", "bob@example.com", "digest", "anonymous")


def request(user: str = "nobody", host: str = "10.0.0.9", *headers: str) -> Request:
    lines = [
        "INVITE sip:100@10.0.0.1 SIP/2.0",
        "Via: SIP/2.0/UDP 10.0.0.9;branch=z9hG4bK1",
        f"From: <sip:{user}@{host}>;tag=1",
        "To: <sip:100@10.0.0.1>",
        "Call-ID: c",
        "CSeq: 1 INVITE",
        *headers,
        "Content-Length: 0",
    ]
    message = parse_message(("\r\n".join(lines) + "\r\n\r\n").encode())
    assert isinstance(message, Request)
    return message


def flow(host: str = "10.9.9.9") -> SimFlow:
    return SimFlow("UDP", ("10.0.0.1", 5060), (host, 5060))


def settings(*names: str, **global_: object) -> SipSettings:
    endpoints = {name: Endpoint(name=name) for name in names}
    if "digest" in endpoints:
        endpoints["digest"] = Endpoint(name="digest", identify_by=("auth_username",))
    identifies = (
        Identify(name="w", endpoint="wide", networks=(network("10.1.0.0/16"),)),
        Identify(name="t", endpoint="trunk", networks=(network("10.1.1.0/24"), network("::5/128"))),
        Identify(name="h", endpoint="trunk", hosts=("sip.example.com",)),
    )
    return SipSettings(
        endpoints=endpoints,
        identifies=identifies if "wide" in endpoints else (),
        global_=Global(**global_),  # type: ignore[arg-type]
    )


def name_of(identifier: EndpointIdentifier, message: Request, where: SimFlow) -> str | None:
    endpoint = identifier.identify(message, where)
    return None if endpoint is None else endpoint.name


@pytest.mark.parametrize(
    ("user", "host", "source", "expected"),
    [
        ("alice", "10.0.0.9", "10.9.9.9", "alice"),
        ("alice", "10.0.0.9", "10.1.2.3", "wide"),
        ("alice", "10.0.0.9", "10.1.1.3", "trunk"),
        ("nobody", "10.0.0.9", "::5", "trunk"),
        ("bob", "example.com", "10.9.9.9", "bob@example.com"),
        ("bob", "other.com", "10.9.9.9", "anonymous"),
        ("digest", "10.0.0.9", "10.9.9.9", "anonymous"),
    ],
)
def test_the_order_is_ip_then_user_then_anonymous(
    user: str, host: str, source: str, expected: str
) -> None:
    identifier = EndpointIdentifier(settings(*NAMES))
    assert name_of(identifier, request(user, host), flow(source)) == expected


def test_the_digest_user_identifies_where_configured() -> None:
    identifier = EndpointIdentifier(settings(*NAMES))
    message = request("x", "y", 'Authorization: Digest realm="r", username="digest", nonce="n"')
    assert name_of(identifier, message, flow()) == "digest"
    message = request("x", "y", 'Authorization: Digest username="alice"')
    assert name_of(identifier, message, flow()) == "anonymous"


def test_the_order_is_configurable() -> None:
    order = ("username", "ip")
    identifier = EndpointIdentifier(settings(*NAMES, endpoint_identifier_order=order))
    assert name_of(identifier, request("alice"), flow("10.1.1.3")) == "alice"
    assert name_of(identifier, request("stranger"), flow()) is None


def test_strangers_without_an_anonymous_endpoint_are_nobody() -> None:
    assert name_of(EndpointIdentifier(settings("alice")), request(), flow()) is None


def test_host_names_match_once_they_are_resolved() -> None:
    identifier = EndpointIdentifier(settings(*NAMES))
    assert list(identifier.host_names) == ["sip.example.com"]
    assert name_of(identifier, request(), flow("192.0.2.1")) == "anonymous"
    identifier.set_addresses("sip.example.com", ["192.0.2.1", "2001:db8::1"])
    assert name_of(identifier, request(), flow("192.0.2.1")) == "trunk"


def auth_settings(*realms: str) -> SipSettings:
    return SipSettings(
        endpoints={f"u{i}": Endpoint(name=f"u{i}", auth=(f"u{i}",)) for i in range(len(realms))},
        auths={
            f"u{i}": Auth(name=f"u{i}", username=f"u{i}", password="p", realm=realm)
            for i, realm in enumerate(realms)
        },
    )


def realm_of(authenticator: Authenticator, user: str, endpoint: Endpoint | None) -> str:
    challenge = authenticator.check(request(user), endpoint, 0.0)
    assert challenge is not None
    value = challenge.headers.get("WWW-Authenticate") or ""
    return value.partition('realm="')[2].partition('"')[0]


def test_an_endpoint_without_auth_is_trusted() -> None:
    authenticator = Authenticator(SipSettings(), b"secret")
    assert authenticator.check(request(), Endpoint(name="open"), 0.0) is None


def test_strangers_meet_the_realm_of_real_users_and_always_the_same() -> None:
    single = Authenticator(auth_settings("office"), b"secret")
    assert realm_of(single, "stranger", None) == "office"
    several = Authenticator(auth_settings("one", "two", ""), b"secret")
    realms = {user: realm_of(several, user, None) for user in map(str, range(40))}
    assert set(realms.values()) == {"one", "two", "asterisk"}
    assert all(realm_of(several, user, None) == realm for user, realm in realms.items())


def test_without_any_user_the_default_realm_is_asked_for() -> None:
    assert realm_of(Authenticator(SipSettings(), b"secret"), "x", None) == "asterisk"


def test_a_domain_may_have_other_names() -> None:
    endpoints = {name: Endpoint(name=name) for name in ("bob@example.com", "bob")}
    aliases = {"pbx.example.com": DomainAlias("pbx.example.com", "example.com")}
    identifier = EndpointIdentifier(SipSettings(endpoints=endpoints, domain_aliases=aliases))
    found = {
        host: name_of(identifier, request("bob", host), flow())
        for host in ("example.com", "pbx.example.com", "other.example.com")
    }
    assert found == {
        "example.com": "bob@example.com",
        "pbx.example.com": "bob@example.com",
        "other.example.com": "bob",
    }
