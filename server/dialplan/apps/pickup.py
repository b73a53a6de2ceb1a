"""Pickup() and PickupChan(): answer a call that rings elsewhere."""

from __future__ import annotations

from server.dialplan.arguments import argument, parse_options, split_arguments
from server.dialplan.executor import Call
from server.dialplan.pickup import (
    MARK,
    Condition,
    find_call,
    is_marked,
    is_named,
    rings_at,
    shares_group,
    take_call,
)
from server.dialplan.registry import application

PICKUPCHAN_OPTIONS = "p"
MAX_TARGETS = 100


@application("Pickup")
async def pickup(call: Call, data: str) -> None:
    """Pickup(extension[@context|@PICKUPMARK]&...): without arguments, one of its groups.

    If nothing is picked up, the dialplan goes on with the next step.
    """
    targets = [text.strip() for text in data.split("&")[:MAX_TARGETS] if text.strip()]
    channel = call.channel
    if not targets:
        await _take(call, lambda attempt: shares_group(channel, attempt.channel))
        return
    for target in targets:
        exten, _, context = target.partition("@")
        is_mark = context.upper() == MARK
        await _take(
            call, is_marked(exten) if is_mark else rings_at(exten, context or channel.context)
        )


@application("PickupChan")
async def pickup_channel(call: Call, data: str) -> None:
    """PickupChan(channel&..., options): ``p`` takes the names as prefixes."""
    arguments = split_arguments(data)
    options = parse_options(argument(arguments, 1), PICKUPCHAN_OPTIONS, "PickupChan", call.where)
    for name in argument(arguments, 0).split("&")[:MAX_TARGETS]:
        if name.strip():
            await _take(call, is_named(name.strip(), is_prefix="p" in options))


async def _take(call: Call, condition: Condition) -> None:
    """Take a call if there is one; then this controller goes no further."""
    attempt = find_call(call.channel, condition)
    if attempt is not None:
        await take_call(call.channel, attempt)
