"""Applications that let time pass."""

from __future__ import annotations

from server.base.errors import ChannelHungUp
from server.dialplan.arguments import argument, parse_options, split_arguments
from server.dialplan.executor import Call
from server.dialplan.numbers import parse_integer, parse_seconds
from server.dialplan.registry import application

EXTEN_OPTIONS = "md"


@application("Wait")
async def wait(call: Call, data: str) -> None:
    """Wait(seconds): digits that come meanwhile are lost."""
    seconds = parse_seconds(data)
    if seconds > 0:
        await call.channel.sleep(seconds)
        call.channel.flush_digits()


@application("WaitExten")
async def wait_for_extension(call: Call, data: str) -> str | None:
    """WaitExten(seconds, options): wait for the first digit of an extension.

    Options: ``m(class)`` music meanwhile, ``d(tone)`` a tone of indications.conf, the dial tone.
    """
    arguments = split_arguments(data)
    options = parse_options(argument(arguments, 1), EXTEN_OPTIONS, "WaitExten", call.where)
    channel = call.channel
    timeout = parse_seconds(argument(arguments, 0)) or call.state.response_timeout
    tone = None
    if "d" in options:
        tone = call.dialplan.node.tone(options.get("d", "dial"), channel.tone_zone)
    if "m" in options:
        channel.set_background("music", options.get("m", channel.music_class))
    elif tone:
        channel.set_background("tone", tone)
    try:
        digit = await channel.wait_digit(timeout)
    finally:
        if "m" in options or tone:
            channel.set_background(None)
    if digit is None and not call.exists(channel.exten, channel.priority + 1):
        call.handle_no_response()
    return digit


@application("WaitDigit")
async def wait_for_digit(call: Call, data: str) -> None:
    """WaitDigit(seconds, digits): sets WAITDIGITSTATUS and WAITDIGITRESULT."""
    arguments = split_arguments(data)
    wanted = argument(arguments, 1, "0123456789*#ABCD").upper()
    channel = call.channel
    if argument(arguments, 0) and parse_integer(arguments[0], -1) < 0:
        channel.variables.set("WAITDIGITSTATUS", "ERROR")
        return
    timeout = parse_seconds(argument(arguments, 0)) or None
    loop_time = call.dialplan.node.clock.now
    deadline = None if timeout is None else loop_time() + timeout
    while True:
        left = None if deadline is None else max(0.0, deadline - loop_time())
        try:
            digit = await channel.wait_digit(left)
        except ChannelHungUp:
            channel.variables.set("WAITDIGITSTATUS", "CANCEL")
            raise
        if digit is None or digit.upper() in wanted:
            break
    channel.variables.set("WAITDIGITSTATUS", "TIMEOUT" if digit is None else "DTMF")
    if digit is not None:
        channel.variables.set("WAITDIGITRESULT", digit)
