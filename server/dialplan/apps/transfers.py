"""Applications that send other channels somewhere."""

from __future__ import annotations

from server.base.causes import Cause
from server.dialplan.arguments import Target, argument, parse_options, split_arguments
from server.dialplan.executor import Call
from server.dialplan.features.actions import transfer_context
from server.dialplan.features.attended import Consultation
from server.dialplan.features.watch import DigitFeatures
from server.dialplan.registry import application
from server.resources.controlled import EndedBy

SOFTHANGUP_OPTIONS = "a"


@application("BlindTransfer")
def transfer_blind(call: Call, data: str) -> None:
    """BlindTransfer(exten,context): send who talks to this channel; sets BLINDTRANSFERSTATUS."""
    arguments = split_arguments(data)
    channel = call.channel
    exten = argument(arguments, 0)
    context = argument(arguments, 1) or call.get("TRANSFER_CONTEXT") or channel.context
    status = "FAILURE"
    if exten and channel.bridge is not None:
        status = call.dialplan.transfers.blind(channel, exten, context)
    elif not exten:
        call.report("BlindTransfer requires an extension")
    channel.variables.set("BLINDTRANSFERSTATUS", status)


@application("AttendedTransfer")
def transfer_attended(call: Call, data: str) -> None:
    """AttendedTransfer(exten): call there, and connect both later; sets ATTENDEDTRANSFERSTATUS.

    For a channel that talks in a call: an application of features.conf's ``[applicationmap]``.
    """
    exten = argument(split_arguments(data), 0)
    channel = call.channel
    is_begun = False
    if exten and channel.bridge is not None and channel.bridge.bridge_class == "basic":
        features = channel.features
        if not isinstance(features, DigitFeatures):
            features = DigitFeatures(call.dialplan, channel, (), is_caller=channel.is_controlled)
            features.enter(channel.bridge)
            channel.features = features

        async def consult(features: DigitFeatures) -> None:
            with features.aside():
                await Consultation(features, exten, transfer_context(features)).run()

        is_begun = features.begin_next(consult)
    channel.variables.set("ATTENDEDTRANSFERSTATUS", "SUCCESS" if is_begun else "FAILURE")


@application("ChannelRedirect")
def redirect_channel(call: Call, data: str) -> None:
    """ChannelRedirect(channel,context,exten,priority): sets CHANNELREDIRECT_STATUS."""
    arguments = split_arguments(data)
    channel = call.channel
    found = channel.node.registry.find(argument(arguments, 0))
    if found is None or found.is_hungup:
        call.report(f"ChannelRedirect: there is no channel {argument(arguments, 0)!r}")
        channel.variables.set("CHANNELREDIRECT_STATUS", "NOCHANNEL")
        return
    target = Target(
        argument(arguments, 1) or None, argument(arguments, 2) or None, argument(arguments, 3)
    )
    position = Call(call.dialplan, found).resolve(target) if target.priority else None
    if position is None:
        call.report("ChannelRedirect requires a priority that exists")
        return
    channel.variables.set("CHANNELREDIRECT_STATUS", "SUCCESS")
    if found is channel:
        call.jump(*position)
    else:
        call.dialplan.transfers.send_to_dialplan(found, *position)


@application("SoftHangup")
def soft_hangup(call: Call, data: str) -> None:
    """SoftHangup(Technology/Resource, options): end a channel; ``a``: all of the device."""
    arguments = split_arguments(data)
    options = parse_options(argument(arguments, 1), SOFTHANGUP_OPTIONS, "SoftHangup", call.where)
    wanted = argument(arguments, 0).strip().lower()
    if not wanted:
        call.report("SoftHangup requires Technology/Resource")
        return
    for channel in call.channel.node.registry:
        name = channel.name.lower()
        if wanted == (name.rpartition("-")[0] if "a" in options else name):
            channel.hangup(Cause.NORMAL_CLEARING, EndedBy.DIALPLAN)
