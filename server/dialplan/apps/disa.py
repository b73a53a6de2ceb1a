"""DISA(): whoever knows a code gets a dial tone, and calls from here."""

from __future__ import annotations

import asyncio
import hmac
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from server.base.causes import Cause
from server.base.errors import ServerError
from server.dialplan.arguments import Options, argument, parse_options, split_arguments
from server.dialplan.executor import FALLTHROUGH_TONE, MAX_EXTENSION, Call
from server.dialplan.registry import application
from server.resources.originate import parse_caller_id

OPTIONS = "np"
NO_PASSWORD = "no-password"
FIRST_DIGIT = 20.0  # seconds to the first digit, Asterisk's default
NEXT_DIGIT = 10.0  # and between two
MAX_FILE = 1_000_000  # bytes of a file of codes


@dataclass(frozen=True, slots=True)
class Access:
    """What a code opens.

    :param caller_id: of the calls that are made; empty leaves it.
    """

    code: str
    context: str
    caller_id: str = ""


@application("DISA")
async def disa(call: Call, data: str) -> None:
    """DISA(code or file, context, caller id, mailbox, options): a dial tone for who knows a code.

    The code ends with ``#``; ``no-password`` asks for none. A file has codes with the other
    arguments, one in each line. The account code becomes the code. Options: ``n`` don't answer,
    ``p`` the key ``#`` ends the extension. The mailbox does not change the tone.
    """
    arguments = split_arguments(data)
    options = parse_options(argument(arguments, 4), OPTIONS, "DISA", call.where)
    code = argument(arguments, 0).strip()
    if not code:
        call.report("DISA requires a code, a file, or no-password")
        return
    if "n" not in options:
        call.channel.answer()
    context = argument(arguments, 1, "disa").strip()
    known = Access(code, context, argument(arguments, 2))
    access: Access | None = known
    if code != NO_PASSWORD:
        access = await _ask_code(call, await _known(call, known))
    if access is None or not await _dial(call, access, options):
        await call.refuse(Cause.NORMAL_CIRCUIT_CONGESTION, "congestion", FALLTHROUGH_TONE)


async def _known(call: Call, given: Access) -> list[Access]:
    """Return the codes: the one that was given, or those of a file."""
    if given.code.isdigit():
        return [given]
    try:
        reading = asyncio.to_thread(_read_lines, given.code)
        return read_codes(await call.channel.wait(reading), given.context)
    except OSError as error:
        call.report(f"DISA: {given.code}: {error.strerror}")
        return []


def _read_lines(path: str) -> list[str]:
    with Path(path).open("rb") as file:
        return file.read(MAX_FILE).decode("utf-8", "replace").splitlines()


def read_codes(lines: list[str], context: str) -> list[Access]:
    """Read lines of ``code,context,caller id``; those that begin with ``#`` or ``;`` are comments.

    :param context: where a line names none.
    """
    codes = []
    for line in lines:
        text = line.strip()
        if not text or text[0] in "#;":
            continue
        parts = split_arguments(text, separator="|" if "|" in text else ",")
        code = argument(parts, 0).strip()
        if code.isdigit() or code == NO_PASSWORD:
            codes.append(Access(code, argument(parts, 1).strip() or context, argument(parts, 2)))
    return codes


async def _ask_code(call: Call, known: list[Access]) -> Access | None:
    """Ask for a code, with a dial tone; ``None`` if it is not a known one."""
    given = await _collect(call, is_over=lambda _digits: False, ends="#")
    wanted = None
    for access in known:  # all of them: how long it takes tells nothing
        is_open = access.code == NO_PASSWORD
        if is_open or (given and hmac.compare_digest(access.code.encode(), given.encode())):
            wanted = wanted or access
    return wanted


async def _dial(call: Call, access: Access, options: Options) -> bool:
    """Ask for an extension, with a dial tone, and go there; ``False`` if there is none."""
    channel = call.channel
    wall = call.dialplan.node.clock.wall

    def is_over(digits: str) -> bool:
        number = channel.caller.number
        plan = call.dialplan.plan
        return bool(digits) and not plan.can_continue(access.context, digits, number, wall(), call)

    dialled = await _collect(call, is_over=is_over, ends="#" if "p" in options else "")
    if access.caller_id:
        try:
            channel.set_caller(parse_caller_id(access.caller_id))
        except ServerError as error:
            call.report(f"DISA: {error}")
    if access.code != NO_PASSWORD:
        channel.set_account_code(access.code)
    if dialled and call.exists(dialled, 1, access.context):
        call.jump(access.context, dialled, 1)
        return True
    if dialled and call.exists("i", 1, access.context):
        channel.variables.set("INVALID_EXTEN", dialled)
        call.jump(access.context, "i", 1)
        return True
    return False


async def _collect(call: Call, *, is_over: Callable[[str], bool], ends: str) -> str:
    """Collect digits; the dial tone lasts until the first one."""
    channel = call.channel
    tone = call.dialplan.node.tone("dial", channel.tone_zone)
    channel.set_background("tone" if tone else "silence", tone or "")
    digits, timeout = "", FIRST_DIGIT
    try:
        while len(digits) < MAX_EXTENSION and not is_over(digits):
            digit = await channel.wait_digit(timeout)
            channel.set_background("silence")
            if digit is None or digit in ends:
                break
            digits, timeout = digits + digit, NEXT_DIGIT
    finally:
        channel.set_background(None)
    return digits
