"""CDR(): the call's record."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from server.base.errors import InvalidArgument
from server.config.types import TRUE_WORDS
from server.dialplan.arguments import argument, split_arguments
from server.dialplan.call_record import AMA_FLAGS, DISPOSITIONS, CallRecord, CallRecords
from server.dialplan.registry import function, function_write
from server.dialplan.scope import Scope

_Show = Callable[[Scope, CallRecord], str]

_TEXTS: dict[str, _Show] = {
    "clid": lambda scope, _: f'"{scope.channel.caller.name}" <{scope.channel.caller.number}>',
    "src": lambda scope, _: scope.channel.caller.number,
    "dst": lambda _, record: record.destination[1],
    "dcontext": lambda _, record: record.destination[0],
    "channel": lambda scope, _: scope.channel.name,
    "dstchannel": lambda scope, _: scope.channel.variables.get("DIALEDPEERNAME") or "",
    "lastapp": lambda _, record: record.last_application[0],
    "lastdata": lambda _, record: record.last_application[1],
    "accountcode": lambda scope, _: scope.channel.account_code,
    "peeraccount": lambda scope, record: record.peer_account or scope.channel.peer_account,
    "uniqueid": lambda scope, _: scope.channel.id,
    "linkedid": lambda scope, _: scope.channel.linkedid,
    "userfield": lambda _, record: record.user_field,
    "sequence": lambda _, record: str(record.sequence),
}
_TIMES: dict[str, Callable[[CallRecord], float | None]] = {
    "start": lambda record: record.started,
    "answer": lambda record: record.answered,
    "end": lambda record: record.ended,
}
_SPANS: dict[str, Callable[[CallRecord, float], float]] = {
    "duration": CallRecord.duration,
    "billsec": CallRecord.billed,
}
_READ_ONLY = frozenset(
    {*_TEXTS, *_TIMES, *_SPANS, "disposition"} - {"accountcode", "peeraccount", "userfield"}
)


def _record(scope: Scope) -> CallRecord:
    return scope.dialplan.part(CallRecords).of(scope.channel)


@function("CDR")
def read_record(scope: Scope, data: str) -> str:
    """CDR(name,options): a field. ``f``: seconds with fractions; ``u``: as a number, unformatted.

    What is no field of the standard set is one that the dialplan has set.
    """
    arguments = split_arguments(data, 2)
    name, options = argument(arguments, 0).strip().lower(), argument(arguments, 1)
    record = _record(scope)
    if name in _TEXTS:
        return _TEXTS[name](scope, record)
    if name in _TIMES:
        return _show_time(_TIMES[name](record), is_raw="u" in options)
    if name in _SPANS:
        seconds = _SPANS[name](record, scope.dialplan.node.clock.wall())
        return f"{seconds:f}" if "f" in options else str(int(seconds))
    if name == "disposition":
        return str(DISPOSITIONS[record.disposition]) if "u" in options else record.disposition
    if name == "amaflags":
        return str(record.ama_flags) if "u" in options else AMA_FLAGS[record.ama_flags]
    return record.variables.get(name, "")


def _show_time(seconds: float | None, *, is_raw: bool) -> str:
    if seconds is None:
        return "0.000000" if is_raw else ""
    if is_raw:
        return f"{seconds:.6f}"
    return f"{datetime.fromtimestamp(seconds).astimezone():%Y-%m-%d %H:%M:%S}"


@function_write("CDR")
def write_record(scope: Scope, data: str, value: str) -> None:
    """Set accountcode, peeraccount, userfield, amaflags, or a field of the dialplan's own."""
    name = argument(split_arguments(data, 2), 0).strip().lower()
    record = _record(scope)
    if not name or name in _READ_ONLY:
        raise InvalidArgument("name", f"{data!r} can't be written")
    if name == "accountcode":
        scope.channel.set_account_code(value)
        scope.channel.touch()
    elif name == "amaflags":
        record.ama_flags = parse_ama_flags(value)
    elif name == "userfield":
        record.user_field = value
    elif name == "peeraccount":
        record.peer_account = value
    else:
        record.set_variable(name, value)


def parse_ama_flags(text: str) -> int:
    """Read amaflags by number or name.

    :raises InvalidArgument: it is none.
    """
    word = text.strip().lower()
    names = ["none", *(name.lower() for name in AMA_FLAGS[1:])]
    if word == "default":
        return len(AMA_FLAGS) - 1
    if word in names:
        return names.index(word)
    if word.isascii() and word.isdigit() and int(word[:3]) < len(names):
        return int(word)
    raise InvalidArgument("amaflags", f"{text!r} is not known")


@function_write("CDR_PROP")
def write_property(scope: Scope, data: str, value: str) -> None:
    """CDR_PROP(party_a): prefer this channel as first party; CDR_PROP(disable): no record."""
    is_on = value.strip().lower() in TRUE_WORDS
    name = data.strip().lower()
    if name == "party_a":
        _record(scope).is_party_a = is_on
    elif name == "disable":
        _record(scope).is_disabled = is_on
    else:
        raise InvalidArgument("name", f"{data!r} is neither party_a nor disable")
