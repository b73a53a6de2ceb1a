"""Paths to operations."""

from __future__ import annotations

import pytest

from server.http.router import Router


@pytest.fixture
def router() -> Router[str]:
    made: Router[str] = Router()
    made.add("POST", "/channels/create", "create")
    made.add("GET", "/channels/{channelId}", "get")
    made.add("DELETE", "/channels/{channelId}", "hangup")
    made.add("POST", "/channels/{channelId}/play/{playbackId}", "play")
    return made


def test_literal_segments_beat_wildcards(router: Router[str]) -> None:
    route = router.find("channels/create")
    assert route is not None
    assert route.methods == {"POST": "create"}


def test_wildcards_are_decoded_in_order(router: Router[str]) -> None:
    route = router.find("channels/a%2Fb+c/play/%C3%A4")
    assert route is not None
    assert route.values == ["a/b c", "ä"]


def test_allow_lists_what_the_path_can_do(router: Router[str]) -> None:
    route = router.find("channels/1")
    assert route is not None
    assert route.allow == b"OPTIONS,GET,DELETE"


@pytest.mark.parametrize(
    "path", ["", "channels", "channels/", "channels//", "channels/1/play", "x", "/".join("a" * 20)]
)
def test_unknown_paths(router: Router[str], path: str) -> None:
    assert router.find(path) is None


def test_a_path_is_added_once(router: Router[str]) -> None:
    with pytest.raises(ValueError, match="declared twice"):
        router.add("GET", "/channels/{other}", "again")
