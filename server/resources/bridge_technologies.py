"""The ways to mix audio in a bridge, under the names of Asterisk's bridge technologies."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class BridgeTechnology:
    """One way.

    :param kind: what it is for, in Asterisk's words.
    :param priority: the greater, the more it is preferred where several would do.
    """

    name: str
    kind: str
    priority: int


TECHNOLOGIES = (
    BridgeTechnology("holding_bridge", "Holding", 50),
    BridgeTechnology("native_rtp", "Native", 90),
    BridgeTechnology("simple_bridge", "1to1Mix", 50),
    BridgeTechnology("softmix", "MultiMix", 10),
)
