"""Which streams and bridges must share a worker."""

from __future__ import annotations

from server.media.bridges import MediaBridge
from server.media.streams import Stream


def group_of(start: Stream | MediaBridge) -> list[Stream | MediaBridge]:
    """Collect what is tied to *start*.

    A bridge is tied to its members, a local stream to its pair, a snoop to its target. The engine's
    MOVE follows the same ties.
    """
    group: list[Stream | MediaBridge] = [start]
    for thing in group:
        if isinstance(thing, MediaBridge):
            tied: list[Stream | MediaBridge] = list(thing.members)
        else:
            ties = (thing.pair, thing.bridge, thing.target, *thing.snoops)
            tied = [other for other in ties if other is not None]
        group.extend(other for other in tied if other not in group)
    return group
