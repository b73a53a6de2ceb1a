"""The actions about digits, texts, playback, recordings, modules and the log."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from server.dialplan.controlled_playback import ControlKeys, ControlledPlayback
from server.media.streams import FileSource
from server.resources.modules import Module
from server.tech.local import LocalLeg
from tests.support.ami import AmiUnderTest, Client
from tests.support.node import settle

PLAN = """
exten => s,1,Answer()
same => n,Wait(60)
exten => spy,1,Answer()
same => n,ChanSpy(PJSIP/alice,q)
exten => control,1,ControlPlayback(hello)
same => n,Wait(60)
"""


@pytest.fixture
def ami(ami: AmiUnderTest) -> AmiUnderTest:
    ami.load(PLAN)
    return ami


async def message(client: Client, action: str, **named: str) -> str:
    return (await client.ask(action, **named))[0].get("Message", "")


# digits and texts


async def test_digits_are_sent_or_pretended(ami: AmiUnderTest, client: Client) -> None:
    channel = await ami.call()
    digit = {"Channel": channel.name, "Digit": "5"}
    assert await message(client, "PlayDTMF", **digit, Duration="250") == "DTMF successfully queued"
    name, digits, times = ami.leg(channel).said[-1]
    assert (name, digits, times["duration_ms"]) == ("dtmf", "5", 250)  # type: ignore[index]
    await client.ask("PlayDTMF", **digit, Receive="yes")
    assert [c[0] for c in ami.under.engine.calls(channel.leg.stream)][-1] == "STREAM_RECEIVE_DTMF"
    assert await message(client, "PlayDTMF", Channel=channel.name) == "No digit specified"
    assert await message(client, "PlayDTMF", Digit="5") == "Channel not specified"
    assert await message(client, "PlayDTMF", Channel=channel.name, Digit="x") == (
        "Digits are 0-9, *, # and A-D"
    )
    assert await message(client, "PlayDTMF", **digit, Duration="long") == "Invalid duration"


async def test_mf_digits_are_played_as_tones(ami: AmiUnderTest, client: Client) -> None:
    channel = await ami.call()
    answer = await message(client, "PlayMF", Channel=channel.name, Digit="*5#", Duration="80")
    assert answer == "MF successfully queued"
    tones = [source.tonelist for source in ami.under.engine.players[-1].sources]  # type: ignore[union-attr]
    assert [tone.split("/")[1] for tone in tones] == ["120,!0", "80,!0", "65,!0"]
    assert "Response: Error" in await answer_to(client, "PlayMF", Channel=channel.name, Digit="D")


async def answer_to(client: Client, action: str, **named: str) -> str:
    await client.ask(action, **named)
    return client.text


async def test_a_flash_is_for_analogue_trunks(ami: AmiUnderTest, client: Client) -> None:
    channel = await ami.call()
    assert "no analogue trunk" in await message(client, "SendFlash", Channel=channel.name)


async def test_a_text_is_sent_inside_the_call(ami: AmiUnderTest, client: Client) -> None:
    channel = await ami.call()
    assert await message(client, "SendText", Channel=channel.name, Message="hi") == "Success"
    assert ("text", "hi") in ami.leg(channel).said
    assert await message(client, "SendText", Channel=channel.name) == "No Message specified"
    assert await message(client, "SendText", Channel="x", Message="hi") == "No such channel"


async def test_a_text_is_sent_outside_of_calls(ami: AmiUnderTest, client: Client) -> None:
    text = {"To": "PJSIP/alice", "From": "sip:a@b", "Variable": "X-A=1"}
    assert await message(client, "MessageSend", **text, Body="hi") == "Message successfully sent"
    await client.ask("MessageSend", **text, Base64Body="aGkgYWdhaW4=")
    assert ami.under.phones.sent == [
        ("message", "alice", "sip:a@b", body, {"X-A": "1"}) for body in ("hi", "hi again")
    ]
    assert await message(client, "MessageSend", Body="hi") == "No 'To' address specified."
    failed = await message(client, "MessageSend", To="PJSIP/nobody", From="sip:a@b", Body="hi")
    assert failed.startswith("Message failed to send")
    wrong = await message(client, "MessageSend", **text, Base64Body="!")
    assert wrong == "Base64Body can't be decoded"


# what is heard


async def test_a_playback_is_controlled(ami: AmiUnderTest, client: Client) -> None:
    channel = await ami.call()
    playback = ControlledPlayback(channel, ControlKeys())
    ami.dialplan.state_of(channel).controlled = playback
    ami.under.node.scope.spawn(playback.play([FileSource("/a.wav")]), "playback")
    await settle()
    for control in ("pause", "forward", "reverse", "restart", "stop"):
        block = (await client.ask("ControlPlayback", Channel=channel.name, Control=control))[0]
        assert block["Response"] == "Success"
    done = [name for name, *_ in ami.under.engine.calls(ami.under.engine.players[-1])]
    assert "PLAYER_PAUSE" in done
    assert "PLAYER_STOP" in done
    answer = await message(client, "ControlPlayback", Channel=channel.name, Control="sing")
    assert answer == "Unknown control command"


async def test_a_channel_is_muted(ami: AmiUnderTest, client: Client) -> None:
    channel = await ami.call()
    stream = channel.leg.stream
    for direction, state in (("in", "on"), ("out", "on"), ("all", "off")):
        named = {"Channel": channel.name, "Direction": direction, "State": state}
        assert (await client.ask("MuteAudio", **named))[0]["Response"] == "Success"
    muted = [args for name, *args in ami.under.engine.calls(stream) if name == "STREAM_MUTE"]
    assert muted == [[1, -1], [-1, 1], [0, 0]]
    named = {"Channel": channel.name, "Direction": "up", "State": "on"}
    assert await message(client, "MuteAudio", **named) == "Direction must be in, out or all"


async def test_a_local_channel_may_take_itself_out(ami: AmiUnderTest, client: Client) -> None:
    await client.ask("Originate", Channel="Local/s@default/n", Application="Wait", Data="60",
                     Async="yes")  # fmt: skip
    await settle()
    half = next(each for each in ami.under.registry if isinstance(each.leg, LocalLeg))
    assert isinstance(half.leg, LocalLeg)
    assert not half.leg.pair.may_optimize
    answer = await message(client, "LocalOptimizeAway", Channel=half.name)
    assert answer == "Queued channel to be optimized away"
    assert half.leg.pair.may_optimize
    phone = await ami.call()
    assert await message(client, "LocalOptimizeAway", Channel=phone.name) == (
        "Unable to find channel"
    )


async def test_the_rest_of_a_call_is_limited(ami: AmiUnderTest, client: Client) -> None:
    channel = await ami.call()
    named = {"Channel": channel.name, "Timeout": "30.5"}
    assert await message(client, "AbsoluteTimeout", **named) == "Timeout Set"
    assert ami.dialplan.state_of(channel).absolute_timer is not None
    await client.ask("AbsoluteTimeout", Channel=channel.name, Timeout="0")
    assert ami.dialplan.state_of(channel).absolute_timer is None
    for wrong in ("", "soon", "-1", "nan", "1e99"):
        named["Timeout"] = wrong
        assert await message(client, "AbsoluteTimeout", **named) == "No timeout specified"


# recordings


async def test_a_call_is_recorded_muted_and_stopped(ami: AmiUnderTest, client: Client) -> None:
    channel = await ami.call()
    block = (
        await client.ask_thread(
            "MixMonitor", Channel=channel.name, File="talk.wav", Options="i(ID)"
        )
    )[0]
    assert block["Response"] == "Success"
    assert ami.value(channel, "ID") == block["MixMonitorID"]
    assert (ami.value(channel, "MIXMONITOR_FILENAME") or "").endswith("/talk.wav")
    mute = {"Channel": channel.name, "Direction": "both", "State": "1"}
    assert (await client.ask("MixMonitorMute", **mute))[0]["Response"] == "Success"
    mute["Direction"] = "up"
    assert await message(client, "MixMonitorMute", **mute) == (
        "Invalid direction specified. Must be read, write or both"
    )
    named = {"Channel": channel.name, "MixMonitorID": block["MixMonitorID"]}
    assert (await client.ask("StopMixMonitor", **named))[0]["Response"] == "Success"
    assert await message(client, "StopMixMonitor", **named | {"MixMonitorID": "x"}) == (
        "Could not stop monitoring channel"
    )


async def test_a_recording_stays_in_its_directory(ami: AmiUnderTest, client: Client) -> None:
    channel = await ami.call()
    named = {"Channel": channel.name, "File": "/etc/talk.wav"}
    block = (await client.ask_thread("MixMonitor", **named))[0]
    assert block["Message"].startswith("Could not start monitoring channel")


async def test_who_spies_on_whom_is_told(ami: AmiUnderTest, client: Client) -> None:
    alice = await ami.call()
    spy = await ami.call("spy", endpoint="bob")
    begun = client.event("ChanSpyStart")
    assert (begun["SpyerChannel"], begun["SpyeeChannel"]) == (spy.name, alice.name)
    alice.hangup()
    await settle()
    assert client.event("ChanSpyStop")["SpyerUniqueid"] == spy.id


# modules and the log


async def test_modules_are_loaded_unloaded_and_checked(ami: AmiUnderTest, client: Client) -> None:
    done: list[str] = []
    ami.under.modules.add(
        Module("app_x.so", "X", load=lambda: done.append("in"), unload=lambda: done.append("out"))
    )
    check = (await client.ask("ModuleCheck", Module="app_x"))[0]
    assert check == {"Response": "Success", "Version": ""}
    module = {"Module": "app_x.so"}
    assert await message(client, "ModuleLoad", **module, LoadType="unload") == "Module unloaded."
    assert await message(client, "ModuleCheck", **module) == "Module not loaded"
    failed = await message(client, "ModuleLoad", **module, LoadType="unload")
    assert failed.startswith("Could not unload module.")
    assert await message(client, "ModuleLoad", **module, LoadType="load") == "Module loaded."
    assert await message(client, "ModuleLoad", **module, LoadType="refresh") == "Module refreshed."
    assert done == ["out", "in", "out", "in"]
    wrong = "Incomplete ModuleLoad action."
    assert await message(client, "ModuleLoad", **module) == wrong
    assert await message(client, "ModuleLoad", **module, LoadType="dance") == wrong


async def test_configurations_are_read_again(ami: AmiUnderTest, client: Client) -> None:
    assert await message(client, "Reload") == "Module Reloaded"
    assert await message(client, "Reload", Module="res_pjsip.so") == "Module Reloaded"
    assert await message(client, "ModuleLoad", LoadType="reload") == "All modules reloaded"
    assert ami.lifecycle.reloaded == [None, "res_pjsip.so", None]


async def test_the_log_is_rotated(ami: AmiUnderTest, client: Client) -> None:
    failed = "Failed to reload the logger and rotate log files"
    assert await message(client, "LoggerRotate") == failed
    done: list[str] = []
    ami.context.log = SimpleNamespace(rotate=lambda: done.append("rotated"))  # type: ignore[assignment]
    assert await message(client, "LoggerRotate") == ("Reloaded the logger and rotated log files")
    assert done == ["rotated"]
