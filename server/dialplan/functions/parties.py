"""Functions on who calls, who is called, and who redirected the call."""

from __future__ import annotations

from dataclasses import replace

from server.base.errors import InvalidArgument
from server.dialplan.arguments import argument, split_arguments
from server.dialplan.numbers import parse_integer
from server.dialplan.parties import (
    detail_of,
    parse_party,
    printable,
    read_party,
    with_detail,
    write_party,
)
from server.dialplan.registry import function, function_write
from server.dialplan.scope import Scope
from server.resources.channel import Channel
from server.tech.base import Party, Redirecting

# CALLERID(dnid-…): kept with the ANI, since it belongs to the dialled number
_DNID_ITEMS = {
    "dnid-num-plan": "0",
    "dnid-subaddr": "",
    "dnid-subaddr-valid": "0",
    "dnid-subaddr-type": "0",
    "dnid-subaddr-odd": "0",
}
# Q.931/DIVERSION reasons as Asterisk names them
REASONS = frozenset(
    ("away", "cf_dte", "cfb", "cfnr", "cfu", "deflection", "dnd", "follow_me", "out_of_order",
     "send_to_vm", "time_of_day", "unavailable", "unknown")
)  # fmt: skip
MAX_COUNT = 1_000_000


@function("CALLERID")
def read_caller(scope: Scope, data: str) -> str:
    """CALLERID(item[,caller id]): of who calls; with a caller id, of that one."""
    arguments = split_arguments(data)
    item = argument(arguments, 0).strip()
    key = item.lower()
    if argument(arguments, 1):
        return read_party(parse_party(arguments[1]), item)
    channel = scope.channel
    match key:
        case "rdnis":
            return channel.redirecting.from_.number
        case "dnid":
            return channel.dnid
        case "ani":
            return channel.ani.number
        case "ani2":
            return detail_of(channel.ani, "ani2", "0")
    if key in _DNID_ITEMS:
        return detail_of(channel.ani, key, _DNID_ITEMS[key])
    if key.startswith("ani-"):
        return read_party(channel.ani, key.removeprefix("ani-"))
    return read_party(channel.caller, item)


@function_write("CALLERID")
def write_caller(scope: Scope, data: str, value: str) -> None:
    """Change who calls. ``all``, ``num`` and ``name`` change ANI's number likewise, as Asterisk."""
    channel = scope.channel
    item = argument(split_arguments(data), 0).strip()
    key = item.lower()
    if key == "rdnis":
        party = replace(channel.redirecting.from_, number=printable(value))
        channel.set_redirecting(replace(channel.redirecting, from_=party))
    elif key == "dnid":
        channel.dnid = printable(value)
    elif key in ("ani", "ani2") or key.startswith("ani-") or key in _DNID_ITEMS:
        _write_ani(channel, key, value)
    else:
        changed = write_party(channel.caller, item, value)
        if key in ("all", "num", "number"):
            channel.ani = replace(channel.ani, number=changed.number)
        if changed != channel.caller:
            channel.set_caller(changed)


def _write_ani(channel: Channel, key: str, value: str) -> None:
    if key == "ani":
        channel.ani = write_party(channel.ani, "num", value)
    elif key == "ani2":
        channel.ani = with_detail(channel.ani, key, str(parse_integer(value)))
    elif key in _DNID_ITEMS:
        channel.ani = with_detail(channel.ani, key, value)
    else:
        channel.ani = write_party(channel.ani, key.removeprefix("ani-"), value)


@function("CONNECTEDLINE")
def read_connected(scope: Scope, data: str) -> str:
    """CONNECTEDLINE(item[,i]): of who the channel is connected to."""
    return read_party(scope.channel.connected, argument(split_arguments(data), 0))


@function_write("CONNECTEDLINE")
def write_connected(scope: Scope, data: str, value: str) -> None:
    """Change who the channel is connected to; with the argument ``i`` the phone isn't told."""
    arguments = split_arguments(data)
    channel = scope.channel
    changed = write_party(channel.connected, argument(arguments, 0), value)
    channel.set_connected(changed, tell_phone="i" not in argument(arguments, 1))


@function("REDIRECTING")
def read_redirecting(scope: Scope, data: str) -> str:
    """REDIRECTING(orig-item|from-item|to-item|reason|orig-reason|count[,i])."""
    redirecting = scope.channel.redirecting
    key = argument(split_arguments(data), 0).strip().lower()
    match key:
        case "reason":
            return redirecting.reason
        case "orig-reason":
            return redirecting.orig_reason
        case "count":
            return str(redirecting.count)
    side, item = _side_of(key)
    return read_party(_sides(redirecting)[side], item)


@function_write("REDIRECTING")
def write_redirecting(scope: Scope, data: str, value: str) -> None:
    """Change who redirected the call. The phones learn of it with the next call (``i`` or not)."""
    channel = scope.channel
    redirecting = channel.redirecting
    key = argument(split_arguments(data), 0).strip().lower()
    match key:
        case "reason":
            changed = replace(redirecting, reason=_reason(value))
        case "orig-reason":
            changed = replace(redirecting, orig_reason=_reason(value))
        case "count":
            count = min(MAX_COUNT, max(0, parse_integer(value)))
            changed = replace(redirecting, count=count)
        case _:
            side, item = _side_of(key)
            party = write_party(_sides(redirecting)[side], item, value)
            changed = _with_side(redirecting, side, party)
    channel.set_redirecting(changed)


def _side_of(key: str) -> tuple[str, str]:
    """Split ``priv-from-num`` into ``from`` and ``priv-num``."""
    bare = key.removeprefix("priv-")
    side, dash, item = bare.partition("-")
    if side not in ("orig", "from", "to") or not dash:
        raise InvalidArgument("item", f"{key!r} is not known")
    return side, f"priv-{item}" if bare != key else item


def _sides(redirecting: Redirecting) -> dict[str, Party]:
    return {"orig": redirecting.orig, "from": redirecting.from_, "to": redirecting.to}


def _with_side(redirecting: Redirecting, side: str, party: Party) -> Redirecting:
    if side == "orig":
        return replace(redirecting, orig=party)
    return replace(redirecting, from_=party) if side == "from" else replace(redirecting, to=party)


def _reason(value: str) -> str:
    reason = value.strip().lower()
    if reason not in REASONS:
        raise InvalidArgument("reason", f"{value!r} is not known")
    return reason
