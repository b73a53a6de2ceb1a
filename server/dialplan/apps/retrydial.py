"""RetryDial(): Dial() until somebody answers."""

from __future__ import annotations

from server.dialplan.apps.dial import OPTIONS, run_dial
from server.dialplan.arguments import Options, argument, parse_options, split_arguments
from server.dialplan.executor import Call
from server.dialplan.media import find_prompts, play_interruptibly
from server.dialplan.numbers import parse_integer, parse_seconds
from server.dialplan.registry import application

DEFAULT_SLEEP = 10.0  # seconds
FINAL = frozenset(("ANSWER", "CANCEL", "INVALIDARGS", "DONTCALL", "TORTURE"))
DIGITS = "0123456789*#"


@application("RetryDial")
async def retry_dial(call: Call, data: str) -> None:
    """RetryDial(announce, sleep, retries, Dial's arguments...).

    Between two attempts the caller hears *announce* and waits *sleep* seconds, with music if the
    dialling has option ``m``. With option ``d`` a digit leaves for that extension. 0 or no
    *retries*: without end.
    """
    arguments = split_arguments(data)
    if len(arguments) < 4:
        call.report("RetryDial requires announce, sleep, retries and what to dial")
        return
    announce = arguments[0]
    pause = parse_seconds(arguments[1]) or DEFAULT_SLEEP
    left = parse_integer(arguments[2]) or -1
    dial_arguments = arguments[3:]
    options = parse_options(argument(dial_arguments, 2), OPTIONS, "RetryDial", call.where)
    channel = call.channel
    while left:
        await run_dial(call, dial_arguments)
        left -= 1
        if call.has_jumped or channel.variables.get("DIALSTATUS") in FINAL or not left:
            return
        if await _pause(call, announce, pause, options):
            return


async def _pause(call: Call, announce: str, seconds: float, options: Options) -> bool:
    """Let time pass; tell whether the caller went elsewhere."""
    channel = call.channel
    digit: str | None = None
    leaves = DIGITS if "d" in options else ""
    if announce:
        sources, _missing = find_prompts(call, [announce])
        digit = (await play_interruptibly(call, sources, leaves))[1]
    if not digit:
        if "m" in options:
            channel.set_background("music", options.get("m", channel.music_class))
        try:
            if leaves:
                digit = await channel.wait_digit(seconds)
            else:
                await channel.sleep(seconds)
        finally:
            channel.set_background(None)
    context = call.get("EXITCONTEXT") or channel.context
    if digit and leaves and call.exists(digit, 1, context):
        call.jump(context, digit, 1)
        return True
    return False
