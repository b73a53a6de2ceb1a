"""Applications that ask the caller for digits."""

from __future__ import annotations

from server.dialplan.arguments import argument, parse_options, split_arguments
from server.dialplan.executor import Call
from server.dialplan.media import (
    ALL_DIGITS,
    find_prompts,
    play_unless_typed,
    prepare,
    split_names,
)
from server.dialplan.numbers import parse_integer, parse_seconds
from server.dialplan.registry import application
from server.media.streams import Source, ToneSource

MAX_DIGITS = 255
BACKGROUND_OPTIONS = "snmp"
READ_OPTIONS = "sinte"
READ_EXTEN_OPTIONS = "sinp"


@application("BackGround")
async def background(call: Call, data: str) -> str | None:
    """BackGround(files, options, language, context): play, and let a digit begin an extension.

    Options: ``s`` skip unless answered, ``n`` don't answer, ``m`` only digits that are an
    extension of one digit interrupt, ``p`` digits don't interrupt.
    """
    arguments = split_arguments(data)
    options = parse_options(argument(arguments, 1), BACKGROUND_OPTIONS, "BackGround", call.where)
    channel = call.channel
    if not prepare(call, skips="s" in options, answers="n" not in options):
        return None
    context = argument(arguments, 3, channel.context)
    sources, missing = find_prompts(
        call, split_names(argument(arguments, 0)), argument(arguments, 2)
    )
    stop_digits = ALL_DIGITS
    if "m" in options:
        stop_digits = "".join(d for d in ALL_DIGITS if call.exists(d, 1, context))
    elif "p" in options:
        stop_digits = ""
    is_complete, digit = await play_unless_typed(call, sources, stop_digits)
    is_success = is_complete and not missing
    channel.variables.set("BACKGROUNDSTATUS", "SUCCESS" if is_success else "FAILED")
    if digit and context != channel.context:
        exten = await call.collect(digit, call.state.digit_timeout, context)
        call.jump(context, exten, 1)
        return None
    return digit or None


@application("Read")
async def read(call: Call, data: str) -> None:
    """Read(variable, files, maxdigits, options, attempts, timeout): sets READSTATUS.

    Options: ``s`` skip unless answered, ``i`` the file is a tone's name, ``n`` don't answer,
    ``t(c)`` the key that ends the input, ``e`` an input of that key only is read as it.
    """
    arguments = split_arguments(data)
    variable = argument(arguments, 0)
    options = parse_options(argument(arguments, 3), READ_OPTIONS, "Read", call.where)
    variables = call.channel.variables
    if not variable:
        call.report("Read requires a variable")
        variables.set("READSTATUS", "ERROR")
        return
    if not prepare(call, skips="s" in options, answers="n" not in options):
        variables.set("READSTATUS", "SKIPPED")
        return
    variables.set("READSTATUS", "HANGUP")  # what h sees if the caller gives up here
    terminator = options.get("t") if "t" in options else "#"
    asker = _Asker(call, arguments, terminator, is_tone="i" in options)
    digits, status = "", "TIMEOUT"
    for _attempt in range(max(1, parse_integer(argument(arguments, 4), 1))):
        digits, status = await asker.ask()
        if digits or status == "OK":
            break
    if "e" in options and status == "OK" and not digits:
        digits = terminator
    call.set(variable, digits)
    variables.set("READSTATUS", status)


class _Asker:
    """Asks once: prompt, then digits until the terminator, the maximum or a timeout."""

    def __init__(self, call: Call, arguments: list[str], terminator: str, *, is_tone: bool) -> None:
        self._call = call
        self._terminator = terminator
        self._limit = parse_integer(argument(arguments, 2)) or MAX_DIGITS
        self._limit = min(max(1, self._limit), MAX_DIGITS)
        timeout = parse_seconds(argument(arguments, 5))
        self._first_timeout = timeout or call.state.response_timeout
        self._next_timeout = timeout or call.state.digit_timeout
        self._sources = self._find_sources(argument(arguments, 1), is_tone=is_tone)

    def _find_sources(self, names: str, *, is_tone: bool) -> list[Source]:
        if is_tone:
            tone = self._call.dialplan.node.tone(names, self._call.channel.tone_zone)
            return [ToneSource(tone, 0)] if tone else []
        return find_prompts(self._call, split_names(names))[0]

    async def ask(self) -> tuple[str, str]:
        """Return the digits and ``OK`` or ``TIMEOUT``."""
        call = self._call
        _, interrupting = await play_unless_typed(call, self._sources, ALL_DIGITS)
        if interrupting:
            call.channel.unread_digit(interrupting)
        digits = ""
        while len(digits) < self._limit:
            timeout = self._next_timeout if digits else self._first_timeout
            digit = await call.channel.wait_digit(timeout)
            if digit is None:
                return digits, "TIMEOUT"
            if digit in self._terminator:
                return digits, "OK"
            digits += digit
        return digits, "OK"


@application("ReadExten")
async def read_exten(call: Call, data: str) -> None:
    """ReadExten(variable, file, context, options, timeout): read an extension that exists.

    Sets READEXTENSTATUS, and INVALID_EXTEN to what was dialled in vain; the variable is then ``i``,
    and ``t`` if nothing was dialled. Options: ``s`` skip unless answered, ``i`` the file is a
    tone's name, ``n`` don't answer, ``p`` ``#`` ends the extension.
    """
    arguments = split_arguments(data)
    options = parse_options(argument(arguments, 3), READ_EXTEN_OPTIONS, "ReadExten", call.where)
    variables = call.channel.variables
    variable = argument(arguments, 0)
    if not variable:
        call.report("ReadExten requires a variable")
        variables.set("READEXTENSTATUS", "ERROR")
        return
    if not prepare(call, skips="s" in options, answers="n" not in options):
        call.set(variable, "")
        variables.set("READEXTENSTATUS", "SKIP")
        return
    context = argument(arguments, 2, call.channel.context)
    timeout = parse_seconds(argument(arguments, 4))
    await _play_prompt(call, argument(arguments, 1), is_tone="i" in options)
    exten = await _collect_exten(call, context, timeout, has_end="p" in options)
    if not exten:
        value, status = "t", "TIMEOUT"
    elif call.exists(exten, 1, context):
        value, status = exten, "OK"
    else:
        value, status = "i", "INVALID"
        variables.set("INVALID_EXTEN", exten)
    call.set(variable, value)
    variables.set("READEXTENSTATUS", status)


async def _play_prompt(call: Call, name: str, *, is_tone: bool) -> None:
    """Play until a digit comes, which stays to be read."""
    if is_tone:
        tone = call.dialplan.node.tone(name, call.channel.tone_zone)
        sources: list[Source] = [ToneSource(tone)] if tone else []
    else:
        sources = find_prompts(call, split_names(name))[0]
    _, digit = await play_unless_typed(call, sources, ALL_DIGITS)
    if digit:
        call.channel.unread_digit(digit)


async def _collect_exten(call: Call, context: str, timeout: float, *, has_end: bool) -> str:
    channel, plan = call.channel, call.dialplan.plan
    exten, wait = "", timeout or call.state.response_timeout
    while len(exten) < MAX_DIGITS:
        digit = await channel.wait_digit(wait)
        if digit is None or (has_end and digit == "#"):
            break
        exten += digit
        wait = timeout or call.state.digit_timeout
        wall = call.dialplan.node.clock.wall()
        if not plan.can_continue(context, exten, channel.caller.number, wall):
            break
    return exten
