"""Call pickup: answering a call that rings elsewhere."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from server.base.causes import Cause
from server.dialplan.features.prompts import play
from server.resources.channel import Channel
from server.resources.controlled import EndedBy
from server.resources.dialing import DialAttempt

if TYPE_CHECKING:
    from server.dialplan.port import Dialplan

logger = logging.getLogger(__name__)

# items of CHANNEL(): the groups a channel rings in, and those whose calls it may take
GROUP_ITEMS = ("callgroup", "pickupgroup", "namedcallgroup", "namedpickupgroup")
MAX_GROUP = 63  # as many as Asterisk has numbered groups
MARK = "PICKUPMARK"
_RANGE = re.compile(r"([0-9]{1,3})(?:-([0-9]{1,3}))?")

Condition = Callable[[DialAttempt], bool]


def group_text(channel: Channel, item: str) -> str:
    """Return the groups of one of :data:`GROUP_ITEMS`, as written."""
    if item in channel.groups:
        return channel.groups[item]
    return channel.leg.info(item) or ""


def parse_numbers(text: str) -> frozenset[str]:
    """Read numbered groups such as ``1,3-5``; what is none is passed over."""
    numbers: set[str] = set()
    for part in text.split(","):
        match = _RANGE.fullmatch(part.strip())
        if match is not None:
            first, last = int(match[1]), min(MAX_GROUP, int(match[2] or match[1]))
            numbers.update(map(str, range(first, last + 1)))
    return frozenset(numbers)


def parse_names(text: str) -> frozenset[str]:
    """Read named groups."""
    return frozenset(part.strip() for part in text.split(",") if part.strip())


def shares_group(picker: Channel, ringing: Channel) -> bool:
    """Whether *picker* may take the calls of the groups that *ringing* rings in."""
    numbered = parse_numbers(group_text(picker, "pickupgroup"))
    named = parse_names(group_text(picker, "namedpickupgroup"))
    return bool(
        numbered & parse_numbers(group_text(ringing, "callgroup"))
        or named & parse_names(group_text(ringing, "namedcallgroup"))
    )


def ringing_calls(picker: Channel) -> Iterator[DialAttempt]:
    """Iterate over the calls that *picker* could take, the longest ringing first."""
    for attempt in list(picker.node.attempts.values()):
        is_own = attempt.caller is picker or attempt.channel is picker
        is_wanted = attempt.caller is not None and not attempt.caller.is_hungup
        if is_wanted and not is_own and not attempt.channel.is_hungup:
            yield attempt


def find_call(picker: Channel, condition: Condition) -> DialAttempt | None:
    """Return the first of :func:`ringing_calls` that meets *condition*."""
    return next((attempt for attempt in ringing_calls(picker) if condition(attempt)), None)


def rings_at(exten: str, context: str) -> Condition:
    """Return what tells whether a call was dialled by a step of this extension, or its macro."""
    wanted = exten, context

    def holds(attempt: DialAttempt) -> bool:
        caller = attempt.caller
        if caller is None:
            return False
        variables = caller.variables
        outer = variables.get("MACRO_EXTEN"), variables.get("MACRO_CONTEXT")
        return wanted in ((caller.exten, caller.context), outer)

    return holds


def is_marked(mark: str) -> Condition:
    """Return what tells whether a ringing channel's PICKUPMARK is *mark*."""
    return lambda attempt: attempt.channel.variables.get(MARK) == mark


def is_named(name: str, *, is_prefix: bool) -> Condition:
    """Return what tells whether a ringing channel has this name."""
    wanted = name.lower()

    def holds(attempt: DialAttempt) -> bool:
        found = attempt.channel.name.lower()
        return found.startswith(wanted) if is_prefix else found == wanted

    return holds


async def take_call(picker: Channel, attempt: DialAttempt) -> None:
    """Answer *attempt* with *picker*, whose controller is the caller of this and ends by it."""
    logger.info("%s picks up %s", picker.name, attempt.channel.name)
    picker.answer()
    picker.node.notices.tell("Pickup", picker, Target=attempt.channel)
    attempt.pick_up(picker)
    await picker.give_up_control()


async def pick_up_group(dialplan: Dialplan, channel: Channel) -> None:
    """Be the controller of a channel that dialled features.conf's *pickupexten*."""
    settings = dialplan.settings.features.general
    attempt = find_call(channel, lambda each: shares_group(channel, each.channel))
    if attempt is None:
        logger.info("%s: nothing rings that it may pick up", channel.name)
        if settings.pickupfailsound:
            channel.answer()
            await play(channel, settings.pickupfailsound)
        channel.hangup(Cause.CALL_REJECTED, EndedBy.DIALPLAN)
        return
    if settings.pickupsound:
        channel.answer()
        await play(channel, settings.pickupsound)
    if attempt.status is not None and attempt.status.is_final:
        channel.hangup(Cause.CALL_REJECTED, EndedBy.DIALPLAN)
        return
    await take_call(channel, attempt)
