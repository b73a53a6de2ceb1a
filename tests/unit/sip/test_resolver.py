"""From URIs to addresses."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from server.sip import resolver as resolver_module
from server.sip.resolver import Destination, Resolver, is_address
from server.sip.uri import Uri


@pytest.fixture
async def resolver() -> AsyncIterator[Resolver]:
    made = Resolver()
    yield made
    await made.close()


async def resolve(resolver: Resolver, uri: str) -> Destination | None:
    found: asyncio.Future[Destination | None] = asyncio.get_running_loop().create_future()
    resolver.resolve(Uri.parse(uri), found.set_result)
    return await asyncio.wait_for(found, 5.0)


@pytest.mark.parametrize(
    ("uri", "destination"),
    [
        ("sip:10.0.0.1", ("UDP", "10.0.0.1", 5060)),
        ("sip:10.0.0.1:99;transport=TCP", ("TCP", "10.0.0.1", 99)),
        ("sips:10.0.0.1", ("TLS", "10.0.0.1", 5061)),
        ("sip:[::1]:5070", ("UDP", "::1", 5070)),
        ("sip:name.invalid;maddr=10.0.0.2", ("UDP", "10.0.0.2", 5060)),
    ],
)
async def test_addresses_are_known_at_once(
    resolver: Resolver, uri: str, destination: tuple[str, str, int]
) -> None:
    found: list[Destination | None] = []
    resolver.resolve(Uri.parse(uri), found.append)
    assert found == [destination]


async def test_answers_are_kept_for_a_while(
    resolver: Resolver, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []

    async def getaddrinfo(host: str, *args: Any, **kwargs: Any) -> list[Any]:
        asked.append(host)
        return [(0, 0, 0, "", ("192.0.2.1", 0)), (0, 0, 0, "", ("192.0.2.1", 0))]

    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", getaddrinfo)
    for _ in range(2):
        assert await resolve(resolver, "sip:a.example") == ("UDP", "192.0.2.1", 5060)
    assert asked == ["a.example"]


async def test_a_name_without_address_leads_nowhere(
    resolver: Resolver, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def getaddrinfo(*args: Any, **kwargs: Any) -> list[Any]:
        raise OSError("no such name")

    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", getaddrinfo)
    assert await resolve(resolver, "sip:a.example") is None


async def test_a_slow_name_server_is_given_up(
    resolver: Resolver, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def getaddrinfo(*args: Any, **kwargs: Any) -> list[Any]:
        await asyncio.Event().wait()
        raise AssertionError

    monkeypatch.setattr(resolver_module, "TIMEOUT", 0.01)
    monkeypatch.setattr(resolver_module, "MAX_LOOKUPS", 1)
    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", getaddrinfo)
    first = asyncio.ensure_future(resolve(resolver, "sip:a.example"))
    await asyncio.sleep(0)
    assert await resolve(resolver, "sip:b.example") is None  # too many at a time
    assert await first is None


async def test_the_cache_is_bounded(resolver: Resolver, monkeypatch: pytest.MonkeyPatch) -> None:
    async def getaddrinfo(*args: Any, **kwargs: Any) -> list[Any]:
        return [(0, 0, 0, "", ("192.0.2.1", 0))]

    monkeypatch.setattr(resolver_module, "MAX_CACHED", 3)
    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", getaddrinfo)
    for number in range(10):
        await resolve(resolver, f"sip:host{number}.example")
    assert len(resolver._cache) == 3


@pytest.mark.parametrize(
    ("text", "expected"),
    [("10.0.0.1", True), ("::1", True), ("fe80::1%eth0", True), ("x", False), ("", False)],
)
def test_what_is_an_address(text: str, expected: bool) -> None:
    assert is_address(text) is expected
