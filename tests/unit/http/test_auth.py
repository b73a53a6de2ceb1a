"""Credentials."""

from __future__ import annotations

import base64
import logging

import pytest

from server.base.log import SECURITY
from server.config.sections.ari import AriUser
from server.http.auth import (
    FORGET_AFTER,
    LONGEST_DELAY,
    MAX_PEERS,
    Authenticator,
    FailureDelays,
    matches_crypt,
)
from server.http.messages import Request
from tests.support.clock import FakeClock

HASH = (
    "$6$saltsalt$sfZR6YSW/Dp0uCiyF9fDipa6ORr5LVLOwXNgtz"
    "RlXXhkC7xA3w4zy97VIC3vL14AUXGJp3yBjZVztkdiBzJnX1"
)
USERS = {
    "alice": AriUser(name="alice", password="open:sesame"),
    "crypted": AriUser(name="crypted", password=HASH, password_format="crypt"),
}


def request(query: str = "", **headers: bytes) -> Request:
    given = {name.encode(): value for name, value in headers.items()}
    return Request("GET", "/", query, given, b"", "192.0.2.1", 4000)


def basic(text: str) -> bytes:
    return b"Basic " + base64.b64encode(text.encode())


@pytest.fixture
def authenticator() -> Authenticator:
    return Authenticator(USERS, FakeClock())


@pytest.mark.parametrize(
    "good",
    [
        request(authorization=basic("alice:open:sesame")),
        request(authorization=b"basic " + base64.b64encode(b"alice:open:sesame")),
        request("app=x&api_key=alice%3Aopen%3Asesame"),
        request("api_key=alice:open:sesame"),
    ],
)
def test_right_credentials(authenticator: Authenticator, good: Request) -> None:
    for _ in range(2):
        assert authenticator.authenticate(good).user == USERS["alice"]


@pytest.mark.parametrize(
    "bad",
    [
        request(authorization=basic("alice:wrong")),
        request(authorization=basic("nobody:open:sesame")),
        request(authorization=basic("alice")),
        request(authorization=b"Basic !!!"),
        request(authorization=b"Bearer token"),
        request("api_key=alice"),
        request("api_key=alice:x&" + "&".join("a" * 2000)),
    ],
)
def test_wrong_credentials_are_slowed(
    authenticator: Authenticator, bad: Request, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG):
        delays = [authenticator.authenticate(bad).delay for _ in range(8)]
    assert delays == [0.25, 0.5, 1, 2, 4, 4, 4, 4]
    assert caplog.records[0].levelno == SECURITY
    assert "192.0.2.1" in caplog.text
    assert "sesame" not in caplog.text


def test_without_credentials_nothing_is_slowed(authenticator: Authenticator) -> None:
    authentication = authenticator.authenticate(request("app=x"))
    assert authentication.user is None
    assert authentication.delay == 0


def test_header_goes_before_the_key(authenticator: Authenticator) -> None:
    both = request("api_key=alice:open:sesame", authorization=basic("alice:wrong"))
    assert authenticator.authenticate(both).user is None


def test_a_success_ends_the_slowing() -> None:
    authenticator = Authenticator(USERS, FakeClock())
    wrong = request(authorization=basic("alice:wrong"))
    authenticator.authenticate(wrong)
    authenticator.authenticate(request(authorization=basic("alice:open:sesame")))
    assert authenticator.authenticate(wrong).delay == 0.25


def test_failures_are_forgotten_and_bounded() -> None:
    clock = FakeClock()
    delays = FailureDelays(clock)
    for _ in range(40):
        last = delays.add("one")
    assert last == LONGEST_DELAY
    clock.advance(FORGET_AFTER + 1)
    assert delays.add("one") == 0.25
    for number in range(MAX_PEERS):
        delays.add(f"peer{number}")
    assert delays.add("one") == 0.25


def test_crypted_passwords(authenticator: Authenticator) -> None:
    right = request(authorization=basic("crypted:geheim"))
    assert authenticator.authenticate(right).user == USERS["crypted"]
    wrong = request(authorization=basic("crypted:other"))
    assert authenticator.authenticate(wrong).user is None


def test_malformed_hashes_match_nothing() -> None:
    for hashed in ("", "*", "plain", "$6$", "$9$x$y"):
        assert not matches_crypt(b"plain", hashed)
    assert not matches_crypt(b"a\0b", HASH)
