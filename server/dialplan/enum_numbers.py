"""ENUM without the DNS: names for telephone numbers, and what their NAPTR records say.

RFC 6116 for the names and records, RFC 3402 for the substitution.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from server.base.errors import InvalidArgument
from server.dialplan.posix_regex import Found, compile_regex

ENUM_SUFFIX = "e164.arpa"
INFRASTRUCTURE_LABEL = "i"  # RFC 5526's separator between country code and the rest
MAX_URI = 512  # characters

_NUMBER = re.compile(r"[0-9]")
_TWO_DIGITS = re.compile(r"2[078]|3[0-469]|4[013-9]|5[1-8]|6[0-6]|8[1246]|9[0-58]")  # E.164


@dataclass(frozen=True, slots=True)
class Naptr:
    """One NAPTR record."""

    order: int
    preference: int
    flags: str
    services: str
    regexp: str


def normalize_number(number: str) -> str:
    """Return what the expressions of records are applied to: ``+`` and the digits."""
    plus = "+" if number.lstrip().startswith("+") else ""
    return plus + "".join(_NUMBER.findall(number))


def enum_domain(number: str, options: str, suffix: str) -> str:
    """Return the name to ask for.

    :param options: of ENUMLOOKUP: ``s``, ``i`` or ``d`` change how the name is made.
    :raises InvalidArgument: there are no digits in the number.
    """
    suffix = suffix.strip(".")
    if "d" in options:
        return f"{number.strip('.')}.{suffix}"
    itad = ""
    if "s" in options:
        number, _, itad = number.partition("*")
    digits = normalize_number(number).removeprefix("+")
    if not digits or (itad and not itad.isdigit()):
        raise InvalidArgument("number", f"{number!r} has no digits")
    labels = list(reversed(digits))
    if "i" in options:
        labels.insert(len(digits) - _country_code_length(digits), INFRASTRUCTURE_LABEL)
    return ".".join([*labels, itad, suffix] if itad else [*labels, suffix])


def _country_code_length(digits: str) -> int:
    if digits[0] in "17":
        return 1
    return 2 if _TWO_DIGITS.match(digits) else min(3, len(digits))


def select(records: Iterable[Naptr], number: str, method: str) -> list[str]:
    """Return the URIs of one method (``sip``, ``tel``, …, or ``ALL``) in their order."""
    wanted = method.lower()
    wanted = "sip" if wanted == "pjsip" else wanted
    chosen = [
        record
        for record in sorted(records, key=lambda record: (record.order, record.preference))
        if record.flags.lower() in ("u", "") and (wanted == "all" or _has(record, wanted))
    ]
    return [uri for record in chosen if (uri := substitute(record.regexp, number))]


def _has(record: Naptr, method: str) -> bool:
    """Whether services such as ``E2U+sip`` or ``E2U+voice:tel+x`` name the method."""
    parts = record.services.lower().split("+")
    return any(method in part.split(":") for part in parts if part != "e2u")


def substitute(regexp: str, number: str) -> str:
    """Apply ``!expression!replacement!flags``; empty if it is malformed or does not match."""
    parts = regexp.split(regexp[:1]) if regexp else []
    if len(parts) != 4 or parts[3].lower() not in ("", "i"):
        return ""
    try:
        found = compile_regex(parts[1]).search(number)
    except InvalidArgument:
        return ""
    return "" if found is None else _replaced(parts[2], found)


def _replaced(replacement: str, found: Found) -> str:
    def group(match: re.Match[str]) -> str:
        return found.group(int(match[1])) or ""

    uri = re.sub(r"\\([1-9])", group, replacement)
    return uri if len(uri) <= MAX_URI and uri.isprintable() else ""
