"""The holding bridges of BridgeWait(): made for the first one who waits, ended after the last."""

from __future__ import annotations

from server.resources.bridge import Bridge
from server.resources.bridges import Bridges

CREATOR = "BridgeWait"


class WaitingRooms:
    """Holding bridges by name."""

    def __init__(self, bridges: Bridges) -> None:
        self._bridges = bridges
        self._rooms: dict[str, Bridge] = {}

    def enter(self, name: str) -> Bridge:
        """Return the room of this name; make it if need be.

        :raises Conflict: there are too many bridges.
        """
        room = self._rooms.get(name)
        if room is None or room.is_destroyed:
            room = self._rooms[name] = self._bridges.make_holding(name, CREATOR)
        return room

    def leave(self, name: str) -> None:
        """End a room that the last one has left."""
        room = self._rooms.get(name)
        if room is not None and not room.channels:
            del self._rooms[name]
            self._bridges.end_basic(room)
