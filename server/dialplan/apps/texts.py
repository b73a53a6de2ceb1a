"""Applications that send and await texts inside a call."""

from __future__ import annotations

import asyncio

from server.base.errors import ServerError
from server.dialplan.executor import Call
from server.dialplan.hearing import deadline_after
from server.dialplan.numbers import parse_seconds
from server.dialplan.registry import application

MAX_TEXT = 65_536  # characters
PLAIN = "text/plain"


@application("SendText")
def send_text(call: Call, data: str) -> None:
    """SendText(text): SENDTEXT_BODY goes before it; sets SENDTEXTSTATUS and SENDTEXTTYPE."""
    variables = call.channel.variables
    text = variables.get("SENDTEXT_BODY") or data
    variables.set("SENDTEXTTYPE", "NONE")
    content_type = variables.get("SENDTEXT_CONTENT_TYPE") or PLAIN
    if content_type != PLAIN:
        call.report(f"SendText: {content_type} is sent as {PLAIN}")
    if not text:
        call.report("SendText requires a text")
        variables.set("SENDTEXTSTATUS", "FAILURE")
        return
    try:
        call.channel.leg.send_text(text[:MAX_TEXT])
    except ServerError as error:
        call.report(f"SendText: {error}")
        variables.set("SENDTEXTSTATUS", "FAILURE")
        return
    variables.set("SENDTEXTTYPE", "BASIC")
    variables.set("SENDTEXTSTATUS", "SUCCESS")


@application("ReceiveText")
async def receive_text(call: Call, data: str) -> None:
    """ReceiveText(timeout s): sets RECEIVETEXTMESSAGE and RECEIVETEXTSTATUS."""
    channel = call.channel
    loop = asyncio.get_running_loop()
    received: asyncio.Future[str | None] = loop.create_future()

    def settle(text: str | None = None) -> None:
        if not received.done():
            received.set_result(text)

    deadline = deadline_after(parse_seconds(data))
    timer = None if deadline is None else loop.call_at(deadline, settle)
    channel.text_observers.append(settle)
    try:
        text = await channel.wait(received)
    finally:
        channel.text_observers.remove(settle)
        if timer is not None:
            timer.cancel()
    channel.variables.set("RECEIVETEXTSTATUS", "FAILURE" if text is None else "SUCCESS")
    if text is not None:
        channel.variables.set("RECEIVETEXTMESSAGE", text[:MAX_TEXT])
