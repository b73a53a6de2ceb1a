"""Applications that send something to the far end or to those who listen to events."""

from __future__ import annotations

from collections.abc import Callable

from server.base.errors import InvalidArgument, ServerError
from server.dialplan.arguments import argument, parse_options, split_arguments
from server.dialplan.executor import Call
from server.dialplan.numbers import parse_integer
from server.dialplan.registry import application
from server.model import events

DEFAULT_GAP_MS = 250
DEFAULT_DIGIT_MS = 100
MAX_MS = 60_000
MAX_DIGITS = 256
MAX_STORED = 4_096  # digits of StoreDTMF
DTMF_OPTIONS = "a"
DIGITS = frozenset("0123456789*#ABCD")
PAUSE = 0.5  # seconds, for each w


@application("SendDTMF")
async def send_dtmf(call: Call, data: str) -> None:
    """SendDTMF(digits, gap ms, duration ms, channel, options): send digits; ``w`` is a pause.

    Option ``a``: answer first.
    """
    arguments = split_arguments(data)
    channel = call.channel
    if other := argument(arguments, 3):
        found = call.dialplan.node.registry.find(other)
        if found is None:
            raise InvalidArgument("channel", f"there is no channel {other}")
        channel = found
    if "a" in parse_options(argument(arguments, 4), DTMF_OPTIONS, "SendDTMF", call.where):
        channel.answer()
    gap = min(parse_integer(argument(arguments, 1)) or DEFAULT_GAP_MS, MAX_MS)
    duration = min(parse_integer(argument(arguments, 2)) or DEFAULT_DIGIT_MS, MAX_MS)
    if gap <= 0 or duration <= 0:
        raise InvalidArgument("SendDTMF", "times must be greater than 0")
    for index, digits in enumerate(_groups(argument(arguments, 0))):
        if index:
            await call.channel.sleep(PAUSE)
        if digits:
            sent = channel.leg.send_dtmf(
                digits, before_ms=0, between_ms=gap, duration_ms=duration, after_ms=gap
            )
            await call.channel.wait(sent)


def _groups(text: str) -> list[str]:
    """Return the digits between pauses.

    :raises InvalidArgument: there is something else, or nothing.
    """
    groups = text.upper().split("W")
    if not any(groups) or len(text) > MAX_DIGITS or not set().union(*groups) <= DIGITS:
        raise InvalidArgument("digits", f"1 to {MAX_DIGITS} of 0-9 * # A-D and w are needed")
    return groups


@application("StoreDTMF")
def store_dtmf(call: Call, data: str) -> None:
    """StoreDTMF(variable, direction): append the digits that come (``rx``) to a variable.

    ``remove`` ends it. Digits that are sent (``tx``) are not known here.
    """
    arguments = split_arguments(data)
    variable, direction = argument(arguments, 0), argument(arguments, 1).strip().lower()
    observers, state = call.channel.digit_observers, call.state
    if direction not in ("rx", "remove") or not variable:
        call.report("StoreDTMF requires a variable, and rx or remove")
        return
    if state.stored_digits in observers:
        observers.remove(state.stored_digits)
    state.stored_digits = None
    if direction == "rx":
        state.stored_digits = _digit_writer(call, variable)
        observers.append(state.stored_digits)


def _digit_writer(call: Call, variable: str) -> Callable[[str], None]:
    def write(digit: str) -> None:
        call.set(variable, ((call.get(variable) or "") + digit)[:MAX_STORED])

    call.set(variable, "")
    return write


@application("Flash")
def flash(call: Call, data: str) -> None:
    """Flash(): a hook flash, which only analogue trunks have."""
    call.report(f"Flash: {call.channel.name} is no analogue trunk")


@application("UserEvent")
def user_event(call: Call, data: str) -> None:
    """UserEvent(name, key:value, ...): an event to all who follow this channel."""
    name, *pairs = split_arguments(data) or [""]
    if not name:
        call.report("UserEvent requires a name")
        return
    values: dict[str, object] = {}
    for pair in pairs:
        key, _, value = pair.partition(":")
        values[key.strip()] = value.strip()
    channel = call.channel
    channel.publish(
        events.channel_userevent(
            eventname=name.strip(), channel=channel.snapshot(), userevent=values
        )
    )


@application("RaiseException")
def raise_exception(call: Call, data: str) -> None:
    """RaiseException(reason): go to the ``e`` extension."""
    call.raise_exception(data.strip())


@application("Transfer")
def transfer(call: Call, data: str) -> None:
    """Transfer([technology/]destination): send the far end elsewhere; sets TRANSFERSTATUS."""
    channel = call.channel
    technology, slash, destination = data.strip().partition("/")
    if not slash:
        technology, destination = channel.endpoint[0], data.strip()
    status = "SUCCESS"
    if not destination:
        call.report("Transfer requires a destination")
        status = "FAILURE"
    elif technology.lower() != channel.endpoint[0].lower():
        status = "FAILURE"
    else:
        try:
            channel.leg.redirect(destination)
        except ServerError as error:
            call.report(f"Transfer: {error}")
            status = "UNSUPPORTED"
    channel.variables.set("TRANSFERSTATUS", status)
