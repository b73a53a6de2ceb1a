"""Lexical rules."""

from __future__ import annotations

import pytest

from server.base.errors import LocalProtocolError, RemoteProtocolError
from server.sip.grammar import (
    check_line,
    check_token,
    escape,
    format_params,
    parse_number,
    parse_params,
    quote,
    split_commas,
    unescape,
    unquote,
)


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("", [""]),
        ("a", ["a"]),
        ("a, b\t,c", ["a", "b", "c"]),
        ('"a,b" <sip:x,y@h>, c', ['"a,b" <sip:x,y@h>', "c"]),
        ('"a\\",b", c', ['"a\\",b"', "c"]),
        ("a,,b,", ["a", "", "b", ""]),
    ],
)
def test_commas_in_quotes_and_brackets_do_not_split(text: str, parts: list[str]) -> None:
    assert split_commas(text) == parts


@pytest.mark.parametrize("text", ['"a, b', "<a, b", '"a\\", b'])
def test_unclosed_quotes_and_brackets_are_malformed(text: str) -> None:
    with pytest.raises(RemoteProtocolError):
        split_commas(text)


def test_params() -> None:
    text = ' ; a ;B= x;c="q;\\"" ; d = [::1] '
    assert parse_params(text) == {"a": None, "b": "x", "c": '"q;\\""', "d": "[::1]"}
    assert parse_params("") == parse_params("  ") == {}
    assert format_params({"a": None, "b": "x"}) == ";a;b=x"


@pytest.mark.parametrize("text", [";", ";;a", ";a=", ";a b", "a", ";a;A", ";=x", ";a=b,c", ';a="'])
def test_malformed_params(text: str) -> None:
    with pytest.raises(RemoteProtocolError):
        parse_params(text)


@pytest.mark.parametrize("text", ["", "-1", "+1", "1_0", " 1", "1 ", "x", "\u0661", "99999999999"])
def test_numbers_are_plain_digits(text: str) -> None:
    with pytest.raises(RemoteProtocolError):
        parse_number("n", text)


def test_number_limits() -> None:
    assert parse_number("n", "0070") == 70
    assert parse_number("n", "65535", 65_535) == 65_535
    with pytest.raises(RemoteProtocolError):
        parse_number("n", "65536", 65_535)


def test_quoting() -> None:
    assert quote('a "b" \\') == '"a \\"b\\" \\\\"'
    assert unquote(quote('a "b" \\')) == 'a "b" \\'
    with pytest.raises(LocalProtocolError):
        quote("a\r\n")


def test_escapes() -> None:
    assert unescape("u", "a%40b%E2%82%AC") == "a@b€"
    assert escape("a@b€") == "a%40b%E2%82%AC"
    for text in ("%", "%4", "%zz", "%ff"):
        with pytest.raises(RemoteProtocolError):
            unescape("u", text)
    with pytest.raises(LocalProtocolError):
        escape("\ud800")


def test_guards_of_what_we_write() -> None:
    assert check_line("x", "a b") == "a b"
    assert check_token("x", "a-b") == "a-b"
    for text in ("a\r", "a\n", "\0"):
        with pytest.raises(LocalProtocolError):
            check_line("x", text)
    for text in ("", "a b", "a:b", "é"):
        with pytest.raises(LocalProtocolError):
            check_token("x", text)


def test_error_texts_are_short_and_printable() -> None:
    with pytest.raises(RemoteProtocolError) as caught:
        parse_number("n", "\x1b[31m" + "x" * 1000)
    assert str(caught.value).isprintable()
    assert len(str(caught.value)) < 120
