"""Stasis() and StasisBroadcast(): hand the call to an application that is connected over ARI."""

from __future__ import annotations

import re
from collections.abc import Sequence

from server.base.errors import InvalidArgument, NotFound
from server.config.types import TRUE_WORDS
from server.dialplan.arguments import argument, split_arguments
from server.dialplan.executor import Call
from server.dialplan.posix_regex import compile_regex
from server.dialplan.registry import application
from server.resources.broadcasts import Offer
from server.resources.stasis_calls import enter_stasis

CLAIM_TIMEOUT_MS = 500
MAX_CLAIM_TIMEOUT_MS = 60_000


@application("Stasis")
async def stasis(call: Call, data: str) -> None:
    """Stasis(app, args...): sets STASISSTATUS; goes on where the application says."""
    arguments = split_arguments(data)
    if not arguments or not arguments[0]:
        call.report("Stasis requires the name of an application")
        call.channel.variables.set("STASISSTATUS", "FAILED")
        return
    await _enter(call, arguments[0], arguments[1:])


@application("StasisBroadcast")
async def stasis_broadcast(call: Call, data: str) -> None:
    """StasisBroadcast(timeout ms, app filter, args, notify): as Stasis() with who claims it first.

    Sets STASISSTATUS, to TIMEOUT if nobody does. Arguments for the application are separated by
    colons.
    """
    arguments = split_arguments(data)
    timeout = _read_timeout(call, argument(arguments, 0))
    try:
        wanted = compile_regex(argument(arguments, 1).strip())
    except InvalidArgument as failure:
        call.report(f"StasisBroadcast: the filter of applications: {failure}")
        call.channel.variables.set("STASISSTATUS", "FAILED")
        return
    node = call.dialplan.node
    channel = call.channel
    candidates = [name for name in node.applications.registered() if wanted.search(name)]
    is_announced = argument(arguments, 3).strip().lower() in TRUE_WORDS
    offer = node.offers[channel.id] = Offer(channel, candidates, is_announced=is_announced)
    try:
        winner = await offer.wait(timeout / 1000) if candidates else None
        if winner is None:
            channel.variables.set("STASISSTATUS", "TIMEOUT")
            return
        args = argument(arguments, 2)
        await _enter(call, winner, args.split(":") if args else [])
    finally:
        del node.offers[channel.id]


async def _enter(call: Call, app: str, args: Sequence[str]) -> None:
    variables = call.channel.variables
    try:
        await enter_stasis(call.channel, app, args)
    except NotFound as error:
        call.report(str(error))
        variables.set("STASISSTATUS", "FAILED")
        return
    variables.set("STASISSTATUS", "SUCCESS")
    call.jump_to_position()


def _read_timeout(call: Call, text: str) -> int:
    text = text.strip()
    if not text:
        return CLAIM_TIMEOUT_MS
    if re.fullmatch(r"[0-9]{1,5}", text) and int(text) <= MAX_CLAIM_TIMEOUT_MS:
        return int(text)
    call.report(f"StasisBroadcast: the timeout is 0 to {MAX_CLAIM_TIMEOUT_MS} ms, not {text!r}")
    return CLAIM_TIMEOUT_MS
