"""The lexical rules of RFC 3261 section 25.1 that the parsers share.

Every function is linear in its input and raises :class:`RemoteProtocolError` (status 400) only,
or :class:`LocalProtocolError` where it guards what we write.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from urllib.parse import quote as percent_encode
from urllib.parse import unquote_to_bytes

from server.base.errors import LocalProtocolError, RemoteProtocolError

# token = 1*(alphanum / "-" / "." / "!" / "%" / "*" / "_" / "+" / "`" / "'" / "~")
_TOKEN = r"[A-Za-z0-9\-.!%*_+`'~]+"
# quoted-string; possessive, so that an unclosed one fails in linear time
_QUOTED = r'"(?:[^"\\]++|\\.)*+"'
# gen-value = token / host / quoted-string; wider for tags of phones that use base64 ("==")
_VALUE = rf'(?:{_QUOTED}|[^\s;,"<>]+)'

is_token = re.compile(_TOKEN, re.ASCII).fullmatch
match_quoted = re.compile(_QUOTED, re.DOTALL).match
_is_value = re.compile(_VALUE, re.DOTALL).fullmatch
_match_param = re.compile(
    rf"[ \t]*;[ \t]*({_TOKEN}|\[[0-9A-Fa-f:.]+\])(?:[ \t]*=[ \t]*({_VALUE}))?[ \t]*",
    re.DOTALL,
).match
_match_list_part = re.compile(rf'{_QUOTED}|<[^>]*>|[^",<]+|,', re.DOTALL).match
_escaped_char = re.compile(r"\\(.)", re.DOTALL)
_bad_escape = re.compile(r"%(?![0-9A-Fa-f]{2})").search
_breaks_line = re.compile(r"[\r\n\0]").search

# user-unreserved and unreserved of RFC 3261 section 25.1
USER_SAFE = "-_.!~*'()&=+$,;?/"
PASSWORD_SAFE = "-_.!~*'()&=+$,"

Params = Mapping[str, str | None]


def malformed(what: str, text: str) -> RemoteProtocolError:
    """Make the error for a peer's mistake; *text* is shortened and made printable."""
    return RemoteProtocolError(f"malformed {what}: {text[:80]!r}", 400)


def check_line(what: str, text: str) -> str:
    """Return *text* if it can stand in one header line.

    :raises LocalProtocolError: it holds CR, LF or NUL.
    """
    if _breaks_line(text):
        raise LocalProtocolError(f"{what} would break out of its line: {text[:80]!r}")
    return text


def check_token(what: str, text: str) -> str:
    """Return *text* if it is a token.

    :raises LocalProtocolError: it is not.
    """
    if not is_token(text):
        raise LocalProtocolError(f"{what} is no token: {text[:80]!r}")
    return text


def parse_number(what: str, text: str, maximum: int = 2**32 - 1) -> int:
    """Parse ``1*DIGIT``; no sign, no underscore, no digits of other scripts."""
    if not (text.isascii() and text.isdigit() and len(text) <= 10):
        raise malformed(what, text)
    number = int(text)
    if number > maximum:
        raise malformed(what, text)
    return number


def split_commas(text: str) -> list[str]:
    """Split a header value at commas outside quotes and angle brackets; parts are stripped."""
    if "," not in text:
        return [text.strip(" \t")]
    if '"' not in text and "<" not in text:
        return [part.strip(" \t") for part in text.split(",")]
    parts: list[str] = []
    start = position = 0
    while position < len(text):
        match = _match_list_part(text, position)
        if match is None:
            raise malformed("list", text)
        if match.group() == ",":
            parts.append(text[start:position].strip(" \t"))
            start = match.end()
        position = match.end()
    parts.append(text[start:].strip(" \t"))
    return parts


def unquote(quoted: str) -> str:
    """Undo :func:`quote`; *quoted* includes its quotes."""
    text = quoted[1:-1]
    return _escaped_char.sub(r"\1", text) if "\\" in text else text


def quote(text: str) -> str:
    """Write a quoted-string.

    :raises LocalProtocolError: *text* holds CR, LF or NUL.
    """
    check_line("quoted string", text)
    if "\\" in text or '"' in text:
        text = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{text}"'


def parse_params(text: str) -> dict[str, str | None]:
    """Parse ``*(SEMI generic-param)``; names in lower case, quoted values keep their quotes."""
    params: dict[str, str | None] = {}
    position, end = 0, len(text)
    while position < end:
        match = _match_param(text, position)
        if match is None:
            if text[position:].strip(" \t"):
                raise malformed("parameter", text[position:])
            break
        name, value = match.groups()
        name = name.lower()
        if name in params:
            raise malformed("parameter (given twice)", text)
        params[name] = value
        position = match.end()
    return params


def format_params(params: Params) -> str:
    """Write parameters.

    :raises LocalProtocolError: a name is no token or a value is neither token nor quoted-string.
    """
    text = ""
    for name, value in params.items():
        if value is None:
            text += f";{name}"
        elif _is_value(value):
            text += f";{name}={value}"
        else:
            raise LocalProtocolError(f"parameter {name} can't be written: {value[:80]!r}")
    return check_line("parameters", text)


def unescape(what: str, text: str) -> str:
    """Undo percent-encoding.

    :raises RemoteProtocolError: a bad escape, or the bytes are no UTF-8.
    """
    if "%" not in text:
        return text
    if _bad_escape(text):
        raise malformed(what, text)
    try:
        return unquote_to_bytes(text).decode()
    except UnicodeError:
        raise malformed(what, text) from None


def escape(text: str, safe: str = USER_SAFE) -> str:
    """Percent-encode what may not stand in a user part."""
    try:
        return percent_encode(text, safe=safe)
    except UnicodeError:
        raise LocalProtocolError(f"can't be written as UTF-8: {text[:80]!r}") from None
