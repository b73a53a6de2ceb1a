"""Attended transfers that somebody else asks for in a party's name, such as AMI's Atxfer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from server.base.errors import InvalidState
from server.dialplan.features.attended import Consultation
from server.dialplan.features.watch import DTMF_MS, DigitFeatures

if TYPE_CHECKING:
    from server.dialplan.port import Dialplan
    from server.resources.channel import Channel


def begin_attended(dialplan: Dialplan, channel: Channel, exten: str, context: str) -> None:
    """Let *channel* call an extension while the one it talks to waits.

    :raises InvalidState: it talks to nobody, or uses a feature already.
    """

    async def consult(features: DigitFeatures) -> None:
        with features.aside():
            await Consultation(features, exten, context).run()

    if not _features(dialplan, channel).begin(consult):
        raise InvalidState(f"{channel.name} is busy with another transfer")


def cancel_attended(dialplan: Dialplan, channel: Channel) -> None:
    """Let *channel* press what ends its consultation.

    :raises InvalidState: there is none.
    """
    features = channel.features
    if not isinstance(features, DigitFeatures) or not features.is_busy:
        raise InvalidState(f"{channel.name} is in no attended transfer")
    for digit in features.settings.atxferabort:
        channel.on_dtmf(digit, DTMF_MS)


def _features(dialplan: Dialplan, channel: Channel) -> DigitFeatures:
    features, bridge = channel.features, channel.bridge
    if bridge is None or bridge.bridge_class != "basic":
        raise InvalidState(f"{channel.name} does not talk to anybody")
    if not isinstance(features, DigitFeatures):
        features = DigitFeatures(dialplan, channel, (), is_caller=channel.is_controlled)
        channel.features = features
        features.enter(bridge)
    return features
