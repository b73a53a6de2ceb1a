"""Header fields as the dialplan reads and changes them: by name, number and prefix."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from server.base.errors import InvalidArgument, NotFound
from server.sip.grammar import is_token
from server.sip.headers import header_key
from server.sip.text import MAX_VALUE, OURS_KEYS

MAX_HEADERS = 50  # that one call may add


class HeaderList:
    """Fields in order. A name that ends in ``*`` means every name that begins so."""

    def __init__(self, items: Iterable[tuple[str, str]] = ()) -> None:
        self._items = list(items)
        self._added = 0

    def __iter__(self) -> Iterator[tuple[str, str]]:
        return iter(self._items)

    def read(self, name: str, number: int = 1) -> str | None:
        """Return the value of the field of this number, from 1, among those of a name."""
        found = [value for each, value in self._items if _fits(each, name)]
        return found[number - 1] if 1 <= number <= len(found) else None

    def names(self, prefix: str = "") -> list[str]:
        """Return every name that begins so, once."""
        lower = prefix.lower()
        return list(
            dict.fromkeys(name for name, _ in self._items if name.lower().startswith(lower))
        )

    def add(self, name: str, value: str) -> None:
        """Add a field.

        :raises InvalidArgument: no header can be named or hold this, it is one that the stack
            decides on, or there are too many.
        """
        check_header(name, value)
        if self._added >= MAX_HEADERS:
            raise InvalidArgument("headers", f"more than {MAX_HEADERS} headers")
        self._added += 1
        self._items.append((name, value))

    def update(self, name: str, value: str, number: int = 1) -> None:
        """Change the field of this number among those of a name.

        :raises NotFound: there is none.
        :raises InvalidArgument: as of :meth:`add`.
        """
        places = [at for at, (each, _) in enumerate(self._items) if _fits(each, name)]
        if not 1 <= number <= len(places):
            raise NotFound(f"there is no header {name} to update")
        at = places[number - 1]
        check_header(self._items[at][0], value)
        self._items[at] = self._items[at][0], value

    def remove(self, name: str) -> int:
        """Take every field of a name away, and return how many there were."""
        kept = [item for item in self._items if not _fits(item[0], name)]
        count = len(self._items) - len(kept)
        self._items = kept
        return count


def _fits(name: str, wanted: str) -> bool:
    if wanted.endswith("*"):
        return name.lower().startswith(wanted[:-1].lower())
    return header_key(name) == header_key(wanted)


def check_header(name: str, value: str) -> None:
    """Check a field that somebody wants to add.

    :raises InvalidArgument: no header can be named or hold this, or the stack decides on it.
    """
    if not is_token(name):
        raise InvalidArgument("name", f"{name[:40]!r} can't be a header's name")
    if header_key(name) in OURS_KEYS:
        raise InvalidArgument("name", f"{name} is not for the dialplan to set")
    if len(value) > MAX_VALUE or not value.isprintable():
        raise InvalidArgument("value", f"the value of {name} can't stand in a header")


def extra_headers(variables: Mapping[str, str]) -> list[tuple[str, str]]:
    """Read the headers that ``SIPADDHEADER…`` variables ask for.

    :raises InvalidArgument: one is not ``Name: value``.
    """
    headers = []
    for name, value in variables.items():
        if not name.upper().lstrip("_").startswith("SIPADDHEADER"):
            continue
        header, colon, content = value.partition(":")
        header = header.strip()
        if not colon or not is_token(header) or not content.isprintable():
            raise InvalidArgument(name, "expected Name: value")
        headers.append((header, content.strip()))
        if len(headers) > MAX_HEADERS:
            raise InvalidArgument(name, f"more than {MAX_HEADERS} headers")
    return headers
