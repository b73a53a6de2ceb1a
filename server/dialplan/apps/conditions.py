"""Applications that wait until something holds, or for a moment."""

from __future__ import annotations

import re

from server.base.errors import ChannelHungUp
from server.dialplan.arguments import argument, is_true, split_raw
from server.dialplan.executor import Call
from server.dialplan.numbers import parse_seconds
from server.dialplan.registry import application

DEFAULT_INTERVAL = 0.05  # seconds between two looks at a condition
MIN_INTERVAL = 0.001

_EPOCH = re.compile(r"-?\d{1,12}(?:\.\d{0,9})?")


@application("WaitForCondition")
async def wait_for_condition(call: Call, data: str) -> None:
    """WaitForCondition(character,expression,seconds,interval): until the expression is true.

    *character* stands for ``$`` in the expression, so that it is evaluated here, again and again.
    Sets WAITFORCONDITIONSTATUS: TRUE, FAILURE, TIMEOUT or HANGUP.
    """
    arguments = split_raw(data, 4)
    sign, expression = argument(arguments, 0).strip(), argument(arguments, 1).strip()
    timeout, interval = (argument(arguments, index).strip() for index in (2, 3))
    pause = parse_seconds(interval) if interval else DEFAULT_INTERVAL
    if len(sign) != 1 or not expression or pause <= 0:
        call.report("WaitForCondition requires a character, an expression and a real interval")
        call.channel.variables.set("WAITFORCONDITIONSTATUS", "FAILURE")
        return
    watch = _Watch(call, expression.replace(sign, "$"), parse_seconds(timeout))
    call.channel.variables.set("WAITFORCONDITIONSTATUS", "HANGUP")
    status = await watch.wait(max(pause, MIN_INTERVAL))
    call.channel.variables.set("WAITFORCONDITIONSTATUS", status)


class _Watch:
    def __init__(self, call: Call, expression: str, timeout: float) -> None:
        self._call = call
        self._expression = expression
        self._now = call.dialplan.node.clock.now
        self._deadline = self._now() + timeout if timeout else None

    async def wait(self, pause: float) -> str:
        """Look every *pause* seconds until it holds or it is too late."""
        while not is_true(self._call.substitute(self._expression)):
            if self._deadline is not None:
                left = self._deadline - self._now()
                if left <= 0:
                    return "TIMEOUT"
                pause = min(pause, left)
            await self._call.channel.sleep(pause)
        return "TRUE"


@application("WaitUntil")
async def wait_until(call: Call, data: str) -> None:
    """WaitUntil(epoch): sets WAITUNTILSTATUS to OK, PAST, FAILURE or HANGUP."""
    variables = call.channel.variables
    moment = _EPOCH.match(data.strip())
    if moment is None:
        call.report(f"WaitUntil: {data!r} is no time")
        variables.set("WAITUNTILSTATUS", "FAILURE")
        return
    left = float(moment[0]) - call.dialplan.node.clock.wall()
    if left < 0:
        variables.set("WAITUNTILSTATUS", "PAST")
        return
    try:
        await call.channel.sleep(left)
    except ChannelHungUp:
        variables.set("WAITUNTILSTATUS", "HANGUP")
        raise
    variables.set("WAITUNTILSTATUS", "OK")


@application("WaitForRing")
async def wait_for_ring(call: Call, data: str) -> None:
    """WaitForRing(seconds): so long, and then for the next ring.

    A call that is in the dialplan rings no more, so that this waits for its end.
    """
    await call.channel.sleep(parse_seconds(data))
    await call.channel.wait_hangup()
