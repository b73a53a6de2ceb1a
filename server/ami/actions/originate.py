"""Originate: making a call and handing it to the dialplan."""

from __future__ import annotations

from server.ami.registry import ActionError, Reply, Request, action, done, failure
from server.base.errors import ServerError
from server.base.ids import MAX_ID_LENGTH
from server.base.suspension import suspendable
from server.dialplan.arguments import split_arguments
from server.dialplan.originate import NOBODY, Destination, OriginatedCall, Origination
from server.dialplan.parties import parse_party
from server.dialplan.privileges import is_dangerous
from server.resources.dialing import DialStatus

DEFAULT_TIMEOUT = 30_000  # ms
MAX_TIMEOUT = 86_400_000
SYSTEM = 1  # the class that dangerous applications need
NULL = "<null>"
UNKNOWN = "<unknown>"

# as OriginateResponse numbers them
FAILED, NO_ANSWER, ANSWERED, BUSY, CONGESTION, HUNG_UP = 0, 3, 4, 5, 8, 1
_REASONS = {
    DialStatus.ANSWER: ANSWERED,
    DialStatus.PROGRESS: ANSWERED,
    DialStatus.BUSY: BUSY,
    DialStatus.CONGESTION: CONGESTION,
    DialStatus.NOANSWER: NO_ANSWER,
    DialStatus.CANCEL: HUNG_UP,
    DialStatus.FORWARD: CONGESTION,
}


@action("Originate", "originate", summary="Make a call")
async def originate(request: Request) -> Reply:
    """Call somebody; answer once it is known how that went, or at once with ``Async``."""
    wish = _read(request)
    return await suspendable(_make(request, wish))


async def _make(request: Request, wish: Origination) -> Reply:
    context = request.context
    try:
        made = OriginatedCall(context.dialplan, wish)
    except ServerError:
        if not request.flag("Async"):
            return failure("Originate failed")
        _respond(request, wish, None, FAILED)
        return done("Originate successfully queued")
    if request.flag("Async"):
        made.outcome.add_done_callback(
            lambda outcome: _respond(request, wish, made, _reason(outcome.result()))
        )
        return done("Originate successfully queued")
    request.session.release_events()
    status = await made.outcome
    if _reason(status) == ANSWERED:
        return done("Originate successfully queued")
    return failure("Originate failed")


def _reason(status: DialStatus) -> int:
    return _REASONS.get(status, FAILED)


def _respond(request: Request, wish: Origination, made: OriginatedCall | None, reason: int) -> None:
    """Tell how a call went that nobody waited for."""
    channel = made.channel if made is not None else None
    target = wish.destination
    fields = [
        ("Response", "Success" if reason == ANSWERED else "Failure"),
        ("Channel", channel.name if channel is not None else wish.endpoint),
        ("Context", "" if target.application else target.context),
        ("Exten", "" if target.application else target.exten),
        ("Application", target.application),
        ("Data", target.data),
        ("Reason", reason),
        ("Uniqueid", channel.id if channel is not None else NULL),
        ("CallerIDNum", wish.caller.number or UNKNOWN),
        ("CallerIDName", wish.caller.name or UNKNOWN),
    ]
    action_id = request.message.action_id
    head = f"ActionID: {action_id}\r\n" if action_id else ""
    request.session.server.stream.tell("OriginateResponse", fields, head)


def _read(request: Request) -> Origination:
    endpoint = request.need("Channel", "Channel not specified")
    if "/" not in endpoint:
        raise ActionError("Invalid channel")
    for name in ("ChannelId", "OtherChannelId"):
        if len(request.get(name)) > MAX_ID_LENGTH:
            raise ActionError(f"Uniqueid length exceeds maximum of {MAX_ID_LENGTH}")
    if request.get("ChannelId") and request.get("ChannelId") == request.get("OtherChannelId"):
        raise ActionError("Uniqueid must be unique")
    caller_id = request.get("CallerID")
    account = request.session.account
    return Origination(
        endpoint=endpoint,
        destination=_destination(request),
        timeout=request.number("Timeout", DEFAULT_TIMEOUT, 0, MAX_TIMEOUT) / 1000,
        caller=parse_party(caller_id) if caller_id else NOBODY,
        variables={
            **dict(account.settings.setvar if account is not None else ()),
            **read_variables(request),
        },
        formats=[name for part in request.get("Codecs").split(",") if (name := part.strip())],
        predial=request.get("PreDialGoSub"),
        account=request.get("Account"),
        takes_early_media=request.flag("EarlyMedia"),
        channel_id=request.get("ChannelId"),
        other_channel_id=request.get("OtherChannelId"),
    )


def _destination(request: Request) -> Destination:
    application, data = request.get("Application"), request.get("Data")
    context, exten = request.get("Context"), request.get("Exten")
    if application:
        registry = request.context.dialplan.registry
        lives_dangerously = request.context.dialplan.live_dangerously
        may = lives_dangerously or request.session.may(SYSTEM)
        if not may and is_dangerous(registry, application, data):
            raise ActionError("Originate Access Forbidden: app or data blacklisted")
        return Destination(application=application, data=data)
    if not (context and exten and request.get("Priority")):
        raise ActionError("Originate with 'Exten' requires 'Context' and 'Priority'")
    priority = read_priority(request, "Priority", context, exten)
    return Destination(context=context, exten=exten, priority=priority)


def read_variables(request: Request) -> dict[str, str]:
    """Read the Variable headers, each of which may set several, separated by commas."""
    variables: dict[str, str] = {}
    for line in request.message.all("Variable"):
        for pair in split_arguments(line):
            name, equals, value = pair.partition("=")
            if equals and name.strip():
                variables[name.strip()] = value
    return variables


def read_priority(request: Request, header: str, context: str, exten: str) -> int:
    """Read a priority: a number, or a label of the extension.

    :raises ActionError: it is neither.
    """
    text = request.get(header)
    if text.isascii() and text.isdigit() and 0 < int(text[:10]) < 2**31:
        return int(text)
    found = request.context.dialplan.find_label(context, exten, text, "") if text else None
    if found is None:
        raise ActionError("Invalid priority")
    return found
