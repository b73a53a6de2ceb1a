"""Takes a Local channel out of a call that it only connects.

When Alice dials ``Local/200@ctx`` and that extension dials Bob, four channels carry the call. Once
both halves of the pair are in plain two-party bridges, Bob moves into the bridge where the first
half is, and the pair ends. ``/n`` in the dial string forbids it, and so does a bridge that an
application made: what an application put into a bridge stays there.
"""

from __future__ import annotations

import logging

from server.base.causes import Cause
from server.resources.bridge import Bridge
from server.resources.channel import Channel
from server.tech.local import LocalLeg

logger = logging.getLogger(__name__)


def tell_of_pair(second: LocalLeg, exten: str, context: str) -> None:
    """Tell that both halves of a Local channel are there.

    :param second: the half that runs the extension.
    """
    pair = second.pair
    one, two = pair.first.listener, second.listener
    if isinstance(one, Channel) and isinstance(two, Channel):
        fields = {
            "Context": context,
            "Exten": exten,
            "LocalOptimization": "Yes" if pair.may_optimize else "No",
        }
        two.node.notices.tell("LocalBridge", None, fields, LocalOne=one, LocalTwo=two)


def optimize_locals(bridge: Bridge) -> None:
    """Shorten the call if *bridge* has a Local channel that can go."""
    for channel in bridge.channels.values():
        leg = channel.leg
        if isinstance(leg, LocalLeg) and leg.pair.may_optimize:
            first, second = leg.pair.first.listener, leg.pair.second.listener
            if isinstance(first, Channel) and isinstance(second, Channel) and _fits(first, second):
                _shorten(first, second)
                return


def _fits(first: Channel, second: Channel) -> bool:
    return first.bridge is not second.bridge and all(
        half.bridge is not None
        and half.bridge.bridge_class == "basic"
        and len(half.bridge.channels) == 2
        and half.bridge.is_settled
        and not half.resources
        and not half.leg.stream.snoops
        and not half.bridge.resources
        for half in (first, second)
    )


def _shorten(first: Channel, second: Channel) -> None:
    """Let the one who talks to *second* take the place of *first*."""
    near, far = first.bridge, second.bridge
    assert near is not None
    assert far is not None
    moving = next(channel for channel in far.channels.values() if channel is not second)
    staying = next(channel for channel in near.channels.values() if channel is not first)
    logger.debug("%s replaces %s", moving.name, first.name)
    moving.is_adopted = True
    halves = {"LocalOne": first, "LocalTwo": second}
    number = {"Id": first.id}
    notices = first.node.notices
    begun = {"DestUniqueId": staying.id, **number}
    notices.tell("LocalOptimizationBegin", None, begun, **halves, Source=moving)
    near.swap(first, moving)
    notices.tell("LocalOptimizationEnd", None, {"Success": "Yes", **number}, **halves)
    staying.set_connected(moving.caller)
    moving.set_connected(staying.caller)
    first.hangup(Cause.NORMAL_CLEARING)
    second.hangup(Cause.NORMAL_CLEARING)
