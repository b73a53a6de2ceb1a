"""Applications that tell how the dialling goes on."""

from __future__ import annotations

from server.dialplan.executor import Call
from server.dialplan.registry import application


@application("Proceeding")
def proceeding(call: Call, data: str) -> None:
    """Proceeding(): tell the caller that the call is taken on, which it was when it came in."""


@application("Incomplete")
async def incomplete(call: Call, data: str) -> None:
    """Incomplete(n): the extension needs more digits; ``n`` does not answer to get them.

    The digits that come are added to the extension, and the call goes on there; without any it
    goes to ``t``.
    """
    channel = call.channel
    if channel.state != "Up" and data.strip() != "n":
        channel.answer()
    digit = await channel.wait_digit(call.state.digit_timeout)
    if digit is None:
        call.handle_no_response()
        return
    dialled = await call.collect(channel.exten + digit, call.state.digit_timeout)
    call.jump(channel.context, dialled, 1)  # the executor handles it if it is none
