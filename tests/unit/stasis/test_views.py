"""Views: members, compact snapshots, types."""

from __future__ import annotations

from typing import Any

import orjson

from server.stasis.views import View

CHANNEL = {"id": "1", "name": "PJSIP/a-1", "creationtime": "now", "caller": {"number": "5"}}
EVENT = {
    "type": "Dial",
    "peer": CHANNEL,
    "dialstatus": "",
    "playback": {"id": "p", "state": "done"},
    "userevent": {"own": CHANNEL},
    "many": [CHANNEL, CHANNEL],
    "application": "a",
}


def shape(view: View, event: dict[str, Any]) -> dict[str, Any]:
    shaped: dict[str, Any] = orjson.loads(view.shape(orjson.dumps(event)))
    return shaped


def test_compact_reduces_channels_and_bridges_and_nothing_else() -> None:
    assert shape(View(is_compact=True), EVENT) == {
        **EVENT,
        "peer": {"id": "1"},
        "many": [{"id": "1"}, {"id": "1"}],
    }


def test_fields_reach_into_objects_and_lists() -> None:
    view = View(fields=("many.id", "peer.caller.number", "dialstatus.x", "nothing"))
    assert shape(view, EVENT) == {
        "type": "Dial",
        "application": "a",
        "many": [{"id": "1"}, {"id": "1"}],
        "peer": {"caller": {"number": "5"}},
        "dialstatus": "",
    }


def test_a_chosen_snapshot_is_compact_too() -> None:
    assert shape(View(fields=("peer",), is_compact=True), EVENT)["peer"] == {"id": "1"}


def test_a_resync_is_whole() -> None:
    event = {"type": "Resync", "channels": [CHANNEL]}
    assert shape(View(fields=("type",), is_compact=True), event) == event


def test_types() -> None:
    only, without = View(only=("Dial",)), View(without=("Dial",))
    assert only.admits_type("Dial")
    assert not only.admits_type("StasisEnd")
    assert without.admits_type("StasisEnd")
    assert not without.admits_type("Dial")
    assert only.admits_type("Resync")
    assert not View().is_filtering
