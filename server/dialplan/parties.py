"""Parties as CALLERID(), CONNECTEDLINE() and REDIRECTING() read and write them."""

from __future__ import annotations

import re
from dataclasses import replace

from server.base.errors import InvalidArgument
from server.tech.base import Party

# presentations as Asterisk names them, its number of each, and the three that a Party knows
PRESENTATIONS = {
    "allowed_not_screened": (0x00, "allowed"),
    "allowed_passed_screen": (0x01, "allowed"),
    "allowed_failed_screen": (0x02, "allowed"),
    "allowed": (0x03, "allowed"),
    "prohib_not_screened": (0x20, "prohib"),
    "prohib_passed_screen": (0x21, "prohib"),
    "prohib_failed_screen": (0x22, "prohib"),
    "prohib": (0x23, "prohib"),
    "unavailable": (0x43, "unavailable"),
}
_NUMBERED = {number: name for name, (number, _) in PRESENTATIONS.items()}
_PLAIN = {
    "allowed": "allowed_not_screened",
    "prohib": "prohib_not_screened",
    "unavailable": "unavailable",
}
CHARSETS = frozenset(
    ("unknown", "iso8859-1", "withdrawn", "iso8859-2", "iso8859-3", "iso8859-4", "iso8859-5",
     "iso8859-7", "bmp", "utf8")
)  # fmt: skip
# what only the dialplan knows of a party, and what it is until it is set
_DETAILS = {
    "name-charset": "iso8859-1",
    "num-plan": "0",
    "subaddr": "",
    "subaddr-valid": "0",
    "subaddr-type": "0",
    "subaddr-odd": "0",
    "tag": "",
}
_ALIASES = {
    "number": "num",
    "ton": "num-plan",
    "num-ton": "num-plan",
    "number-plan": "num-plan",
    "number-pres": "num-pres",
    "number-valid": "num-valid",
}
_ALL = re.compile(r'\s*(?:"(?P<quoted>[^"]*)"|(?P<name>[^<"]*?))\s*(?:<(?P<number>[^>]*)>)?\s*')
PRIVATE = "priv-"  # a party's number and name inside of its own network


def parse_party(text: str) -> Party:
    """Parse ``"Name" <number>``, ``Name <number>`` or a bare number.

    :raises InvalidArgument: it is something else.
    """
    match = _ALL.fullmatch(text)
    if match is None:
        raise InvalidArgument("caller id", f'{text!r} is not "name" <number>')
    name = match["quoted"] if match["quoted"] is not None else match["name"]
    number = match["number"]
    if number is None and match["quoted"] is None and re.fullmatch(r"[0-9*#+]+", name):
        return Party(number=name)
    return Party(name=printable(name), number=printable(number or ""))


def printable(text: str) -> str:
    """Return *text* without control characters, which must not reach a header."""
    return "".join(letter for letter in text if letter.isprintable())


def parse_presentation(text: str) -> str:
    """Return the name of a presentation that is given by name or number.

    :raises InvalidArgument: there is none.
    """
    name = text.strip().lower()
    if name.isascii() and name.isdigit() and len(name) <= 3:
        name = _NUMBERED.get(int(name), "")
    if name not in PRESENTATIONS:
        raise InvalidArgument("presentation", f"{text!r} is not known")
    return name


def with_presentation(party: Party, text: str) -> Party:
    """Return a party with another presentation of both name and number.

    :raises InvalidArgument: it is not known.
    """
    name = parse_presentation(text)
    plain = replace(party, presentation=PRESENTATIONS[name][1])
    return with_detail(with_detail(plain, "num-pres", name), "name-pres", name)


def with_detail(party: Party, item: str, value: str) -> Party:
    """Return a party with one of its details changed."""
    kept = [(name, old) for name, old in party.details if name != item]
    return replace(party, details=(*kept, (item, printable(value))))


def detail_of(party: Party, item: str, default: str = "") -> str:
    """Return one of a party's details."""
    return dict(party.details).get(item, default)


def read_party(party: Party, item: str) -> str:
    """Read an item of a party, such as ``num`` or ``priv-name``.

    :raises InvalidArgument: there is no such item.
    """
    key = _key(item)
    if key.startswith(PRIVATE):
        return read_party(_private(party), key.removeprefix(PRIVATE))
    match key:
        case "all":
            return f'"{party.name}" <{party.number}>'
        case "name":
            return party.name
        case "num":
            return party.number
        case "name-valid" | "num-valid":
            return "1" if (party.name if key == "name-valid" else party.number) else "0"
        case "pres" | "num-pres" | "name-pres":
            return _shown_presentation(party, "num-pres" if key == "pres" else key)
    if key not in _DETAILS:
        raise InvalidArgument("item", f"{item!r} is not known")
    if key == "subaddr-valid" and detail_of(party, "subaddr"):
        return "1"
    return detail_of(party, key, _DETAILS[key])


def write_party(party: Party, item: str, value: str) -> Party:
    """Return a party with one item changed.

    :raises InvalidArgument: there is no such item, or it can't have this value.
    """
    key = _key(item)
    value = value.strip()
    if key.startswith(PRIVATE):
        changed = write_party(_private(party), key.removeprefix(PRIVATE), value)
        return _with_private(party, changed)
    match key:
        case "all":
            parsed = parse_party(value)
            return replace(party, name=parsed.name, number=parsed.number)
        case "name":
            return replace(party, name=printable(value))
        case "num":
            return replace(party, number=printable(value))
        case "pres":
            return with_presentation(party, value)
        case "num-pres" | "name-pres":
            return _with_one_presentation(party, key, value)
        case "name-charset":
            if value.lower() not in CHARSETS:
                raise InvalidArgument("charset", f"{value!r} is not known")
            return with_detail(party, key, value.lower())
        case "name-valid" | "num-valid":
            return _validated(party, key, value)
    if key not in _DETAILS:
        raise InvalidArgument("item", f"{item!r} can't be written")
    return with_detail(party, key, value)


def _key(item: str) -> str:
    key = item.strip().lower()
    if key.startswith(PRIVATE):
        bare = key.removeprefix(PRIVATE)
        return PRIVATE + _ALIASES.get(bare, bare)
    return _ALIASES.get(key, key)


def _shown_presentation(party: Party, key: str) -> str:
    exact = detail_of(party, key)
    # what a technology said since then counts more than what the dialplan had said
    if exact and (key == "name-pres" or PRESENTATIONS[exact][1] == party.presentation):
        return exact
    return _PLAIN.get(party.presentation, party.presentation)


def _with_one_presentation(party: Party, key: str, value: str) -> Party:
    """Change how name or number may be shown; a hidden number hides the party."""
    name = parse_presentation(value)
    changed = with_detail(party, key, name)
    hides = key == "num-pres" or PRESENTATIONS[name][1] != "allowed"
    return replace(changed, presentation=PRESENTATIONS[name][1]) if hides else changed


def _validated(party: Party, key: str, value: str) -> Party:
    if value not in ("0", "no", "false", "off"):
        return party
    return replace(party, name="") if key == "name-valid" else replace(party, number="")


def _private(party: Party) -> Party:
    """Return the private side of a party, which is kept among its details."""
    details = {
        name.removeprefix(PRIVATE): value
        for name, value in party.details
        if name.startswith(PRIVATE)
    }
    return Party(
        name=details.pop("name", ""),
        number=details.pop("num", ""),
        presentation=details.pop("presentation", "allowed"),
        details=tuple(details.items()),
    )


def _with_private(party: Party, private: Party) -> Party:
    public = [pair for pair in party.details if not pair[0].startswith(PRIVATE)]
    items = {
        "name": private.name,
        "num": private.number,
        "presentation": private.presentation,
        **dict(private.details),
    }
    added = [(PRIVATE + name, value) for name, value in items.items() if value]
    return replace(party, details=(*public, *added))
