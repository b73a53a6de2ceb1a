"""Two who talk by Dial(), for tests of what happens then."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from server.config.sections.features import FeatureMap, Features, FeatureSettings
from server.resources.channel import Channel
from tests.support.dialplan import DialplanUnderTest
from tests.support.fake_tech import FakeLeg
from tests.support.node import settle

QUICK = FeatureSettings(
    featuredigittimeout=20,
    transferdigittimeout=0.02,
    atxfernoanswertimeout=0.05,
    atxferloopdelay=0.01,
)


def channel_of(leg: FakeLeg) -> Channel:
    """The channel of a leg that lives."""
    assert isinstance(leg.listener, Channel)
    return leg.listener


def called(dut: DialplanUnderTest, *, since: int = 1) -> list[FakeLeg]:
    """The legs that were made after the first *since*, in order."""
    return dut.under.phones.legs[since:]


def configure(dut: DialplanUnderTest, *, features: Features | None = None, **general: Any) -> None:
    """Install a features.conf; times are short."""
    made = features or Features(featuremap=FeatureMap(atxfer="*2"))
    made = replace(made, general=replace(QUICK, **general))
    dut.dialplan.settings = replace(dut.dialplan.settings, features=made)


async def until(condition: Callable[[], object], reason: str = "it did not happen") -> None:
    """Wait for something that takes a little time."""
    for _ in range(1000):
        if condition():
            return
        await asyncio.sleep(0.001)
    raise AssertionError(reason)


async def press(channel: Channel, digits: str) -> None:
    """Press digits, one after the other."""
    for digit in digits:
        channel.on_dtmf(digit, 100)
        await settle()


async def talk(dut: DialplanUnderTest, source: str) -> tuple[Channel, Channel]:
    """Load a dialplan whose ``s`` dials one phone, and let it answer."""
    dut.load(source)
    caller = await dut.call()
    peer = channel_of(called(dut)[0])
    peer.on_answered()
    await settle()
    return caller, peer


def together(channel: Channel) -> set[str]:
    """The names of all who are in the bridge of *channel*."""
    assert channel.bridge is not None
    return {member.name for member in channel.bridge.channels.values()}


def sent_digits(leg: Any) -> list[object]:
    """What was sent to a phone by digits."""
    return [said[1] for said in leg.said if said[0] == "dtmf"]
