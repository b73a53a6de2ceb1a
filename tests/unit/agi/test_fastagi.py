"""Addresses of servers of scripts."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.agi.fastagi import Address, parse_address
from server.base.errors import InvalidArgument


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("agi://host", Address("host", 4573, "")),
        ("agi://host/", Address("host", 4573, "")),
        ("agi://host:99/a/b?c=d", Address("host", 99, "a/b?c=d")),
        ("AGI://[::1]:99/x", Address("::1", 99, "x")),
        ("agi://[::1]", Address("::1", 4573, "")),
        ("agi://::1/x", Address("::1", 4573, "x")),
        ("hagi://example.org/x", Address("example.org", 4573, "x", True)),
    ],
)
def test_addresses(text: str, address: Address) -> None:
    assert parse_address(text) == address


@pytest.mark.parametrize("text", ["agi://", "agi:///x", "agi://h:0", "agi://h:x", "agi://h:65536"])
def test_an_address_without_host_or_port_is_refused(text: str) -> None:
    with pytest.raises(InvalidArgument):
        parse_address(text)


@given(st.text(max_size=60))
def test_any_text_is_an_address_or_refused(text: str) -> None:
    try:
        address = parse_address("agi://" + text)
    except InvalidArgument:
        return
    assert address.host
    assert 0 < address.port < 65536
