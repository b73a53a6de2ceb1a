"""What goes wrong only at the wrong moment: each of these was a bug once."""

from __future__ import annotations

import asyncio
import gc
import warnings
from typing import Any

import pytest

from server.base.errors import (
    ChannelHungUp,
    Conflict,
    InvalidArgument,
    InvalidState,
    NotFound,
    Unprocessable,
)
from server.resources.bridge import Bridge
from server.resources.channel import Channel
from server.resources.stasis_calls import enter_stasis
from server.tech.base import EndpointInfo, IncomingCall, Party
from server.tech.local import LocalLeg, LocalPair
from tests.support.node import NodeUnderTest, settle


async def answered(node: NodeUnderTest, endpoint: str = "alice") -> Channel:
    channel = await node.call(endpoint)
    node.channels.answer(channel.id)
    return channel


# on the way out of Stasis


async def test_commands_are_refused_from_the_moment_a_channel_leaves(node: NodeUnderTest) -> None:
    node.connect()
    channel = await answered(node)
    node.bridges.create(bridge_id="b")
    node.channels.continue_in_dialplan(channel.id, extension="stasis")
    with pytest.raises(Conflict, match=r"^Channel not in Stasis application$"):
        node.channels.play(channel.id, media=["sound:hello"])
    with pytest.raises(Conflict):
        node.channels.continue_in_dialplan(channel.id, extension="elsewhere")
    with pytest.raises(Unprocessable):
        node.bridges.add_channel("b", channel=[channel.id])
    assert channel.exten == "stasis"


async def test_a_channel_that_ends_before_it_enters_never_starts(node: NodeUnderTest) -> None:
    app = node.connect()
    made = node.channels.create(endpoint="PJSIP/bob", app="test", channel_id="out")
    assert made is not None
    node.channels.hangup("out")
    await settle()
    assert "StasisStart" not in app.types
    assert app.types[-1] == "ChannelDestroyed"


async def test_digits_pressed_in_stasis_are_not_read_by_the_dialplan(node: NodeUnderTest) -> None:
    node.connect()
    read: list[str | None] = []

    async def stasis_then_read(channel: Channel) -> None:
        await enter_stasis(channel, "test", [])
        read.append(await channel.wait_digit(0.01))

    node.dialplan.extensions["reads"] = stasis_then_read
    channel = await node.call(exten="reads")
    node.channels.answer(channel.id)
    channel.on_dtmf("5", 100)
    node.channels.continue_in_dialplan(channel.id)
    async with asyncio.timeout(2):
        await node.registry.wait_empty()
    assert read == [None]


async def test_a_channel_that_was_not_dialled_cannot_continue(node: NodeUnderTest) -> None:
    node.connect()
    node.channels.create(endpoint="PJSIP/bob", app="test", channel_id="out")
    await settle()
    with pytest.raises(InvalidState):
        node.channels.continue_in_dialplan("out")


async def test_a_controller_replaced_before_it_began_is_closed(node: NodeUnderTest) -> None:
    node.connect()
    channel = await node.call()

    async def controller() -> None:
        await channel.wait_hangup()

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        channel.take_control(controller(), "first")
        channel.take_control(controller(), "second")
        await settle()
    channel.hangup()
    await settle()
    assert len(node.registry) == 0


# subscriptions


async def test_a_subscription_by_hand_outlives_the_stay(node: NodeUnderTest) -> None:
    app = node.connect()
    node.dialplan.extensions["wait"] = _wait_hangup
    channel = await answered(node)
    node.applications.subscribe("test", [f"channel:{channel.id}"])
    node.channels.continue_in_dialplan(channel.id, extension="wait")
    await settle()
    channel.hangup()
    await settle()
    order = app.types
    assert order.index("StasisEnd") < order.index("ChannelHangupRequest")
    assert order[-1] == "ChannelDestroyed"


async def test_unsubscribing_by_hand_keeps_what_the_stay_needs(node: NodeUnderTest) -> None:
    app = node.connect()
    channel = await answered(node)
    source = [f"channel:{channel.id}"]
    node.applications.subscribe("test", source)
    node.applications.subscribe("test", source)
    node.applications.unsubscribe("test", source)
    channel.on_dtmf("1", 100)
    await settle()
    assert app.types[-1] == "ChannelDtmfReceived"


async def test_a_replaced_consumer_keeps_what_was_due_to_it(node: NodeUnderTest) -> None:
    first = node.connect()
    channel = await node.call()
    with node.bus.hold():
        node.channels.answer(channel.id)
        second = node.connect()
        channel.on_dtmf("1", 100)
    await settle()
    assert first.types == ["StasisStart", "ChannelStateChange", "ApplicationReplaced"]
    assert second.types == ["ChannelDtmfReceived"]


# states and events


async def test_ringing_a_caller_does_not_change_its_state(node: NodeUnderTest) -> None:
    app = node.connect()
    channel = await node.call()
    node.channels.ring(channel.id)
    await settle()
    assert channel.state == "Ring"
    assert app.types == ["StasisStart"]


async def test_the_same_caller_is_no_news(node: NodeUnderTest) -> None:
    app = node.connect()
    channel = await node.call()
    channel.on_connected_line(Party("Alice", "alice"))
    await settle()
    assert app.types == ["StasisStart"]
    channel.on_connected_line(Party("Alice Liddell", "alice"))
    await settle()
    assert app.types[-1] == "ChannelCallerId"
    assert app.events[-1]["channel"]["caller"]["name"] == "Alice Liddell"


async def test_a_device_is_reported_when_its_endpoint_comes_or_goes(node: NodeUnderTest) -> None:
    app = node.connect(subscribe_all=True)
    node.phones._endpoints["alice"] = "offline"
    node.incoming.on_endpoint_changed(EndpointInfo("PJSIP", "alice", "offline"))
    await settle()
    assert app.of("DeviceStateChanged")[-1]["device_state"] == {
        "name": "PJSIP/alice",
        "state": "UNAVAILABLE",
    }


async def test_local_channels_leave_no_device_behind(node: NodeUnderTest) -> None:
    app = node.connect(subscribe_all=True)
    for number in range(3):
        node.dialplan.extensions[str(number)] = _wait_hangup
        node.channels.originate(endpoint=f"Local/{number}@default", app="test")
    await settle()
    assert len(node.registry) == 6
    for channel in node.registry:
        channel.hangup()
    await settle()
    states = [event["device_state"] for event in app.of("DeviceStateChanged")]
    for number in range(3):
        name = f"Local/{number}@default"
        assert [s["state"] for s in states if s["name"] == name] == ["INUSE", "NOT_INUSE"]
    assert not node.devices._known


async def test_a_forwarded_dial_says_where_to(node: NodeUnderTest) -> None:
    app = node.connect()
    node.channels.originate(endpoint="PJSIP/bob", app="test")
    await settle()
    listener = node.phones.legs[-1].listener
    assert listener is not None
    listener.on_redirected("200@default")
    await settle()
    forward = [event for event in app.of("Dial") if event["dialstatus"] == "FORWARD"]
    assert [event["forward"] for event in forward] == ["200@default"]


# making channels


@pytest.mark.parametrize("verb", ["originate", "create"])
async def test_a_variable_that_fails_leaves_no_channel(node: NodeUnderTest, verb: str) -> None:
    app = node.connect(subscribe_all=True)

    def refuse(channel: Channel | None, expression: str, value: str) -> None:
        raise InvalidArgument("variable", f"{expression} can't be written")

    node.dialplan.write = refuse  # type: ignore[method-assign]
    with pytest.raises(InvalidArgument):
        getattr(node.channels, verb)(endpoint="PJSIP/bob", app="test", variables={"NOSUCH(x)": "1"})
    await settle()
    assert len(node.registry) == 0
    assert app.types[-1] == "ChannelDestroyed"


async def test_a_configured_variable_that_fails_does_not_refuse_the_call(
    node: NodeUnderTest,
) -> None:
    app = node.connect()

    def refuse(channel: Channel | None, expression: str, value: str) -> None:
        raise InvalidArgument("variable", f"{expression} can't be written")

    node.dialplan.write = refuse  # type: ignore[method-assign]
    call = IncomingCall("alice", "default", "stasis", variables={"NOSUCH(x)": "1"})
    node.incoming.incoming(node.phones.make_leg("alice"), call)
    await settle()
    assert app.types == ["StasisStart"]


async def test_both_halves_of_a_local_channel_need_ids_of_their_own(node: NodeUnderTest) -> None:
    node.connect()
    with pytest.raises(Conflict):
        node.channels.originate(
            endpoint="Local/stasis@default", app="test", channel_id="x", other_channel_id="x"
        )
    assert len(node.registry) == 0


async def test_the_other_half_of_a_named_local_channel_is_named_after_it(
    node: NodeUnderTest,
) -> None:
    node.connect()
    node.channels.originate(endpoint="Local/stasis@default", app="test", channel_id="x")
    await settle()
    assert {channel.id for channel in node.registry} == {"x", "x;2"}


async def test_formats_and_originator_exclude_each_other(node: NodeUnderTest) -> None:
    node.connect()
    channel = await node.call()
    with pytest.raises(InvalidArgument, match=r"^formats: "):
        node.channels.originate(
            endpoint="PJSIP/bob", app="test", originator=channel.id, formats="ulaw"
        )


async def test_dialling_for_a_caller_that_is_not_there(node: NodeUnderTest) -> None:
    node.connect()
    node.channels.create(endpoint="PJSIP/bob", app="test", channel_id="out")
    await settle()
    with pytest.raises(NotFound):
        node.channels.dial("out", caller="gone")


# playbacks


async def test_a_playback_that_ended_leaves_nothing_on_its_channel(node: NodeUnderTest) -> None:
    node.connect()
    channel = await answered(node)
    for _ in range(3):
        node.channels.play(channel.id, media=["sound:hello"])
        node.engine.players[-1].finish()
        await settle()
    assert channel.resources == []


async def test_many_missing_prompts_in_a_row_end_each(node: NodeUnderTest) -> None:
    app = node.connect()
    channel = await answered(node)
    node.channels.play(channel.id, media=["sound:hello"])
    for _ in range(255):
        node.channels.play(channel.id, media=["sound:missing"])
    node.engine.players[-1].finish()
    await settle()
    states = [event["playback"]["state"] for event in app.of("PlaybackFinished")]
    assert states == ["done", *["failed"] * 255]
    assert len(node.playbacks) == 0


# recordings


async def test_a_recording_whose_channel_ends_while_its_file_opens(node: NodeUnderTest) -> None:
    app = node.connect(subscribe_all=True)
    channel = await answered(node)
    node.engine.auto_open = False
    work = asyncio.ensure_future(node.channels.record(channel.id, name="memo", file_format="wav"))
    while not node.engine.recorders:
        await asyncio.sleep(0.001)
    node.phones.legs[0].far_end_hangs_up()
    with pytest.raises(Conflict):
        await work
    await settle()
    assert [kind for kind in app.types if kind != "DeviceStateChanged"][-1] == "ChannelDestroyed"
    assert "RecordingStarted" not in app.types
    assert len(node.recordings) == 0


async def test_a_canceled_recording_stays_canceled(node: NodeUnderTest, tmp_path: Any) -> None:
    app = node.connect()
    channel = await answered(node)
    await node.channels.record(channel.id, name="memo", file_format="wav")
    file = tmp_path / "memo.wav"
    file.write_bytes(b"")
    node.recordings.cancel("memo")
    node.recordings.pause("memo")
    async with asyncio.timeout(2):
        while len(node.recordings):
            await asyncio.sleep(0.001)
    await settle()
    assert app.of("RecordingFinished")[0]["recording"]["state"] == "canceled"
    assert not file.exists()


async def test_a_name_is_taken_until_the_canceled_file_is_gone(
    node: NodeUnderTest, tmp_path: Any
) -> None:
    node.connect()
    channel = await answered(node)
    await node.channels.record(channel.id, name="memo", file_format="wav")
    node.recordings.cancel("memo")
    await settle()
    try:
        await node.channels.record(channel.id, name="memo", file_format="wav")
    except Conflict:
        return  # the file is still being deleted
    (tmp_path / "memo.wav").write_bytes(b"new")
    await asyncio.sleep(0.05)
    assert (tmp_path / "memo.wav").exists()


# bridges


async def test_an_application_hears_the_end_of_its_bridge(node: NodeUnderTest) -> None:
    app = node.connect()
    channel = await answered(node)
    node.bridges.create(bridge_id="b")
    node.bridges.add_channel("b", channel=[channel.id])
    await node.bridges.record("b", name="memo", file_format="wav")
    node.bridges.play("b", media=["sound:hello"])
    node.bridges.destroy("b")
    with pytest.raises(NotFound):
        node.bridges.get("b")
    with pytest.raises(Conflict):
        node.bridges.create(bridge_id="b")
    await settle()
    assert app.types[-4:] == [
        "PlaybackFinished",
        "ChannelLeftBridge",
        "RecordingFinished",
        "BridgeDestroyed",
    ]
    node.bridges.create(bridge_id="b")


async def test_adding_a_member_again_changes_how_it_takes_part(node: NodeUnderTest) -> None:
    node.connect()
    channel = await answered(node)
    node.bridges.create(bridge_id="b")
    node.bridges.add_channel("b", channel=[channel.id])
    node.bridges.add_channel("b", channel=[channel.id], mute=True, absorb_dtmf=True)
    media = node.engine.bridges[0]
    handle = channel.leg.stream.handle
    assert ("BRIDGE_ADD", handle, 1, 0) in node.engine.calls(media)
    assert node.engine.calls(media)[-1] == ("BRIDGE_DTMF", handle, 0)


async def test_resuming_ends_only_the_music_that_holding_began(node: NodeUnderTest) -> None:
    node.connect()
    first, second = await answered(node), await answered(node, "bob")
    node.bridges.create(bridge_id="b")
    node.bridges.add_channel("b", channel=[first.id])
    first.on_hold(None)
    node.bridges.add_channel("b", channel=[second.id])
    node.channels.start_moh(second.id, moh_class="mine")
    third = await answered(node, "carol")
    node.bridges.add_channel("b", channel=[third.id])
    before = len(node.engine.calls(third.leg.stream))
    first.on_unhold()
    assert len(node.engine.calls(third.leg.stream)) == before


async def test_bridging_someone_who_just_hung_up_returns_at_once(node: NodeUnderTest) -> None:
    node.connect()
    first, second = await answered(node), await answered(node, "bob")
    node.phones.legs[1].far_end_hangs_up()
    assert await node.bridges.connect(first, second) is second
    first.hangup()
    with pytest.raises(ChannelHungUp):
        await node.bridges.connect(first, second)


async def _wait_hangup(channel: Channel) -> None:
    await channel.wait_hangup()


# digits


async def test_a_w_among_digits_waits(node: NodeUnderTest, monkeypatch: pytest.MonkeyPatch) -> None:
    node.connect()
    channel = await answered(node)
    waited: list[float] = []

    async def sleep(_channel: Channel, seconds: float) -> None:
        waited.append(seconds)

    monkeypatch.setattr(Channel, "sleep", sleep)
    node.channels.send_dtmf(channel.id, dtmf="1w23W#", before=40)
    await settle()
    sent = [said[1] for said in node.phones.legs[0].said if said[0] == "dtmf"]
    assert sent == ["1", "23", "#"]
    assert waited == [0.04, 0.5, 1.0]


async def test_hanging_up_ends_the_waits_among_digits(node: NodeUnderTest) -> None:
    node.connect()
    channel = await answered(node)
    node.channels.send_dtmf(channel.id, dtmf="1WWWWWWWW2")
    await settle()
    node.channels.hangup(channel.id)
    await settle()
    assert len(node.node.scope) == 0


# memory


async def test_a_call_leaves_no_cycle_behind(node: NodeUnderTest) -> None:
    node.connect()

    async def one_call() -> None:
        channel = await answered(node)
        node.channels.play(channel.id, media=["sound:hello"])
        node.bridges.create(bridge_id="b")
        node.bridges.add_channel("b", channel=[channel.id])
        await node.bridges.record("b", name="memo", file_format="wav")
        node.channels.hangup(channel.id)
        node.bridges.destroy("b")
        await settle()
        for made in (node.engine.players, node.engine.recorders, node.engine.streams):
            made.clear()
        node.phones.legs.clear()
        node.engine.bridges.clear()

    await one_call()
    gc.collect()
    gc.disable()
    try:
        await one_call()
        gone = [thing for thing in gc.get_objects() if isinstance(thing, (Channel, Bridge))]
    finally:
        gc.enable()
    assert gone == []


@pytest.mark.parametrize("steps", [0, 1, 12])
async def test_a_local_call_leaves_no_cycle_behind(node: NodeUnderTest, steps: int) -> None:
    node.connect()
    gc.collect()
    gc.disable()
    try:
        node.channels.originate(endpoint="Local/stasis@default", app="test", channel_id="x")
        for _ in range(steps):
            await asyncio.sleep(0)
        node.channels.hangup("x")
        await settle()
        node.engine.streams.clear()
        kinds = (Channel, LocalLeg, LocalPair)
        left = [thing for thing in gc.get_objects() if isinstance(thing, kinds)]
    finally:
        gc.enable()
    assert left == []


async def test_a_call_ended_before_it_was_dialled_is_not_dialled(node: NodeUnderTest) -> None:
    app = node.connect()
    node.channels.originate(endpoint="PJSIP/bob", app="test", channel_id="x")
    node.channels.hangup("x")
    await settle()
    assert app.types == ["ChannelHangupRequest", "ChannelDestroyed"]
    assert [said[0] for said in node.phones.legs[0].said] == ["hangup"]
