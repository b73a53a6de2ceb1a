"""``ari set debug``."""

from __future__ import annotations

import json
import logging
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from server.app.event_tracer import EventTracer
from tests.support.node import NodeUnderTest


@pytest.fixture
async def node(tmp_path: Path) -> AsyncIterator[NodeUnderTest]:
    made = NodeUnderTest(tmp_path)
    await made.start()
    yield made
    await made.close()


@pytest.mark.parametrize("application", ["test", None])
async def test_what_an_application_is_sent_is_logged(
    node: NodeUnderTest, caplog: pytest.LogCaptureFixture, application: str | None
) -> None:
    caplog.set_level(1, "server.app.event_tracer")
    node.connect("test")
    tracer = EventTracer(node.node.bus)
    tracer.set_debug(application, True)
    await node.call("alice")
    node.node.bus.flush()
    title, _, text = caplog.messages[0].partition("\n")
    assert title == "<--- Sending ARI event to test --->"
    assert json.loads(text)["application"] == "test"
    assert "StasisStart" in caplog.text
    caplog.clear()
    tracer.set_debug(application, False)
    await node.call("bob")
    node.node.bus.flush()
    assert caplog.text == ""


async def test_other_applications_are_not_logged(
    node: NodeUnderTest, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, "server.app.event_tracer")
    node.connect("test")
    EventTracer(node.node.bus).set_debug("other", True)
    await node.call("alice")
    node.node.bus.flush()
    assert caplog.text == ""
