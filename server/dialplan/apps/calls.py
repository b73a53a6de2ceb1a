"""Applications that answer, announce and end calls."""

from __future__ import annotations

from server.base.causes import Cause
from server.base.errors import ChannelHungUp
from server.dialplan.arguments import argument, parse_options, split_arguments
from server.dialplan.executor import Call
from server.dialplan.numbers import parse_seconds
from server.dialplan.registry import application

ANSWER_OPTIONS = "i"


@application("Answer")
async def answer(call: Call, data: str) -> None:
    """Answer(delay ms, options): answer, and wait a moment.

    Option ``i`` is to answer without waiting for audio, as is always done here.
    """
    channel = call.channel
    was_up = channel.state == "Up"
    channel.answer()
    if not data:
        return
    arguments = split_arguments(data)
    delay = parse_seconds(argument(arguments, 0)) / 1000
    parse_options(argument(arguments, 1), ANSWER_OPTIONS, "Answer", call.where)
    if delay > 0 and not was_up:
        await channel.sleep(delay)


@application("Hangup")
def hangup(call: Call, data: str) -> None:
    """Hangup(cause): end the call with a Q.850 cause, by number or name."""
    cause = call.channel.hangup_cause or Cause.NORMAL_CLEARING
    text = data.strip()
    if text:
        found = find_cause(text)
        if found is None:
            call.report(f"Hangup: invalid cause {text!r}")
        else:
            cause = found
    raise ChannelHungUp(cause)


def find_cause(text: str) -> int | None:
    """Return a Q.850 cause by its number or its name without ``AST_CAUSE_``."""
    if text.isascii() and text.isdigit() and len(text) <= 3 and int(text) <= 127:
        return int(text)
    name = text.upper().removeprefix("AST_CAUSE_")
    alias = {"NORMAL": "NORMAL_CLEARING", "BUSY": "USER_BUSY", "NOANSWER": "NO_ANSWER",
             "CONGESTION": "NORMAL_CIRCUIT_CONGESTION"}  # fmt: skip
    return Cause.__members__.get(alias.get(name, name))


@application("Progress")
def progress(call: Call, data: str) -> None:
    """Progress(): open early media."""
    call.channel.progress()


@application("Ringing")
def ringing(call: Call, data: str) -> None:
    """Ringing(): tell the caller that it rings; an answered one hears the tone."""
    channel = call.channel
    if channel.state == "Up":
        tone = call.dialplan.node.tone("ring", channel.tone_zone)
        channel.set_background("tone" if tone else "silence", tone or "")
    else:
        channel.ring()


@application("Busy")
async def busy(call: Call, data: str) -> None:
    """Busy(timeout): refuse as busy; an answered caller hears the tone so long."""
    await call.refuse(Cause.USER_BUSY, "busy", parse_seconds(data) or None)


@application("Congestion")
async def congestion(call: Call, data: str) -> None:
    """Congestion(timeout): refuse for lack of capacity; as :func:`busy`."""
    cause = Cause.NORMAL_CIRCUIT_CONGESTION
    await call.refuse(cause, "congestion", parse_seconds(data) or None)
