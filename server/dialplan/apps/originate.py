"""Originate(), and ChanIsAvail()."""

from __future__ import annotations

from server.base.causes import Cause
from server.base.errors import InvalidArgument, NotFound, ServerError
from server.dialplan.apps.subroutines import run_subroutine
from server.dialplan.arguments import Options, argument, parse_options, split_arguments
from server.dialplan.dialling import subroutine_of
from server.dialplan.executor import Call
from server.dialplan.numbers import parse_integer, parse_seconds
from server.dialplan.originate import DEFAULT_TIMEOUT, Destination, OriginatedCall, Origination
from server.dialplan.registry import application
from server.resources.dialing import DialStatus
from server.tech.base import Party

ORIGINATE_OPTIONS = "abBcCnv"
CHANISAVAIL_OPTIONS = "ast"
MAX_VARIABLES = 100
MAX_TARGETS = 128
_STATUS = {
    DialStatus.ANSWER: "SUCCESS",
    DialStatus.BUSY: "BUSY",
    DialStatus.CONGESTION: "CONGESTION",
    DialStatus.CHANUNAVAIL: "CONGESTION",
    DialStatus.NOANSWER: "RINGING",
    DialStatus.CANCEL: "HANGUP",
}
# device states as AVAILSTATUS has them
UNKNOWN, NOT_INUSE, INUSE, INVALID, UNAVAILABLE = 0, 1, 2, 4, 5


@application("Originate")
async def originate(call: Call, data: str) -> None:
    """Originate(Technology/resource, app|exten, arg1, arg2, arg3, timeout, options).

    ``app``: application and its arguments; ``exten``: context, extension, priority. Waits for the
    answer and sets ORIGINATE_STATUS.

    Options: ``a`` don't wait; ``b``, ``B`` subroutines on the new and on this channel first;
    ``c(number)``, ``n(name)`` who calls; ``C(codec&codec)``; ``v(name=value^...)`` variables.
    """
    arguments = split_arguments(data)
    options = parse_options(argument(arguments, 6), ORIGINATE_OPTIONS, "Originate", call.where)
    variables = call.channel.variables
    variables.set("ORIGINATE_STATUS", "UNKNOWN")
    try:
        origination = _origination(call, arguments, options)
        if "B" in options:
            await run_subroutine(call, subroutine_of(options.get("B")))
        made = OriginatedCall(call.dialplan, origination)
    except ServerError as error:
        call.report(f"Originate: {error}")
        variables.set("ORIGINATE_STATUS", "FAILED")
        return
    if "a" in options:
        variables.set("ORIGINATE_STATUS", "SUCCESS")
        return
    status = await call.channel.wait(made.outcome)
    variables.set("ORIGINATE_STATUS", _STATUS.get(status, "UNKNOWN"))


def _origination(call: Call, arguments: list[str], options: Options) -> Origination:
    kind, first = argument(arguments, 1).strip().lower(), argument(arguments, 2)
    if kind not in ("app", "exten") or not first:
        raise InvalidArgument("type", "expected app or exten, and what it names")
    second, third = argument(arguments, 3), argument(arguments, 4)
    if kind == "app":
        destination = Destination(application=first, data=second)
        if first.strip().lower() not in call.dialplan.registry.applications:
            raise InvalidArgument("arg1", f"there is no application {first!r}")
    else:
        destination = Destination(
            context=first, exten=second or "s", priority=max(1, parse_integer(third, 1))
        )
    return Origination(
        endpoint=argument(arguments, 0),
        destination=destination,
        timeout=parse_seconds(argument(arguments, 5)) or DEFAULT_TIMEOUT,
        caller=Party(options.get("n"), options.get("c")),
        variables=_variables(options.get("v")),
        formats=[name.strip() for name in options.get("C").replace("&", ",").split(",") if name],
        requestor=call.channel,
        predial=subroutine_of(options.get("b")),
    )


def _variables(text: str) -> dict[str, str]:
    pairs = [pair.partition("=") for pair in text.split("^")[:MAX_VARIABLES] if pair]
    return {name.strip(): value for name, equals, value in pairs if equals and name.strip()}


@application("ChanIsAvail")
def channel_is_available(call: Call, data: str) -> None:
    """ChanIsAvail(Technology/Resource&..., options): sets AVAILCHAN, AVAILORIGCHAN and more.

    Options: ``a`` look at all of them; ``s`` one that is in use counts as not available; ``t``
    only look whether there are calls.
    """
    arguments = split_arguments(data)
    options = parse_options(argument(arguments, 1), CHANISAVAIL_OPTIONS, "ChanIsAvail", call.where)
    targets = [each.strip() for each in argument(arguments, 0).split("&")[:MAX_TARGETS]]
    available: list[tuple[str, str]] = []
    states: list[int] = []
    cause = 0
    for target in filter(None, targets):
        name, state, reason = _look(call, target, options)
        states.append(state)
        cause = reason or cause
        if name:
            available.append((name, target))
            if "a" not in options:
                break
    variables = call.channel.variables
    variables.set("AVAILCHAN", "&".join(name for name, _target in available))
    variables.set("AVAILORIGCHAN", "&".join(target for _name, target in available))
    shown = states if "a" in options else states[-1:]
    variables.set("AVAILSTATUS", "&".join(map(str, shown or [UNKNOWN])))
    variables.set("AVAILCAUSECODE", str(cause))


def _look(call: Call, target: str, options: Options) -> tuple[str, int, int]:
    """Return the name of a channel that could be made, the device's state, and the cause."""
    technology, _, resource = target.partition("/")
    node = call.channel.node
    device = resource.partition("/")[0]
    found = call.dialplan.dialer.technology(technology)
    is_used = found is not None and bool(node.registry.of_endpoint(found.name, device))
    state = INUSE if is_used else NOT_INUSE
    if is_used and ("s" in options or "t" in options):
        return "", state, 0
    if "t" in options:
        return target, state, 0
    try:
        channel = call.dialplan.dialer.create_outgoing(target, requestor=call.channel)
    except (NotFound, InvalidArgument) as error:
        is_known = isinstance(error, NotFound)
        return "", UNAVAILABLE if is_known else INVALID, Cause.NO_ROUTE_DESTINATION
    except ServerError:
        return "", state, Cause.NORMAL_CIRCUIT_CONGESTION
    name = channel.name
    channel.hangup(Cause.NORMAL_CLEARING)
    return name, state, 0
