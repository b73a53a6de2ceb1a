"""What events say of the end of a call: cause, its text, and the technology's own code."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from server.base.causes import cause_text
from tests.support.node import Collector, NodeUnderTest, settle
from tests.support.web import Web, serve, validate_event


@pytest.fixture
async def web(node: NodeUnderTest) -> AsyncIterator[Web]:
    async with serve(node) as made:
        yield made


async def originate(web: Web, timeout: str = "30") -> Collector:
    app = web.node.connect()
    params = {"endpoint": "PJSIP/bob", "app": "test", "channelId": "b", "timeout": timeout}
    assert (await web.call("channels.originate", params=params)).status == 200
    await settle()
    return app


def check_end(app: Collector, cause: int, tech_cause: int | None, status: str) -> None:
    (destroyed,) = app.of("ChannelDestroyed")
    validate_event(destroyed)
    assert (destroyed["cause"], destroyed.get("tech_cause")) == (cause, tech_cause)
    assert destroyed["cause_txt"] == cause_text(cause) != "Unknown"
    assert app.of("Dial")[-1]["dialstatus"] == status
    assert app.of("ChannelHangupRequest")[0]["cause"] == cause


@pytest.mark.parametrize(
    ("cause", "tech_cause", "status"),
    [
        (17, 486, "BUSY"),
        (21, 603, "CONGESTION"),
        (1, 404, "CHANUNAVAIL"),
        (18, 408, "NOANSWER"),
        (19, 480, "NOANSWER"),
        (34, 503, "CONGESTION"),
        (3, None, "CHANUNAVAIL"),
    ],
)
async def test_a_call_that_is_refused_says_why(
    web: Web, cause: int, tech_cause: int | None, status: str
) -> None:
    app = await originate(web)
    web.node.phones.legs[-1].far_end_hangs_up(cause, tech_cause)
    await settle()
    check_end(app, cause, tech_cause, status)


async def test_a_call_that_nobody_answers_in_time_says_so(web: Web) -> None:
    app = await originate(web, timeout="1")
    await asyncio.wait_for(web.node.registry.wait_empty(), 5)
    await settle()
    check_end(app, 19, None, "NOANSWER")


async def test_a_call_that_the_application_gives_up_says_so(web: Web) -> None:
    app = await originate(web)
    await web.call("channels.hangup", "b", params={"reason": "no_answer"})
    await settle()
    check_end(app, 19, None, "NOANSWER")
