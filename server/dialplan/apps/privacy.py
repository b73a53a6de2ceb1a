"""PrivacyManager(): who hides the number is asked for it."""

from __future__ import annotations

from dataclasses import replace

from server.dialplan.arguments import argument, split_arguments
from server.dialplan.executor import Call
from server.dialplan.media import find_prompts, play
from server.dialplan.numbers import parse_integer
from server.dialplan.registry import application

RETRIES = 3
LENGTH = 10  # digits of a number at least
MAX_LENGTH = 29
FIRST_DIGIT = 10.0  # seconds
NEXT_DIGIT = 3.2


@application("PrivacyManager")
async def privacy_manager(call: Call, data: str) -> None:
    """PrivacyManager(retries, length, options, context): sets PRIVACYMGRSTATUS.

    A caller without a number is asked for one of that many digits, which has to be an extension
    of the context, if one is given. A caller with a number is let through at once.
    """
    channel = call.channel
    if channel.caller.number:
        return
    arguments = split_arguments(data)
    retries = max(1, parse_integer(argument(arguments, 0), RETRIES))
    length = max(1, parse_integer(argument(arguments, 1), LENGTH))
    context = argument(arguments, 3).strip()
    channel.answer()
    await _say(call, "privacy-unident")
    for _attempt in range(retries):
        await _say(call, "privacy-prompt")
        number = await _collect(call)
        if len(number) >= length and (not context or call.exists(number, 1, context)):
            await _say(call, "privacy-thankyou")
            channel.set_caller(replace(channel.caller, number=number, presentation="allowed"))
            channel.variables.set("PRIVACYMGRSTATUS", "SUCCESS")
            return
        await _say(call, "privacy-incorrect")
    channel.variables.set("PRIVACYMGRSTATUS", "FAILED")


async def _say(call: Call, name: str) -> None:
    await play(call, find_prompts(call, [name])[0])


async def _collect(call: Call) -> str:
    number, timeout = "", FIRST_DIGIT
    while len(number) < MAX_LENGTH:
        digit = await call.channel.wait_digit(timeout)
        if digit is None or digit == "#":
            break
        number, timeout = number + digit, NEXT_DIGIT
    return number
