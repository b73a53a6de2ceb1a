"""Parameters: where Asterisk looks for them, and how their text is read.

A parameter is taken from the query, else from a form in the body; a top-level member of a JSON
body of the same name wins over both. Values that can't be what the API says are refused and
named, where Asterisk would read zero or false.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from server.base.errors import InvalidArgument
from server.http.messages import FORM, JSON, Request, parse_pairs

MAX_VALUES = 128  # of a parameter that takes a list, as in Asterisk
MAX_DEPTH = 100  # of objects and lists in a body; orjson writes 254, an event adds its own

TRUE_WORDS = frozenset({"yes", "true", "y", "t", "1", "on"})
FALSE_WORDS = frozenset({"no", "false", "n", "f", "0", "off", ""})

_INTEGER = re.compile(r"[ \t]*[+-]?[0-9]{1,18}[ \t]*\Z")
_BITS = {"int32": 32, "int64": 64}


@dataclass(frozen=True, slots=True)
class Parameter:
    """A parameter of the path or query.

    :param read: turns its text into a value, or raises :class:`InvalidArgument`.
    :param read_json: the same for a JSON value.
    :param is_list: values are separated by commas.
    :param default: what stands for an absent one; ``None`` to leave it to the resource.
    """

    name: str
    python_name: str
    is_path: bool
    is_required: bool
    is_list: bool
    default: Any
    read: Callable[[str], Any]
    read_json: Callable[[Any], Any]


@dataclass(frozen=True, slots=True)
class BodyMember:
    """A JSON object or list inside the JSON body, such as ``variables``.

    :param holds_strings: its values have to be strings.
    :param item_names: it is a list of objects, each with these members, which are strings.
    """

    name: str
    python_name: str
    is_required: bool
    holds_strings: bool
    item_names: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class WholeBody:
    """A JSON body that is one parameter."""

    python_name: str


def compile_parameter(described: Mapping[str, Any]) -> Parameter:
    """Prepare the reading of a parameter from its OpenAPI description."""
    name = described["name"]
    schema = described["schema"]
    is_list = schema["type"] == "array"
    is_path = described["in"] == "path"
    # A name in the path is looked up, and not found; what gives it to something new refuses it.
    read = str if is_path else _reader(name, schema["items"] if is_list else schema)
    return Parameter(
        name=name,
        python_name=described.get("x-python-name", name),
        is_path=is_path,
        is_required=described.get("required", False),
        is_list=is_list,
        default=schema.get("default"),
        read=_list_reader(name, read) if is_list else read,
        read_json=_json_list_reader(name, read) if is_list else _json_reader(name, schema, read),
    )


def collect(
    parameters: Sequence[Parameter],
    members: Sequence[BodyMember],
    whole: WholeBody | None,
    path_values: Sequence[str],
    request: Request,
) -> dict[str, Any]:
    """Return the keywords for an operation's handler; absent parameters are left out.

    :raises InvalidArgument: one is missing or wrong.
    """
    texts = _Texts(request)
    body = _json_body(request)
    keywords: dict[str, Any] = {}
    path_position = 0
    for parameter in parameters:
        if parameter.is_path:
            value = parameter.read(path_values[path_position])
            path_position += 1
        elif body is not None and parameter.name in body and whole is None:
            value = parameter.read_json(body[parameter.name])
        else:
            text = texts.get(parameter)
            value = None if text is None else parameter.read(text)
        if value is None:
            value = parameter.default
        if value is not None:
            keywords[parameter.python_name] = value
        if parameter.is_required and value in (None, "", []):
            raise InvalidArgument(parameter.name, "a value is needed")
    for member in members:
        _collect_member(member, body, keywords)
    if whole is not None:
        keywords[whole.python_name] = body
    return keywords


class _Texts:
    """Names and values of the query and of a form: the query wins, else the last value.

    A parameter that takes a list gets every value of the place that it is taken from.
    """

    def __init__(self, request: Request) -> None:
        try:
            self._query = parse_pairs(request.query)
            self._form = _form(request)
        except ValueError as failure:
            raise InvalidArgument("query", str(failure)) from None
        self._last = dict(self._form + self._query) if self._form else dict(self._query)

    def get(self, parameter: Parameter) -> str | None:
        text = self._last.get(parameter.name)
        if text is None or not parameter.is_list:
            return text
        for pairs in (self._query, self._form):
            if values := [value for name, value in pairs if name == parameter.name]:
                return ",".join(values)
        return text


def _form(request: Request) -> list[tuple[str, str]]:
    if not request.body or not _is_type(request, FORM):
        return []
    return parse_pairs(request.body.decode("utf-8", "replace").strip())


def _json_body(request: Request) -> dict[str, Any] | None:
    if not request.body or not _is_type(request, JSON):
        return None
    try:
        body = orjson.loads(request.body)
    except orjson.JSONDecodeError as failure:
        raise InvalidArgument("body", f"no JSON: {failure}") from None
    if not isinstance(body, dict):
        raise InvalidArgument("body", "a JSON object is needed")
    if request.body.count(b"{") + request.body.count(b"[") > MAX_DEPTH:
        _check_depth(body)
    return body


def _check_depth(body: dict[str, Any]) -> None:
    """Refuse what could be read, but never be written into an event."""
    level: list[Any] = [body]
    for _ in range(MAX_DEPTH):
        inner = [item for value in level for item in _items(value)]
        level = [item for item in inner if isinstance(item, (dict, list))]
        if not level:
            return
    raise InvalidArgument("body", f"more than {MAX_DEPTH} levels of objects and lists")


def _items(value: dict[str, Any] | list[Any]) -> Iterable[Any]:
    return value.values() if isinstance(value, dict) else value


def _is_type(request: Request, content_type: bytes) -> bool:
    given = request.headers.get(b"content-type", b"")
    return given.partition(b";")[0].strip().lower() == content_type


def _collect_member(
    member: BodyMember, body: dict[str, Any] | None, keywords: dict[str, Any]
) -> None:
    value = None if body is None else body.get(member.name)
    if value is None:
        if member.is_required:
            raise InvalidArgument(member.name, "a JSON object is needed")
        return
    if member.item_names:
        _check_items(member, value)
    elif not isinstance(value, dict):
        raise InvalidArgument(member.name, "a JSON object is needed")
    if member.holds_strings:
        for key, item in value.items():
            if not isinstance(item, str):
                raise InvalidArgument(member.name, f"the value of {key!r} has to be a string")
    keywords[member.python_name] = value


def _check_items(member: BodyMember, value: Any) -> None:
    names = member.item_names
    if not isinstance(value, list) or not all(
        isinstance(item, dict) and all(isinstance(item.get(name), str) for name in names)
        for item in value
    ):
        wanted = " and ".join(names)
        raise InvalidArgument(member.name, f"a list of objects with texts {wanted} is needed")


def _reader(name: str, schema: Mapping[str, Any]) -> Callable[[str], Any]:
    match schema["type"]:
        case "integer":
            return _integer_reader(name, schema)
        case "boolean":
            return lambda text: read_boolean(name, text)
        case _ if "enum" in schema:
            return _enum_reader(name, schema["enum"])
    return _text_reader(name)


def _text_reader(name: str) -> Callable[[str], str]:
    def read(text: str) -> str:
        if "\0" in text:
            raise InvalidArgument(name, "NUL can't be part of a text")
        return text

    return read


def _integer_reader(name: str, schema: Mapping[str, Any]) -> Callable[[str], int | None]:
    bits = _BITS[schema["format"]]
    least = schema.get("minimum", -(1 << (bits - 1)))
    most = schema.get("maximum", (1 << (bits - 1)) - 1)

    def read(text: str) -> int | None:
        if not text:
            return None
        if not _INTEGER.match(text):
            raise InvalidArgument(name, f"{_shorten(text)} is no integer")
        number = int(text)
        if not least <= number <= most:
            raise InvalidArgument(name, f"{number} is not between {least} and {most}")
        return number

    return read


def read_boolean(name: str, text: str) -> bool:
    """Read the words that Asterisk takes for true and false.

    :raises InvalidArgument: it is none of them.
    """
    word = text.strip().lower()
    if word in TRUE_WORDS:
        return True
    if word in FALSE_WORDS:
        return False
    raise InvalidArgument(name, f"{_shorten(text)} is neither true nor false")


def _enum_reader(name: str, values: Sequence[str]) -> Callable[[str], str | None]:
    by_lower = {value.lower(): value for value in values}

    def read(text: str) -> str | None:
        if not text:
            return None
        value = by_lower.get(text.lower())
        if value is None:
            raise InvalidArgument(name, f"{_shorten(text)} is none of {', '.join(values)}")
        return value

    return read


def _list_reader(name: str, read: Callable[[str], Any]) -> Callable[[str], list[Any]]:
    def read_list(text: str) -> list[Any]:
        return _checked(name, [read(item) for item in text.split(",")] if text else [])

    return read_list


def _json_list_reader(name: str, read: Callable[[str], Any]) -> Callable[[Any], list[Any]]:
    def read_list(value: Any) -> list[Any]:
        items = value if isinstance(value, list) else [value]
        if not all(isinstance(item, str) for item in items):
            raise InvalidArgument(name, "a list of strings is needed")
        return _checked(name, [read(item) for item in items])

    return read_list


def _checked(name: str, values: list[Any]) -> list[Any]:
    if len(values) > MAX_VALUES:
        raise InvalidArgument(name, f"more than {MAX_VALUES} values")
    return values


def _json_reader(
    name: str, schema: Mapping[str, Any], read: Callable[[str], Any]
) -> Callable[[Any], Any]:
    kind = schema["type"]

    def read_json(value: Any) -> Any:
        if isinstance(value, str):
            return read(value)
        if kind == "boolean" and isinstance(value, bool):
            return value
        if kind == "integer" and isinstance(value, int) and not isinstance(value, bool):
            return read(str(value))
        if value is None:
            return None
        article = "an" if kind == "integer" else "a"
        raise InvalidArgument(name, f"{article} {kind} is needed")

    return read_json


def _shorten(text: str) -> str:
    return repr(text if len(text) <= 64 else f"{text[:61]}...")
