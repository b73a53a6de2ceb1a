"""Actions about the session itself: logging in and out, and what it hears."""

from __future__ import annotations

import asyncio

from server.ami import security
from server.ami.authentication import authenticate, make_challenge
from server.ami.filters import read_filter
from server.ami.permissions import ALL, read_event_mask
from server.ami.protocol import lines
from server.ami.registry import (
    NO_REPLY,
    ActionError,
    Reply,
    Request,
    action,
    done,
    failure,
    success,
)

HELLO_CLASS = 1  # system: who may hear FullyBooted


@action("Challenge", summary="Generate a challenge for MD5 authentication")
def challenge(request: Request) -> Reply:
    """Give a challenge for a login without a password on the wire."""
    if request.get("AuthType").lower() != "md5":
        return failure("Must specify AuthType")
    session = request.session
    session.challenge = session.challenge or make_challenge()
    security.report(session.server, session, "ChallengeSent", ("Challenge", session.challenge))
    return success(("Challenge", session.challenge))


@action("Login", summary="Log in")
async def login(request: Request) -> Reply:
    """Log in; who fails waits for the answer, and longer with every failure."""
    session, server = request.session, request.session.server
    if session.account is not None:
        return done("Already authenticated")
    account = authenticate(server, session, request.message)
    message = "Authentication failed"
    if account is not None:
        if server.settings.may_repeat(account.settings) or not server.is_in_use(account.name):
            mask = read_event_mask(request.get("Events"))
            session.log_in(account, ALL if mask is None else mask)
            greet(request)
            return done("Authentication accepted")
        message = "Login Already In Use"
    await asyncio.sleep(server.failures.delay(session.peer[0], server.clock.now()))
    return Reply(response="Error", message=message, is_last=True)


def greet(request: Request) -> None:
    """Tell a session that has just logged in that the server is up."""
    session, lifecycle = request.session, request.context.lifecycle
    if not lifecycle.is_fully_booted:
        return
    now = session.server.clock.wall()
    fields = lines(
        [
            ("Uptime", int(now - lifecycle.started_at)),
            ("LastReload", int(now - lifecycle.reloaded_at)),
            ("Status", "Fully Booted"),
        ]
    )
    session.deliver(session.server.stream.write("FullyBooted", fields))


@action("Logoff", summary="Log off")
def logoff(_request: Request) -> Reply:
    """End the session."""
    return Reply(response="Goodbye", message="Thanks for all the fish.", is_last=True)


@action("Ping", summary="Keep the connection alive")
def ping(request: Request) -> Reply:
    """Answer."""
    now = request.session.server.clock.wall()
    return success(("Ping", "Pong"), ("Timestamp", f"{now:.6f}"))


@action("Events", summary="Choose the events to hear")
def events(request: Request) -> Reply:
    """Set the classes of events to hear."""
    session = request.session
    mask = read_event_mask(request.get("EventMask"))
    if not request.get("EventMask") or mask is None:
        return failure("Invalid event mask")
    session.set_wanted(mask)
    if session.server.settings.brokeneventsaction:
        return NO_REPLY
    return success(("Events", "On" if mask else "Off"))


@action("Filter", "system", summary="Add a filter of events to this session")
def add_filter(request: Request) -> Reply:
    """Add a filter; it lasts as long as the session."""
    if request.get("Operation").lower() != "add":
        return failure("Unknown operation")
    made = read_filter(request.get("MatchCriteria"), request.get("Filter"))
    if not request.get("Filter") and not request.get("MatchCriteria"):
        raise ActionError("Filter not specified")
    request.session.filters.add(made)
    return success()


@action("ListCommands", summary="List the actions that there are")
def list_commands(request: Request) -> Reply:
    """List the actions that this user may use."""
    session = request.session
    allowed = [each for each in session.server.registry if session.may(each.classes)]
    return success(*((each.name, each.describe()) for each in allowed))
