"""Where parameters come from and how they are read."""

from __future__ import annotations

import contextlib
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.base.errors import InvalidArgument
from server.http.messages import Request, decode_component, parse_pairs
from server.http.parameters import (
    MAX_DEPTH,
    BodyMember,
    Parameter,
    collect,
    compile_parameter,
    read_boolean,
)

JSON = {b"content-type": b"application/json; charset=utf-8"}
FORM = {b"content-type": b"application/x-www-form-urlencoded"}


def parameter(name: str, schema: dict[str, Any], **more: Any) -> Parameter:
    return compile_parameter({"name": name, "in": "query", "schema": schema, **more})


TIMEOUT = parameter("timeout", {"type": "integer", "format": "int32", "default": 30})
MEDIA = parameter("media", {"type": "array", "items": {"type": "string"}}, required=True)
BEEP = parameter("beep", {"type": "boolean", "default": False})
APP_ARGS = parameter("appArgs", {"type": "string"}, **{"x-python-name": "app_args"})
IF_EXISTS = parameter("ifExists", {"type": "string", "enum": ["fail", "overwrite"]})
VARIABLES = BodyMember("variables", "variables", is_required=False, holds_strings=True)


def read(
    parameters: list[Parameter],
    query: str = "",
    body: bytes = b"",
    headers: dict[bytes, bytes] | None = None,
) -> dict[str, Any]:
    request = Request("POST", "/", query, headers or {}, body, "127.0.0.1")
    return collect(parameters, [VARIABLES], None, [], request)


def test_defaults_stand_for_what_is_absent() -> None:
    assert read([TIMEOUT, BEEP, APP_ARGS]) == {"timeout": 30, "beep": False}


def test_json_body_beats_query_and_query_beats_form() -> None:
    assert read([APP_ARGS], "appArgs=q", b"appArgs=f", FORM) == {"app_args": "q"}
    assert read([APP_ARGS], "", b"appArgs=f", FORM) == {"app_args": "f"}
    body = json.dumps({"appArgs": "j"}).encode()
    assert read([APP_ARGS], "appArgs=q", body, JSON) == {"app_args": "j"}


def test_of_repeated_single_values_the_last_counts() -> None:
    assert read([APP_ARGS], "appArgs=1&appArgs=2") == {"app_args": "2"}


def test_lists_come_by_commas_repetition_or_json() -> None:
    expected = {"media": ["sound:a", "sound:b"]}
    assert read([MEDIA], "media=sound:a,sound:b") == expected
    assert read([MEDIA], "media=sound%3Aa&media=sound%3Ab") == expected
    assert read([MEDIA], "", b'{"media":["sound:a","sound:b"]}', JSON) == expected
    assert read([MEDIA], "", b'{"media":"sound:a,b"}', JSON) == {"media": ["sound:a,b"]}


def test_a_list_has_at_most_128_values() -> None:
    assert len(read([MEDIA], "media=" + ",".join("x" * 128))["media"]) == 128
    with pytest.raises(InvalidArgument, match="media: more than 128 values"):
        read([MEDIA], "media=" + ",".join("x" * 129))


@pytest.mark.parametrize("query", ["", "media=", "other=x"])
def test_a_missing_parameter_is_named(query: str) -> None:
    with pytest.raises(InvalidArgument, match="media: a value is needed"):
        read([MEDIA], query)


@pytest.mark.parametrize(("text", "number"), [("5", 5), ("-1", -1), ("+7", 7), (" 9 ", 9)])
def test_integers(text: str, number: int) -> None:
    assert read([TIMEOUT], f"timeout={text}")["timeout"] == number
    body = json.dumps({"timeout": number}).encode()
    assert read([TIMEOUT], "", body, JSON) == {"timeout": number}


@pytest.mark.parametrize("text", ["x", "1.5", "0x10", "5s", "٣", "9" * 30, "2147483648"])
def test_what_is_no_integer_is_named(text: str) -> None:
    with pytest.raises(InvalidArgument, match="timeout: "):
        read([TIMEOUT], f"timeout={text}")


@pytest.mark.parametrize("value", [1.5, True, [], {}])
def test_json_of_another_type_is_refused(value: object) -> None:
    with pytest.raises(InvalidArgument, match="timeout: an integer is needed"):
        read([TIMEOUT], "", json.dumps({"timeout": value}).encode(), JSON)


def test_empty_integer_counts_as_absent() -> None:
    assert read([TIMEOUT], "timeout=") == {"timeout": 30}


@pytest.mark.parametrize("word", ["yes", "TRUE", "y", "t", "1", "on"])
def test_words_for_true(word: str) -> None:
    assert read_boolean("beep", word) is True


@pytest.mark.parametrize("word", ["no", "False", "n", "f", "0", "off", ""])
def test_words_for_false(word: str) -> None:
    assert read_boolean("beep", word) is False


def test_other_words_are_neither() -> None:
    with pytest.raises(InvalidArgument, match="beep: 'maybe' is neither true nor false"):
        read([BEEP], "beep=maybe")


def test_enumerations_ignore_case_and_are_named_when_wrong() -> None:
    assert read([IF_EXISTS], "ifExists=Overwrite") == {"ifExists": "overwrite"}
    with pytest.raises(InvalidArgument, match="ifExists: 'x' is none of fail, overwrite"):
        read([IF_EXISTS], "ifExists=x")


def test_variables_are_strings() -> None:
    body = b'{"variables":{"A":"1"}}'
    assert read([], "", body, JSON) == {"variables": {"A": "1"}}
    for wrong in (b'{"variables":{"A":1}}', b'{"variables":[]}', b'{"variables":"x"}'):
        with pytest.raises(InvalidArgument, match="variables: "):
            read([], "", wrong, JSON)


@pytest.mark.parametrize("value", ["1", "0.5", "true", "null", "[]", "{}", '{"value": "x"}'])
def test_a_variable_that_is_no_text_is_refused_by_name(value: str) -> None:
    body = f'{{"variables":{{"GOOD":"x","BAD":{value}}}}}'.encode()
    with pytest.raises(InvalidArgument, match="variables: the value of 'BAD' has to be a string"):
        read([], "", body, JSON)


@pytest.mark.parametrize(("opening", "closing"), [(b'{"a":', b"}"), (b"[", b"]")])
def test_a_body_has_a_depth_that_it_can_be_written_with(opening: bytes, closing: bytes) -> None:
    def nested(levels: int) -> bytes:
        return b'{"timeout":1,"x":%b1%b}' % (opening * levels, closing * levels)

    assert read([TIMEOUT], "", nested(MAX_DEPTH - 1), JSON) == {"timeout": 1}
    for levels in (MAX_DEPTH, 900):
        with pytest.raises(InvalidArgument, match="body: more than 100 levels"):
            read([TIMEOUT], "", nested(levels), JSON)


def test_a_wide_body_is_not_a_deep_one() -> None:
    body = b'{"timeout":1,"x":[%b]}' % b",".join([b"{}"] * 1000)
    assert read([TIMEOUT], "", body, JSON) == {"timeout": 1}


@pytest.mark.parametrize("body", [b"{", b"[]", b'"x"', b"\xff", b"null"])
def test_a_json_body_that_is_no_object_is_refused(body: bytes) -> None:
    with pytest.raises(InvalidArgument, match="body: "):
        read([TIMEOUT], "", body, JSON)


def test_a_body_of_unknown_type_is_ignored() -> None:
    assert read([TIMEOUT], "", b"{", {b"content-type": b"text/plain"}) == {"timeout": 30}


def test_too_many_pairs_are_refused() -> None:
    with pytest.raises(InvalidArgument, match="more than 1000 parameters"):
        read([TIMEOUT], "&".join(["a=b"] * 1001))


@given(st.binary(max_size=200), st.binary(max_size=200))
def test_reading_is_total(query: bytes, body: bytes) -> None:
    text = query.decode("utf-8", "replace")
    for headers in (JSON, FORM):
        with contextlib.suppress(InvalidArgument):
            read([TIMEOUT, MEDIA, BEEP, IF_EXISTS], text, body, headers)


@given(st.text(max_size=50))
def test_decoding_gives_valid_unicode(text: str) -> None:
    decode_component(text).encode("utf-8", "surrogatepass")
    for name, value in parse_pairs(text):
        json.dumps([name, value])


def test_decoding_takes_plus_for_a_space() -> None:
    assert parse_pairs("a+b=c%20d&&e&f=%C3%A4%ff") == [("a b", "c d"), ("e", ""), ("f", "ä\ufffd")]


@pytest.mark.parametrize(
    "request_",
    [
        Request("POST", "/", "media=a%00b", {}, b"", "127.0.0.1"),
        Request("POST", "/", "", FORM, b"media=a%00b", "127.0.0.1"),
        Request("POST", "/", "", JSON, b'{"media": ["a\\u0000b"]}', "127.0.0.1"),
    ],
)
def test_nul_is_refused_and_named(request_: Request) -> None:
    """Names go on to files and to C, where it ends a text."""
    with pytest.raises(InvalidArgument, match="media"):
        collect([MEDIA], [], None, [], request_)
