"""Recording a call by a digit: starts MixMonitor() on the other one, or stops it."""

from __future__ import annotations

from server.dialplan.executor import Call
from server.dialplan.features.prompts import start
from server.dialplan.features.watch import DigitFeatures
from server.resources.channel import Channel


async def toggle_recording(features: DigitFeatures) -> None:
    """Start or stop the recording.

    Names and sounds come from TOUCH_MIXMONITOR, TOUCH_MIXMONITOR_FORMAT, TOUCH_MIXMONITOR_PREFIX,
    TOUCH_MIXMONITOR_BEEP and TOUCH_MIXMONITOR_MESSAGE_START/_STOP.

    :raises ServerError: there is no MixMonitor().
    """
    channel, other = features.channel, features.other
    if other is None:
        return
    is_running = bool(other.variables.get("TOUCH_MIXMONITOR_RUNS"))
    call = Call(features.dialplan, other)
    if is_running:
        await call.start_application("StopMixMonitor", "")
        other.variables.remove("TOUCH_MIXMONITOR_RUNS")
        _say(features, other, "TOUCH_MIXMONITOR_MESSAGE_STOP")
        return
    file_name = _file_name(features, other)
    beep = features.scope.get("TOUCH_MIXMONITOR_BEEP")
    await call.start_application("MixMonitor", f"{file_name},b{f'B({beep})' if beep else ''}")
    other.variables.set("TOUCH_MIXMONITOR_RUNS", "1")
    for each in (channel, other):
        each.variables.set("TOUCH_MIXMONITOR_OUTPUT", file_name)
    _say(features, other, "TOUCH_MIXMONITOR_MESSAGE_START")


def _file_name(features: DigitFeatures, other: Channel) -> str:
    def get(name: str, default: str) -> str:
        return features.scope.get(name) or other.variables.get(name) or default

    moment = int(features.dialplan.node.clock.wall())
    prefix = get("TOUCH_MIXMONITOR_PREFIX", "auto")
    extension = get("TOUCH_MIXMONITOR_FORMAT", "wav")
    numbers = "-".join(each.caller.number or "unknown" for each in (other, features.channel))
    name = f"{prefix}-{moment}-{get('TOUCH_MIXMONITOR', numbers)}"
    return f"{''.join(letter for letter in name if _is_safe(letter))}.{extension}"


def _is_safe(letter: str) -> bool:
    return letter.isalnum() or letter in "-_.+"


def _say(features: DigitFeatures, other: Channel, variable: str) -> None:
    """Play the message of this moment, else the courtesy tone, to both."""
    prompt = features.scope.get(variable) or features.settings.courtesytone
    for channel in (features.channel, other):
        start(channel, prompt)
