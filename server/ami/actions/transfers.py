"""Actions that send channels elsewhere: Redirect, and transfers on behalf of one party."""

from __future__ import annotations

from server.ami.actions.originate import read_priority
from server.ami.registry import ActionError, Reply, Request, action, done, failure
from server.dialplan.features.by_command import begin_attended, cancel_attended
from server.resources.channel import Channel

Place = tuple[str, str, int]


@action("Redirect", "call", summary="Send one or two channels to an extension")
def redirect(request: Request) -> Reply:
    """Take channels from wherever they are, and let them go on in the dialplan."""
    first = _find(request, "Channel", "Channel")
    extra_name = request.get("ExtraChannel")
    place = _place(request, "")
    if not extra_name:
        _send(request, first, place)
        return done("Redirect successful")
    second = _find(request, "ExtraChannel", "Extra channel")
    other = _place(request, "Extra") if request.get("ExtraExten") else place
    _send(request, second, other)  # who was called first: Dial() must not end it
    _send(request, first, place)
    return done("Dual Redirect successful")


def _find(request: Request, header: str, shown: str) -> Channel:
    name = request.need(header, f"{shown} not specified")
    channel = request.context.channels.find(name)
    if channel is None or channel.is_hungup:
        raise ActionError(f"{shown} does not exist: {name}")
    return channel


def _place(request: Request, prefix: str) -> Place:
    context = request.get(f"{prefix}Context") or request.get("Context")
    exten = request.get(f"{prefix}Exten")
    if not context or not exten:
        raise ActionError(f"{prefix}Exten and {prefix}Context are needed")
    header = f"{prefix}Priority" if request.get(f"{prefix}Priority") else "Priority"
    return context, exten, read_priority(request, header, context, exten)


def _send(request: Request, channel: Channel, place: Place) -> None:
    request.context.dialplan.transfers.send_to_dialplan(channel, *place)


@action("BlindTransfer", "call", summary="Transfer those who talk to a channel to an extension")
def blind_transfer(request: Request) -> Reply:
    """Transfer as the channel itself would."""
    channel = request.channel(complaint="No channel specified")
    exten = request.need("Exten", "No extension specified")
    context = request.get("Context") or channel.context
    outcome = request.context.dialplan.transfers.blind(channel, exten, context)
    if outcome == "SUCCESS":
        return done("Transfer succeeded")
    return failure("Transfer invalid" if outcome == "INVALID" else "Transfer failed")


@action("Atxfer", "call", summary="Let a channel begin an attended transfer")
def atxfer(request: Request) -> Reply:
    """Let the channel call an extension while the one that it talks to waits."""
    channel = request.channel(complaint="No channel specified")
    exten = request.need("Exten", "No extension specified")
    context = request.get("Context") or channel.context
    begin_attended(request.context.dialplan, channel, exten, context)
    return done("Atxfer successfully queued")


@action("CancelAtxfer", "call", summary="End an attended transfer that has begun")
def cancel_atxfer(request: Request) -> Reply:
    """Let the channel go back to the one that it talked to."""
    channel = request.channel(complaint="No channel specified")
    cancel_attended(request.context.dialplan, channel)
    return done("CancelAtxfer successfully queued")
