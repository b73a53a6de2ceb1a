"""Event sources."""

from __future__ import annotations

import pytest

from server.base.errors import InvalidArgument
from server.stasis.topics import TopicKind, endpoint_topic, parse_event_source


@pytest.mark.parametrize(
    ("source", "topic"),
    [
        ("channel:1.2", (TopicKind.CHANNEL, "1.2")),
        ("bridge:b:1", (TopicKind.BRIDGE, "b:1")),
        ("endpoint:PJSIP/alice", endpoint_topic("PJSIP", "alice")),
        ("endpoint:PJSIP", endpoint_topic("PJSIP", "")),
        ("deviceState:", (TopicKind.DEVICE_STATE, "")),
        ("deviceState:Stasis:x", (TopicKind.DEVICE_STATE, "Stasis:x")),
    ],
)
def test_source_is_read(source: str, topic: tuple[TopicKind, str]) -> None:
    assert parse_event_source(source) == topic


@pytest.mark.parametrize("source", ["", "channel", "channel:", "app:x", "phone:1", ":", "bridge:"])
def test_bad_source_is_refused_with_the_fields_name(source: str) -> None:
    with pytest.raises(InvalidArgument, match="eventSource"):
        parse_event_source(source)
