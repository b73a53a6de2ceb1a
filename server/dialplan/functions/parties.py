"""Functions on who calls and who is called."""

from __future__ import annotations

import re
from dataclasses import replace

from server.base.errors import InvalidArgument
from server.dialplan.arguments import argument, split_arguments
from server.dialplan.registry import function, function_write
from server.dialplan.scope import Scope
from server.tech.base import Party

# presentations as Asterisk names them, and the three that a Party knows
_PRESENTATIONS = {
    "allowed": "allowed",
    "allowed_not_screened": "allowed",
    "allowed_passed_screen": "allowed",
    "allowed_failed_screen": "allowed",
    "prohib": "prohib",
    "prohib_not_screened": "prohib",
    "prohib_passed_screen": "prohib",
    "prohib_failed_screen": "prohib",
    "unavailable": "unavailable",
}
_SHOWN = {
    "allowed": "allowed_not_screened",
    "prohib": "prohib_not_screened",
    "unavailable": "unavailable",
}
_ALL = re.compile(r'\s*(?:"(?P<quoted>[^"]*)"|(?P<name>[^<"]*?))\s*(?:<(?P<number>[^>]*)>)?\s*')


def parse_party(text: str) -> Party:
    """Parse ``"Name" <number>``, ``Name <number>`` or a bare number."""
    match = _ALL.fullmatch(text)
    if match is None:
        raise InvalidArgument("caller id", f'{text!r} is not "name" <number>')
    name = match["quoted"] if match["quoted"] is not None else match["name"]
    number = match["number"]
    if number is None and match["quoted"] is None and re.fullmatch(r"[0-9*#+]+", name):
        return Party(number=name)
    return Party(name=_printable(name), number=_printable(number or ""))


def _printable(text: str) -> str:
    """Return *text* without control characters, which must not reach a header."""
    return "".join(letter for letter in text if letter.isprintable())


def _read(party: Party, item: str) -> str:
    key = item.strip().lower().removeprefix("ani-")
    if key == "all":
        return f'"{party.name}" <{party.number}>'
    if key == "name":
        return party.name
    if key in ("num", "number"):
        return party.number
    if key in ("pres", "name-pres", "num-pres"):
        return _SHOWN.get(party.presentation, party.presentation)
    if key in ("name-valid", "num-valid"):
        return "1" if (party.name if key == "name-valid" else party.number) else "0"
    raise InvalidArgument("item", f"{item!r} is not supported")


def _written(party: Party, item: str, value: str) -> Party:
    key = item.strip().lower()
    if key == "all":
        return replace(parse_party(value), presentation=party.presentation)
    if key == "name":
        return replace(party, name=_printable(value))
    if key in ("num", "number"):
        return replace(party, number=_printable(value))
    if key in ("pres", "name-pres", "num-pres"):
        presentation = _PRESENTATIONS.get(value.strip().lower())
        if presentation is None:
            raise InvalidArgument("presentation", f"{value!r} is not known")
        return replace(party, presentation=presentation)
    raise InvalidArgument("item", f"{item!r} can't be written")


@function("CALLERID")
def read_caller(scope: Scope, data: str) -> str:
    """CALLERID(all|name|num|pres|ANI-num|RDNIS...)."""
    item = argument(split_arguments(data), 0)
    if item.lower() == "rdnis":
        return scope.channel.rdnis
    return _read(scope.channel.caller, "num" if item.lower() == "ani" else item)


@function_write("CALLERID")
def write_caller(scope: Scope, data: str, value: str) -> None:
    """Change who calls."""
    channel = scope.channel
    item = argument(split_arguments(data), 0)
    if item.lower() == "rdnis":
        channel.rdnis = _printable(value)
        channel.touch()
        return
    changed = _written(channel.caller, item, value)
    if changed != channel.caller:
        channel.set_caller(changed)


@function("CONNECTEDLINE")
def read_connected(scope: Scope, data: str) -> str:
    """CONNECTEDLINE(all|name|num|pres)."""
    return _read(scope.channel.connected, argument(split_arguments(data), 0))


@function_write("CONNECTEDLINE")
def write_connected(scope: Scope, data: str, value: str) -> None:
    """Change who the channel is connected to; with the argument ``i`` the phone isn't told."""
    arguments = split_arguments(data)
    channel = scope.channel
    changed = _written(channel.connected, argument(arguments, 0), value)
    channel.set_connected(changed, tell_phone="i" not in argument(arguments, 1))
