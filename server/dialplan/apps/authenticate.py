"""Authenticate(): ask for a password."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
from pathlib import Path

from server.base.causes import Cause
from server.base.errors import ChannelHungUp, ServerError
from server.dialplan.arguments import Options, argument, parse_options, split_arguments
from server.dialplan.executor import Call
from server.dialplan.functions.database import store_of
from server.dialplan.media import ALL_DIGITS, find_prompts, play, play_unless_typed, split_names
from server.dialplan.numbers import parse_integer
from server.dialplan.registry import application

OPTIONS = "admr"
ATTEMPTS = 3
MAX_DIGITS = 255
MAX_FILE = 1_000_000  # bytes of a file of passwords
END_DIGIT = "#"


@application("Authenticate")
async def authenticate(call: Call, data: str) -> None:
    """Authenticate(password, options, maxdigits, prompt): go on only with the password.

    A password that begins with ``/`` names a file with one in each line. Options: ``a`` the
    password becomes the account code, ``d`` the path is a family of the database, ``m`` lines are
    ``account:MD5``, ``r`` a key of the database is used up.

    :raises ChannelHungUp: three wrong passwords.
    """
    arguments = split_arguments(data)
    options = parse_options(argument(arguments, 1), OPTIONS, "Authenticate", call.where)
    expected = argument(arguments, 0)
    if not expected:
        call.report("Authenticate requires a password")
        raise ChannelHungUp(Cause.NORMAL_CLEARING)
    call.channel.answer()
    limit = parse_integer(argument(arguments, 2))
    limit = limit if 0 < limit <= MAX_DIGITS else MAX_DIGITS
    prompt = argument(arguments, 3, "agent-pass")
    for _attempt in range(ATTEMPTS):
        given = await _ask(call, prompt, limit)
        account = await _check(call, expected, given, options)
        if account is not None:
            if "a" in options:
                call.channel.set_account_code(account)
                call.channel.touch()
            await _play(call, "auth-thankyou")
            return
        prompt = "auth-incorrect"
    await _play(call, "vm-goodbye")
    raise ChannelHungUp(Cause.NORMAL_CLEARING)


async def _ask(call: Call, prompt: str, limit: int) -> str:
    sources, _missing = find_prompts(call, split_names(prompt))
    _, digit = await play_unless_typed(call, sources, ALL_DIGITS)
    if digit:
        call.channel.unread_digit(digit)
    given, timeout = "", call.state.response_timeout
    while len(given) < limit:
        pressed = await call.channel.wait_digit(timeout)
        if pressed is None or pressed == END_DIGIT:
            break
        given += pressed
        timeout = call.state.digit_timeout
    return given


async def _play(call: Call, name: str) -> None:
    await play(call, find_prompts(call, [name])[0])


async def _check(call: Call, expected: str, given: str, options: Options) -> str | None:
    """Return the account of a password, ``None`` if it is wrong."""
    if not given:
        return None
    if not expected.startswith("/"):
        return given if _is_same(given, expected) else None
    if "d" in options:
        return _check_database(call, expected[1:], given, is_used_up="r" in options)
    try:
        lines = await call.channel.wait(asyncio.to_thread(_read_lines, expected))
    except OSError as error:
        call.report(f"Authenticate: {expected}: {error.strerror}")
        return None
    return _check_lines(lines, given, is_md5="m" in options)


def _check_database(call: Call, family: str, given: str, *, is_used_up: bool) -> str | None:
    try:
        store = store_of(call)
        if store.get(family, given) is None:
            return None
        if is_used_up:
            store.delete(family, given)
    except ServerError as error:
        call.report(f"Authenticate: {error}")
        return None
    return given


def _check_lines(lines: list[str], given: str, *, is_md5: bool) -> str | None:
    digest = hashlib.md5(given.encode(), usedforsecurity=False).hexdigest()
    for line in lines:
        if not is_md5:
            if line and _is_same(given, line):
                return given
            continue
        account, _, wanted = line.partition(":")
        if wanted and _is_same(digest, wanted.strip().lower()):
            return account
    return None


def _read_lines(path: str) -> list[str]:
    with Path(path).open("rb") as file:
        return file.read(MAX_FILE).decode("utf-8", "replace").splitlines()


def _is_same(given: str, expected: str) -> bool:
    return hmac.compare_digest(given.encode(), expected.encode())
