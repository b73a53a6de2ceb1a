"""Actions about events: sending one, and waiting for some."""

from __future__ import annotations

import asyncio

from server.ami.protocol import clean_name
from server.ami.registry import Reply, Request, action, done

# headers of the action that are not the event's
_OWN = frozenset({"action", "actionid", "userevent", "channel", "suppressevents"})
MAX_WAIT = 86_400.0  # seconds


@action("UserEvent", "user", summary="Send an event of your own")
def user_event(request: Request) -> Reply:
    """Send UserEvent with all other headers."""
    name = request.need("UserEvent", "UserEvent not specified")
    extras = [
        (clean_name(header), value)
        for header, value in request.message.headers
        if header.lower() not in _OWN and clean_name(header)
    ]
    channel = request.context.channels.find(request.get("Channel"))
    request.context.events.user_event_to_all(name, dict(extras), channel)
    return done("Event Sent")


@action("WaitEvent", summary="Wait for an event", holds_events=False)
async def wait_event(request: Request) -> Reply:
    """Wait until there is an event for the session, or *Timeout* seconds are over; -1: no limit."""
    seconds = request.number("Timeout", -1, -1)
    waiter = request.session.wait_event()
    try:
        async with asyncio.timeout(float(seconds) if seconds > 0 else MAX_WAIT):
            await waiter
    except TimeoutError:
        pass
    return Reply(
        message="Waiting for Event completed.",
        events=request.session.outlet.take_events(),
        ending="WaitEventComplete",
    )
