"""The verbs of /channels on the real resources."""

from __future__ import annotations

from collections.abc import Callable

import orjson
import pytest

from server.base.errors import (
    Conflict,
    InvalidArgument,
    InvalidState,
    NotFound,
    ServerError,
    Unavailable,
    Unprocessable,
)
from server.resources.channel import MAX_SHOWN
from server.tech.base import Party
from tests.support.node import NodeUnderTest, settle

VERBS: list[Callable[[NodeUnderTest, str], object]] = [
    lambda n, c: n.channels.answer(c),
    lambda n, c: n.channels.ring(c),
    lambda n, c: n.channels.ring_stop(c),
    lambda n, c: n.channels.progress(c),
    lambda n, c: n.channels.send_dtmf(c, dtmf="1"),
    lambda n, c: n.channels.mute(c),
    lambda n, c: n.channels.unmute(c),
    lambda n, c: n.channels.hold(c),
    lambda n, c: n.channels.unhold(c),
    lambda n, c: n.channels.start_moh(c),
    lambda n, c: n.channels.stop_moh(c),
    lambda n, c: n.channels.start_silence(c),
    lambda n, c: n.channels.stop_silence(c),
    lambda n, c: n.channels.play(c, media=["sound:hello"]),
]


def refusal(
    action: Callable[[NodeUnderTest, str], object], node: NodeUnderTest, target: str
) -> type:
    with pytest.raises(ServerError) as caught:
        action(node, target)
    return caught.type


@pytest.mark.parametrize("verb", VERBS)
async def test_verbs_need_a_channel_in_stasis_that_is_up(
    node: NodeUnderTest, verb: Callable[[NodeUnderTest, str], object]
) -> None:
    node.connect()
    node.dialplan.extensions["idle"] = lambda channel: channel.wait_hangup()
    idle = await node.call(exten="idle")
    assert refusal(verb, node, "nobody") is NotFound
    assert refusal(verb, node, idle.id) is Conflict
    node.channels.create(endpoint="PJSIP/bob", app="test", channel_id="down")
    await settle()
    assert refusal(verb, node, "down") is InvalidState
    caller = await node.call("carol")
    verb(node, caller.id)


async def test_snapshot_has_exactly_aris_fields(node: NodeUnderTest) -> None:
    node.connect()
    channel = await node.call()
    described = orjson.loads(orjson.dumps(node.channels.get(channel.id)))
    assert described == {
        "id": channel.id,
        "name": "PJSIP/alice-00000001",
        "state": "Ring",
        "protocol_id": "PJSIP/alice-00000001@test",
        "caller": {"name": "Alice", "number": "alice"},
        "connected": {"name": "", "number": ""},
        "accountcode": "",
        "dialplan": {
            "context": "default",
            "exten": "stasis",
            "priority": 1,
            "app_name": "",
            "app_data": "",
        },
        "creationtime": described["creationtime"],
        "language": "en",
    }


async def test_channel_is_found_by_id_and_by_name(node: NodeUnderTest) -> None:
    node.connect()
    channel = await node.call()
    assert node.channels.find(channel.id) is channel
    assert node.channels.find("pjsip/ALICE-00000001") is channel


@pytest.mark.parametrize(
    ("options", "cause"),
    [
        ({}, 16),
        ({"reason": "busy"}, 17),
        ({"reason_code": "34"}, 34),
        ({"reason": "no_answer"}, 19),
    ],
)
async def test_hangup_tells_phone_and_stream_the_cause(
    node: NodeUnderTest, options: dict[str, str], cause: int
) -> None:
    app = node.connect(subscribe_all=True)
    channel = await node.call()
    node.channels.hangup(channel.id, **options)
    await settle()
    assert node.phones.legs[0].said[-1] == ("hangup", cause)
    assert app.of("ChannelDestroyed")[0]["cause"] == cause
    assert app.of("ChannelHangupRequest")[0]["soft"] is True


@pytest.mark.parametrize(
    "options",
    [{"reason": "bored"}, {"reason_code": "x"}, {"reason_code": "128"},
     {"reason": "busy", "reason_code": "17"}],
)  # fmt: skip
async def test_bad_hangup_reason_leaves_the_call_alone(
    node: NodeUnderTest, options: dict[str, str]
) -> None:
    node.connect()
    channel = await node.call()
    with pytest.raises(InvalidArgument):
        node.channels.hangup(channel.id, **options)
    assert not channel.is_hungup


async def test_continue_goes_on_at_the_next_priority(node: NodeUnderTest) -> None:
    node.connect()
    places: list[tuple[str, str, int]] = []

    async def extension(channel: object) -> None:
        from server.resources.stasis_calls import enter_stasis

        await enter_stasis(channel, "test", ["a", "b"])  # type: ignore[arg-type]
        places.append((channel.context, channel.exten, channel.priority))  # type: ignore[attr-defined]

    node.dialplan.extensions["100"] = extension
    node.dialplan.labels["there"] = 7
    for options in ({}, {"label": "there"}, {"context": "c", "extension": "e"}, {"priority": 4}):
        channel = await node.call(exten="100")
        node.channels.continue_in_dialplan(channel.id, **options)  # type: ignore[arg-type]
        await settle()
    assert places == [("default", "100", 2), ("default", "100", 7), ("c", "e", 1),
                      ("default", "100", 4)]  # fmt: skip
    channel = await node.call(exten="100")
    with pytest.raises(NotFound):
        node.channels.continue_in_dialplan(channel.id, label="nowhere")


async def test_move_ends_one_stay_and_begins_the_next(node: NodeUnderTest) -> None:
    first, second = node.connect("test"), node.connect("other")
    channel = await node.call()
    node.channels.move(channel.id, app="other", app_args='x,"y,z"')
    await settle()
    assert first.types == ["StasisStart", "StasisEnd"]
    assert second.of("StasisStart")[0]["args"] == ["x", "y,z"]


async def test_failed_move_leaves_the_channel_where_it_is(node: NodeUnderTest) -> None:
    app = node.connect()
    channel = await node.call()
    node.channels.move(channel.id, app="nobody", app_args="x")
    await settle()
    assert app.types == ["StasisStart", "ApplicationMoveFailed"]
    assert app.events[-1]["destination"] == "nobody"
    node.channels.continue_in_dialplan(channel.id)
    await settle()
    assert app.types[-1] == "StasisEnd"


async def test_dtmf_is_passed_to_the_leg_with_its_times(node: NodeUnderTest) -> None:
    node.connect()
    channel = await node.call()
    node.channels.send_dtmf(channel.id, dtmf="1a", before=1, between=2, duration=30, after=4)
    times = {"before_ms": 1, "between_ms": 2, "duration_ms": 30, "after_ms": 4}
    assert node.phones.legs[0].said[-1] == ("dtmf", "1A", times)
    for bad in ({"dtmf": ""}, {"dtmf": None}, {"dtmf": "1x"}, {"dtmf": "1", "after": -1}):
        with pytest.raises(InvalidArgument):
            node.channels.send_dtmf(channel.id, **bad)  # type: ignore[arg-type]


async def test_mute_directions(node: NodeUnderTest) -> None:
    node.connect()
    channel = await node.call()
    node.channels.mute(channel.id, direction="in")
    node.channels.unmute(channel.id)
    mutes = [c for c in node.engine.calls(channel.leg.stream) if c[0] == "STREAM_MUTE"]
    assert mutes == [("STREAM_MUTE", 1, -1), ("STREAM_MUTE", 0, 0)]
    with pytest.raises(InvalidArgument):
        node.channels.mute(channel.id, direction="up")


async def test_digits_are_reported_and_kept_for_the_controller(node: NodeUnderTest) -> None:
    app = node.connect()
    channel = await node.call()
    channel.on_dtmf("5", 120)
    await settle()
    assert app.of("ChannelDtmfReceived")[0]["digit"] == "5"
    assert app.of("ChannelDtmfReceived")[0]["duration_ms"] == 120
    assert await channel.wait_digit(0) == "5"
    assert await channel.wait_digit(0) is None


async def test_variables_are_written_in_stasis_and_read_anywhere(node: NodeUnderTest) -> None:
    app = node.connect()
    channel = await node.call()
    node.channels.set_variable(channel.id, variable="COLOUR", value="red")
    node.channels.set_variables(channel.id, variables={"A": "1", "B": ""})
    assert node.channels.get_variable(channel.id, variable="COLOUR").value == "red"
    assert node.channels.get_variables(channel.id, variables=["A", "C"]).variables == {
        "A": "1",
        "C": "",
    }
    with pytest.raises(NotFound):
        node.channels.get_variable(channel.id, variable="NONE")
    with pytest.raises(InvalidArgument):
        node.channels.get_variable(channel.id, variable="")
    await settle()
    assert [e["variable"] for e in app.of("ChannelVarset")] == ["COLOUR", "A", "B"]


async def test_redirect_stays_within_the_technology(node: NodeUnderTest) -> None:
    node.connect()
    channel = await node.call()
    node.channels.redirect(channel.id, endpoint="PJSIP/bob")
    assert node.phones.legs[0].said[-1] == ("redirect", "bob")
    with pytest.raises(Unprocessable):
        node.channels.redirect(channel.id, endpoint="Local/1@default")
    with pytest.raises(InvalidArgument):
        node.channels.redirect(channel.id, endpoint="bob")


async def test_hold_by_the_phone_is_reported(node: NodeUnderTest) -> None:
    app = node.connect()
    channel = await node.call()
    channel.on_hold("jazz")
    channel.on_hold("jazz")
    channel.on_unhold()
    await settle()
    assert app.types == ["StasisStart", "ChannelHold", "ChannelUnhold"]
    assert app.events[1]["musicclass"] == "jazz"


async def test_silent_phone_is_hung_up(node: NodeUnderTest) -> None:
    app = node.connect(subscribe_all=True)
    channel = await node.call()
    channel.on_rtp_timeout()
    await settle()
    assert app.of("ChannelDestroyed")[0]["cause"] == 44


async def test_failing_controller_hangs_up_instead_of_hanging_around(
    node: NodeUnderTest, caplog: pytest.LogCaptureFixture
) -> None:
    async def broken(channel: object) -> None:
        raise ZeroDivisionError

    node.dialplan.extensions["broken"] = broken
    leg = node.phones.call(node.incoming, "alice", "broken")
    await settle()
    assert leg.said[-1] == ("hangup", 38)
    assert len(node.registry) == 0
    assert "controller failed" in caplog.text


async def test_connected_line_is_told_to_phone_and_stream(node: NodeUnderTest) -> None:
    app = node.connect()
    channel = await node.call()
    channel.set_connected(Party("Bob", "200"))
    channel.set_connected(Party("Bob", "200"))
    await settle()
    assert node.phones.legs[0].said == [("connected", Party("Bob", "200"))]
    assert app.of("ChannelConnectedLine")[0]["channel"]["connected"]["number"] == "200"


async def test_reported_variable_is_shown_with_the_channel_from_then_on(
    node: NodeUnderTest,
) -> None:
    app = node.connect()
    channel = await node.call()
    node.channels.set_variable(channel.id, variable="PLAIN", value="1")
    node.channels.set_variable(channel.id, variable="__SHOWN", value="2", report_events=True)
    channel.variables.set("SHOWN", "3")
    await settle()
    shown = [event["channel"].get("channelvars") for event in app.of("ChannelVarset")]
    assert shown == [None, {"SHOWN": "2"}, {"SHOWN": "3"}]


async def test_shown_variables_are_bounded(node: NodeUnderTest) -> None:
    node.connect()
    channel = await node.call()
    for number in range(MAX_SHOWN):
        channel.show_variable(f"V{number}")
    channel.show_variable("V0")
    with pytest.raises(Unavailable):
        node.channels.set_variable(channel.id, variable="ONE_MORE", report_events=True)
    assert channel.variables.get("ONE_MORE") is None
