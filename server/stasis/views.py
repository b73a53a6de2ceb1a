"""What a consumer wants to see of an event: a selection of its members, and of events.

A view is asked for when a consumer connects (:mod:`server.stasis.options`). It makes messages
smaller; numbering and order are the same with and without one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import orjson

ENVELOPE = ("type", "application", "seq", "prev")  # without these a message has no meaning
UNSHAPED = frozenset({"Resync"})  # are asked for to get whole snapshots

Selection = Mapping[str, Any]  # member names to the selection inside, which is empty for all of it


@dataclass(frozen=True)
class View:
    """A selection; the default one is everything as it is.

    :param fields: member names, those of objects inside separated by a dot; empty for all.
    :param is_compact: channels and bridges are reduced to their ``id``.
    :param only: event types to send, empty for all.
    :param without: event types not to send.
    :param variables: names and values that a channel has to have for its events to be sent.
    """

    fields: tuple[str, ...] = ()
    is_compact: bool = False
    only: tuple[str, ...] = ()
    without: tuple[str, ...] = ()
    variables: tuple[tuple[str, str], ...] = field(default=())

    @cached_property
    def is_shaping(self) -> bool:
        """Whether messages are changed."""
        return bool(self.fields) or self.is_compact

    @cached_property
    def is_filtering(self) -> bool:
        """Whether events may be left out."""
        return bool(self.only or self.without or self.variables)

    def admits_type(self, event_type: str) -> bool:
        """Tell whether events of this type are wanted."""
        if event_type in UNSHAPED:
            return True
        if event_type in self.without:
            return False
        return not self.only or event_type in self.only

    def shape(self, message: bytes) -> bytes:
        """Return an event's JSON object as this view shows it."""
        event = orjson.loads(message)
        if event["type"] in UNSHAPED:
            return message
        return orjson.dumps(self._pick(event, self._selection))

    @cached_property
    def _selection(self) -> Selection:
        selection: dict[str, Any] = {}
        if not self.fields:
            return selection
        for path in (*ENVELOPE, *self.fields):
            inner = selection
            for name in path.split("."):
                inner = inner.setdefault(name, {})
        return selection

    def _pick(self, event: dict[str, Any], selection: Selection) -> dict[str, Any]:
        if not selection:
            return {name: self._reduce(value) for name, value in event.items()}
        return {
            name: _pick_inside(event[name], inner) if inner else self._reduce(event[name])
            for name, inner in selection.items()
            if name in event
        }

    def _reduce(self, value: Any) -> Any:
        if not self.is_compact:
            return value
        if isinstance(value, list):
            return [self._reduce(item) for item in value]
        # Of all that events carry, only channels and bridges have both.
        if isinstance(value, dict) and "creationtime" in value and "id" in value:
            return {"id": value["id"]}
        return value


def _pick_inside(value: Any, selection: Selection) -> Any:
    if isinstance(value, list):
        return [_pick_inside(item, selection) for item in value]
    if not isinstance(value, dict) or not selection:
        return value
    return {
        name: _pick_inside(value[name], inner) for name, inner in selection.items() if name in value
    }
