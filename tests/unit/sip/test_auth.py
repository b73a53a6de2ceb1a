"""Digest authentication, from the published examples to refused retries."""

from __future__ import annotations

import pytest

from server.base.errors import InvalidArgument, RemoteProtocolError
from server.sip.auth import (
    ALGORITHMS,
    MAX_REALMS,
    Credentials,
    DigestClient,
    DigestServer,
    Verdict,
    _Answer,
    parse_auth,
)
from server.sip.message import Request, Response
from tests.support.playbook import make_request

ALICE = Credentials("alice", "wonderland")
REALM = "example.com"


def server(*algorithms: str) -> DigestServer:
    return DigestServer(b"secret", algorithms=algorithms or ("MD5",))


def request(method: str = "REGISTER") -> Request:
    return make_request(method, uri="sip:example.com")


def authorized(
    digest: DigestServer, credentials: Credentials = ALICE, *, now: float = 1000.0
) -> Request:
    """A request with an answer to a challenge made at *now*."""
    message = request()
    client = DigestClient([credentials])
    assert client.authorize(message, digest.challenge(message, REALM, now))
    return message


# the hash


# RFC 7616 section 3.9.1, computed over the example's values
@pytest.mark.parametrize(
    ("algorithm", "expected"),
    [
        ("MD5", "8ca523f5e9506fed4657c9700eebdbec"),
        ("SHA-256", "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1"),
    ],
)
def test_rfc_7616_example(algorithm: str, expected: str) -> None:
    mufasa = Credentials("Mufasa", "Circle of Life")
    ha1 = mufasa.ha1(algorithm, "http-auth@example.org")
    assert ha1 is not None
    answer = _Answer(
        "auth",
        "7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v",
        "00000001",
        "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ",
    )
    assert answer.compute(algorithm, ha1, "GET", "/dir/index.html") == expected


def test_rfc_2617_example_without_qop_is_rfc_2069() -> None:
    mufasa = Credentials("Mufasa", "CircleOfLife")
    ha1 = mufasa.ha1("MD5", "testrealm@host.com") or ""
    answer = _Answer("", "dcd98b7102dd2f0e8b11d0f600bfb0c093", "", "")
    expected = "1949323746fe6a43ef61f9606e7febea"
    assert answer.compute("MD5", ha1, "GET", "/dir/index.html") == expected


# server


@pytest.mark.parametrize("algorithm", ALGORITHMS)
@pytest.mark.parametrize("proxy", [False, True])
def test_right_password_is_ok(algorithm: str, proxy: bool) -> None:
    digest = server(algorithm)
    message = request()
    challenge = digest.challenge(message, REALM, 10.0, proxy=proxy)
    assert challenge.status == (407 if proxy else 401)
    assert challenge.to.tag
    assert DigestClient([ALICE]).authorize(message, challenge)
    assert digest.username(message, REALM, proxy=proxy) == "alice"
    assert digest.verify(message, REALM, ALICE, 11.0, proxy=proxy) is Verdict.OK
    assert digest.verify(message, REALM, ALICE, 11.0, proxy=not proxy) is Verdict.NONE


@pytest.mark.parametrize(
    "credentials",
    [Credentials("alice", "looking-glass"), Credentials("bob", "wonderland"), None],
)
def test_wrong_password_user_or_nobody_is_wrong(credentials: Credentials | None) -> None:
    digest = server()
    assert digest.verify(authorized(digest), REALM, credentials, 1000.0) is Verdict.WRONG


def test_no_credentials_for_the_realm() -> None:
    digest = server()
    assert digest.verify(request(), REALM, ALICE, 0.0) is Verdict.NONE
    assert digest.username(request(), REALM) is None
    assert digest.verify(authorized(digest), "other.example", ALICE, 1000.0) is Verdict.NONE


def test_old_nonce_is_stale_only_with_the_right_password() -> None:
    digest = server()
    message = authorized(digest, now=1000.0)
    assert digest.verify(message, REALM, ALICE, 1032.0) is Verdict.OK
    assert digest.verify(message, REALM, ALICE, 1033.1) is Verdict.STALE
    wrong = Credentials("alice", "x")
    assert digest.verify(message, REALM, wrong, 1033.1) is Verdict.WRONG
    stale = digest.challenge(message, REALM, 1033.0, stale=True)
    assert (stale.headers.get("WWW-Authenticate") or "").endswith(",stale=true")


def test_nonce_of_another_secret_or_realm_is_stale() -> None:
    message = authorized(DigestServer(b"before the restart"))
    assert server().verify(message, REALM, ALICE, 1000.0) is Verdict.STALE


def test_stored_digests_stand_for_the_password() -> None:
    ha1 = ALICE.ha1("MD5", REALM) or ""
    digest = server()
    message = authorized(digest)
    stored = Credentials("alice", md5_cred=ha1.upper())
    assert digest.verify(message, REALM, stored, 1000.0) is Verdict.OK
    sha = server("SHA-256")
    assert sha.verify(authorized(sha), REALM, stored, 1000.0) is Verdict.WRONG
    pair = Credentials("alice", digests=(("SHA-256", ALICE.ha1("SHA-256", REALM) or ""),))
    assert sha.verify(authorized(sha), REALM, pair, 1000.0) is Verdict.OK


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("qop=auth", "qop=auth-int"),
        ("nc=00000001", "nc=1"),
        ("nc=00000001", "nc=00000002"),
        ("algorithm=MD5", "algorithm=SHA-256"),
        ("algorithm=MD5", "algorithm=MD5-sess"),
        ('uri="sip:example.com"', 'uri="sip:example.org"'),
        ('username="alice"', 'username="bob"'),
        ('response="', 'response="é'),
        ('response="', 'x="'),
    ],
)
def test_changed_answer_is_wrong(old: str, new: str) -> None:
    digest = server()
    message = authorized(digest)
    value = message.headers.get("Authorization") or ""
    assert old in value
    message.headers.set("Authorization", value.replace(old, new))
    assert digest.verify(message, REALM, ALICE, 1000.0) is Verdict.WRONG


@pytest.mark.parametrize(
    "value", ["", "Basic YTpi", "Digest", "Digest realm", 'Digest realm="example.com', "Digest ,,"]
)
def test_other_schemes_and_malformed_lines_count_as_none(value: str) -> None:
    message = request()
    message.headers.set("Authorization", value)
    assert server().verify(message, REALM, ALICE, 0.0) is Verdict.NONE


def test_method_is_part_of_the_answer() -> None:
    digest = server()
    message = authorized(digest)
    message.method = "INVITE"
    assert digest.verify(message, REALM, ALICE, 1000.0) is Verdict.WRONG


def test_challenges_look_alike_for_known_and_unknown() -> None:
    digest = server("SHA-256", "MD5")
    one, other = (digest.challenge(request(), REALM, 5.0) for _ in range(2))
    assert one.headers.get_all("WWW-Authenticate") == other.headers.get_all("WWW-Authenticate")
    assert [parse_auth(v)[1]["algorithm"] for v in one.headers.get_all("WWW-Authenticate")] == [
        "SHA-256",
        "MD5",
    ]


def test_unknown_algorithm_is_a_configuration_error() -> None:
    with pytest.raises(InvalidArgument, match="SHA-1"):
        server("SHA-1")


def test_realm_is_quoted() -> None:
    value = server().challenge(request(), 'a "b" \\', 0.0).headers.get("WWW-Authenticate") or ""
    assert parse_auth(value)[1]["realm"] == 'a "b" \\'


# client


def challenge(*values: str, status: int = 401) -> Response:
    response = request().response(status)
    name = "WWW-Authenticate" if status == 401 else "Proxy-Authenticate"
    response.headers.set_all(name, values)
    return response


def answer(message: Request, name: str = "Authorization") -> dict[str, str]:
    ((scheme, params),) = [parse_auth(value) for value in message.headers.get_all(name)]
    assert scheme == "digest"
    return params


def test_client_takes_the_strongest_algorithm_it_knows() -> None:
    message = request()
    values = [f'Digest realm="r",nonce="n",algorithm={name}' for name in ("MD5", "SHA-256", "X-9")]
    assert DigestClient([ALICE]).authorize(message, challenge(*values))
    assert answer(message)["algorithm"] == "SHA-256"


def test_client_with_only_an_md5_digest_answers_md5() -> None:
    message = request()
    values = [f'Digest realm="r",nonce="n",algorithm={name}' for name in ("SHA-256", "MD5")]
    assert DigestClient([Credentials("a", md5_cred="0" * 32)]).authorize(
        message, challenge(*values)
    )
    assert answer(message)["algorithm"] == "MD5"


def test_client_echoes_opaque_and_leaves_out_what_was_not_offered() -> None:
    message = request()
    client = DigestClient([ALICE], make_cnonce=lambda: "c")
    assert client.authorize(message, challenge('Digest realm="r", nonce="n", opaque="o"'))
    params = answer(message)
    assert params["opaque"] == "o"
    assert not params.keys() & {"qop", "nc", "cnonce", "algorithm"}
    assert client.authorize(request(), challenge('Digest realm="r2",nonce="n",qop="auth,auth-int"'))


def test_client_counts_the_uses_of_a_nonce() -> None:
    client = DigestClient([ALICE])
    client.authorize(request(), challenge('Digest realm="r",nonce="n",qop="auth"'))
    later = request()
    client.apply(later)
    assert answer(later)["nc"] == "00000002"


def test_client_gives_up_when_its_answer_was_refused() -> None:
    client = DigestClient([ALICE])
    message = request()
    assert client.authorize(message, challenge('Digest realm="r",nonce="1"'))
    assert not client.authorize(message.copy(), challenge('Digest realm="r",nonce="2"'))


def test_client_tries_again_after_stale_and_after_an_answer_sent_ahead() -> None:
    client = DigestClient([ALICE])
    message = request()
    assert client.authorize(message, challenge('Digest realm="r",nonce="1"'))
    assert client.authorize(message, challenge('Digest realm="r",nonce="2",stale=TRUE'))
    assert answer(message)["nonce"] == "2"
    ahead = request()
    client.apply(ahead)
    assert client.authorize(ahead, challenge('Digest realm="r",nonce="3"'))
    assert not client.authorize(ahead, challenge('Digest realm="r",nonce="4"'))


def test_client_answers_several_proxies() -> None:
    message = request()
    client = DigestClient([ALICE])
    assert client.authorize(message, challenge('Digest realm="p1",nonce="1"', status=407))
    assert client.authorize(message, challenge('Digest realm="p2",nonce="2"', status=407))
    realms = [parse_auth(v)[1]["realm"] for v in message.headers.get_all("Proxy-Authorization")]
    assert realms == ["p1", "p2"]


@pytest.mark.parametrize(
    "value",
    ["Basic realm=x", 'Digest realm="r"', 'Digest nonce="n"', 'Digest realm="r",nonce="n",qop="x"',
     'Digest realm="r",nonce="n",algorithm=MD5-sess', 'Digest realm="r', ""],
)  # fmt: skip
def test_client_passes_on_what_it_cannot_answer(value: str) -> None:
    message = request()
    assert not DigestClient([ALICE]).authorize(message, challenge(value))
    assert "Authorization" not in message.headers


def test_client_uses_credentials_by_realm() -> None:
    client = DigestClient([Credentials("any", "1"), Credentials("fit", "2", realm="r")])
    for realm, user in (("r", "fit"), ("other", "any")):
        message = request()
        assert client.authorize(message, challenge(f'Digest realm="{realm}",nonce="n"'))
        assert answer(message)["username"] == user
    assert not DigestClient([Credentials("x", "y", realm="r")]).authorize(
        request(), challenge('Digest realm="other",nonce="n"')
    )


def test_client_remembers_a_bounded_number_of_realms() -> None:
    client = DigestClient([ALICE])
    for number in range(MAX_REALMS * 3):
        client.authorize(request(), challenge(f'Digest realm="r{number}",nonce="n"'))
    assert len(client._challenges) == MAX_REALMS


def test_malformed_parameters_are_refused() -> None:
    for value in ('Digest a="b', "Digest a=b a=c", "Digest a=b,a=c", "Digest =b"):
        with pytest.raises(RemoteProtocolError):
            parse_auth(value)
