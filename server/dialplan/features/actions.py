"""What each feature does."""

from __future__ import annotations

import logging

from server.base.causes import Cause
from server.base.errors import ServerError
from server.config.sections.features import FeatureApplication
from server.dialplan.executor import Call
from server.dialplan.features.attended import Consultation
from server.dialplan.features.prompts import ask_extension, play, start
from server.dialplan.features.recording import toggle_recording
from server.dialplan.features.watch import Action, DigitFeatures
from server.resources.controlled import EndedBy

logger = logging.getLogger(__name__)


async def disconnect(features: DigitFeatures) -> None:
    """Leave the conversation; what becomes of both is up to who made the call."""
    channel, bridge = features.channel, features.bridge
    if bridge is None:
        return
    is_controlled = channel.is_controlled
    bridge.remove(channel)
    if not is_controlled:
        channel.hangup(Cause.NORMAL_CLEARING, EndedBy.DIALPLAN)


async def transfer_blind(features: DigitFeatures) -> None:
    """Ask where to, and send the other there."""
    context = transfer_context(features)
    with features.aside():
        exten = await ask_extension(features.dialplan, features.channel, context, features.settings)
        if exten:
            features.dialplan.transfers.blind(features.channel, exten, context)


async def transfer_attended(features: DigitFeatures) -> None:
    """Ask where to, and talk there before both are connected."""
    context = transfer_context(features)
    with features.aside():
        exten = await ask_extension(features.dialplan, features.channel, context, features.settings)
        if exten:
            await Consultation(features, exten, context).run()


async def park(features: DigitFeatures) -> None:
    """Say that there is no parking lot."""
    logger.warning("%s: calls can't be parked yet", features.channel.name)
    with features.aside():
        await play(features.channel, features.settings.xferfailsound)


def run_mapped(mapped: FeatureApplication) -> Action:
    """Return what a line of ``[applicationmap]`` does: run its application."""

    async def run(features: DigitFeatures) -> None:
        presser, other, bridge = features.channel, features.other, features.bridge
        runner = presser if mapped.on_self else other
        if runner is None or bridge is None:
            return
        waiting = other if mapped.on_self else presser
        for channel in (presser, runner):
            channel.variables.set("DYNAMIC_FEATURENAME", mapped.name)
            channel.variables.set("DYNAMIC_WHO_ACTIVATED", presser.name)
        if other is not None:
            runner.variables.set("DYNAMIC_PEERNAME", other.name if mapped.on_self else presser.name)
        bridge.suspend(runner)
        if waiting is not None and mapped.music_class:
            waiting.set_background("music", mapped.music_class)
        try:
            call = Call(features.dialplan, runner)
            await call.start_application(mapped.application, call.substitute(mapped.data))
        finally:
            if waiting is not None and mapped.music_class:
                waiting.set_background(None)
            bridge.resume(runner)

    return run


def transfer_context(features: DigitFeatures) -> str:
    """Return where the digits are looked up: TRANSFER_CONTEXT, else the channel's own context.

    A dialled channel has been in no context yet: its endpoint's counts, if the technology tells,
    else that of the other one.
    """
    channel, other = features.channel, features.other
    chosen = features.scope.get("TRANSFER_CONTEXT")
    if chosen:
        return chosen
    if channel.is_controlled or other is None:
        return channel.context
    return channel.leg.info("context") or other.context


async def record_mixed(features: DigitFeatures) -> None:
    """Begin to record both, or end it."""
    try:
        await toggle_recording(features)
    except ServerError as error:
        logger.warning("%s: can't record: %s", features.channel.name, error)
        start(features.channel, features.settings.recordingfailsound)


ACTIONS: dict[str, Action] = {
    "disconnect": disconnect,
    "blindxfer": transfer_blind,
    "atxfer": transfer_attended,
    "parkcall": park,
    "automixmon": record_mixed,
    "automon": record_mixed,
}
