"""Value types of options."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from server.config import types
from server.config.types import SocketAddress


@pytest.mark.parametrize("word", ["yes", "true", "y", "t", "1", "on", "YES", "On"])
def test_true_words(word: str) -> None:
    assert types.boolean(word) is True


@pytest.mark.parametrize("word", ["no", "false", "n", "f", "0", "off", "NO", "Off"])
def test_false_words(word: str) -> None:
    assert types.boolean(word) is False


@pytest.mark.parametrize(
    ("parse", "value", "expected"),
    [
        (types.integer(1, 10), "10", 10),
        (types.integer(), "-5", -5),
        (types.integer(), "+5", 5),
        (types.decimal(0, 10), "0.9", 0.9),
        (types.level, "3", 3),
        (types.level, "yes", 1),
        (types.level, "off", 0),
        (types.choice("a", "b", aliases={"c": "a"}), "C", "a"),
        (types.items, " a, b ,,c ", ("a", "b", "c")),
        (types.items_of(types.integer()), "1,2", (1, 2)),
        (types.socket_address(), "192.0.2.1", SocketAddress("192.0.2.1")),
        (types.socket_address(), "192.0.2.1:5060", SocketAddress("192.0.2.1", 5060)),
        (types.socket_address(), "example.org:80", SocketAddress("example.org", 80)),
        (types.socket_address(3478), "example.org", SocketAddress("example.org", 3478)),
        (types.socket_address(), "::1", SocketAddress("::1")),
        (types.socket_address(), "[::1]", SocketAddress("::1")),
        (types.socket_address(), "[::1]:5060", SocketAddress("::1", 5060)),
        (types.socket_address(), "[fe80::1%eth0]:5060", SocketAddress("fe80::1%eth0", 5060)),
        (types.host_address, "[::1]", "::1"),
        (types.host_address, "127.0.0.1", "127.0.0.1"),
        (types.octal_mode, "0660", 0o660),
    ],
)
def test_values(parse: Callable[[str], Any], value: str, expected: object) -> None:
    assert parse(value) == expected


@pytest.mark.parametrize(
    ("parse", "value", "message"),
    [
        (types.boolean, "maybe", "expected yes or no, not 'maybe'"),
        (types.boolean, "", "expected yes or no, not ''"),
        (types.integer(1, 10), "11", "expected a whole number from 1 to 10, not '11'"),
        (types.integer(0), "-1", "expected a whole number not below 0, not '-1'"),
        (types.integer(), "1.5", "expected a whole number, not '1.5'"),
        (types.integer(), "", "expected a whole number, not ''"),
        (types.integer(), "٣", "expected a whole number, not '٣'"),
        (types.integer(), "9" * 5000, "expected a whole number, not '" + "9" * 57 + "...'"),
        (types.decimal(0, 1), "nan", "expected a number from 0 to 1, not 'nan'"),
        (types.choice("a", "b"), "c", "expected one of a, b, not 'c'"),
        (types.socket_address(), "host:99999", "expected a whole number from 0 to 65535"),
        (types.socket_address(), "", "expected an address"),
        (types.socket_address(), "[::1", "expected an address"),
        (types.socket_address(), "[::1]x", "expected an address"),
        (types.socket_address(), "a b", "expected an address"),
        (types.socket_address(), "1:2:3", ""),
        (types.host_address, "example.org", "expected an IP address"),
        (types.octal_mode, "0888", "expected octal permissions"),
    ],
)
def test_errors_say_what_was_expected(
    parse: Callable[[str], Any], value: str, message: str
) -> None:
    with pytest.raises(ValueError) as caught:
        parse(value)
    assert message in str(caught.value)


def test_socket_address_is_written_as_it_is_read() -> None:
    parse = types.socket_address()
    for text in ("192.0.2.1:5060", "[::1]:5060", "[::1]", "example.org"):
        assert str(parse(text)) == text
