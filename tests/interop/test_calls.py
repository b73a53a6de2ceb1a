"""baresip and our own phone call the server; what they hear is measured."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from arion.testing import Phone
from arion.testing.audio import FRAME, RATE, read_wav, write_wav
from first_config import SOUNDS

from tests.support import audio
from tests.support.peers.baresip import Baresip
from tests.support.server_process import EventStream, ServerProcess

PROMPT = SOUNDS / "sounds/en/vm-intro.wav"
CHUNK = RATE // 4  # samples
MARGIN = 200  # samples
SILENT = -45.0  # dBm0: not audible beside a tone of -10
LEVEL = -10.0


@pytest.fixture
async def app(server: ServerProcess) -> AsyncIterator[EventStream]:
    """The Stasis application that extension 710 enters."""
    stream = await server.connect_app("tests")
    yield stream
    await stream.close()


def make_tone(folder: Path, hz: float, seconds: float = 10) -> Path:
    """Write a tone to a wav file that can be played in a loop."""
    path = folder / f"tone-{hz:.0f}.wav"
    write_wav(path, audio.samples(audio.tone(hz, seconds, LEVEL)))
    return path


def baresip(server: ServerProcess, folder: Path, user: str, says: Path, **options: Any) -> Baresip:
    """A baresip with the account of one of the phones."""
    password = server.access.phones[user]
    return Baresip(folder / user, user, password, server.sip, says=says, **options)


def assert_gap_free(wanted: audio.Signal, heard: audio.Signal) -> None:
    """Each piece of the prompt follows the one before it: nothing missing, nothing between."""
    heard = audio.with_silence(heard, MARGIN)
    start = audio.find(wanted, heard).start
    for offset in range(0, len(wanted) - CHUNK, CHUNK):
        piece = wanted[offset : offset + CHUNK]
        if audio.rms(piece) < 100:
            continue  # a pause in the speech looks like any other
        match = audio.find(piece, heard[start + offset - MARGIN :][: CHUNK + 2 * MARGIN])
        assert abs(match.start - MARGIN) <= 1, f"at {offset / RATE:.2f} s"
        assert match.correlation > 0.97, f"at {offset / RATE:.2f} s"


async def enter(server: ServerProcess, app: EventStream) -> str:
    """Answer the next call that enters the application; return its channel's id."""
    event = await app.wait_for("StasisStart")
    channel: str = event["channel"]["id"]
    await server.post(f"/channels/{channel}/answer")
    return channel


async def test_baresip_hears_the_prompt_without_a_gap(
    server: ServerProcess, app: EventStream, tmp_path: Path, speech: Path
) -> None:
    async with baresip(server, tmp_path, "alice", speech) as phone:
        dialled = asyncio.create_task(phone.dial("710"))
        channel = await enter(server, app)
        await dialled
        await server.post(f"/channels/{channel}/play", media="sound:vm-intro")
        await app.wait_for("PlaybackFinished")
        await server.delete(f"/channels/{channel}")
        await phone.wait_for("CALL_CLOSED")
    assert_gap_free(audio.load(PROMPT), audio.load(phone.hears))


async def test_each_key_is_seen_once(
    server: ServerProcess, app: EventStream, tmp_path: Path, speech: Path
) -> None:
    async with baresip(server, tmp_path, "alice", speech) as phone:
        dialled = asyncio.create_task(phone.dial("710"))
        await enter(server, app)
        await dialled
        await phone.press("12#")
        await app.wait_for("ChannelDtmfReceived", digit="#")
        await phone.hangup()
        await app.wait_for("StasisEnd")
    seen = [e["digit"] for e in app.events if e["type"] == "ChannelDtmfReceived"]
    assert seen == ["1", "2", "#"]


async def test_what_baresip_says_is_recorded_and_replayed(
    server: ServerProcess, app: EventStream, tmp_path: Path, speech: Path
) -> None:
    async with baresip(server, tmp_path, "alice", speech) as phone:
        dialled = asyncio.create_task(phone.dial("710"))
        channel = await enter(server, app)
        await dialled
        await server.post(f"/channels/{channel}/record", name="said", format="wav")
        await asyncio.sleep(3)  # baresip speaks in a loop
        await server.post("/recordings/live/said/stop")
        await app.wait_for("RecordingFinished")
        await server.post(f"/channels/{channel}/play", media="recording:said")
        await app.wait_for("PlaybackFinished")
        await phone.hangup()
        await app.wait_for("StasisEnd")
    recorded = audio.load(server.recordings / "said.wav")
    assert audio.find(audio.load(speech), recorded).correlation > 0.98
    assert audio.find(recorded[RATE // 2 : 2 * RATE], audio.load(phone.hears)).correlation > 0.98
    stored = await server.get("/recordings/stored/said/file")
    assert stored == (server.recordings / "said.wav").read_bytes()


async def test_a_recording_replays_bit_close(
    server: ServerProcess, app: EventStream, alice: Phone, speech: Path
) -> None:
    dialled = asyncio.create_task(alice.call("710"))
    channel = await enter(server, app)
    call = await dialled
    await server.post(f"/channels/{channel}/record", name="said", format="wav")
    await call.audio.say(read_wav(speech))
    await asyncio.sleep(0.2)  # the end of it is still under way
    await server.post("/recordings/live/said/stop")
    await app.wait_for("RecordingFinished")
    recorded = audio.load(server.recordings / "said.wav")
    spoken = audio.load(speech)
    heard_at = audio.find(spoken, recorded)
    assert audio.snr(spoken, recorded[heard_at.start :]) > 35  # what G.711 leaves
    before = len(call.audio.heard)
    await server.post(f"/channels/{channel}/play", media="recording:said")
    await app.wait_for("PlaybackFinished")
    await call.hangup()
    replayed = audio.signal(call.audio.heard[before:])
    start = audio.find(recorded, replayed).start
    overlap = min(len(recorded), len(replayed) - start)
    assert overlap > len(spoken)
    assert audio.snr(recorded[:overlap], replayed[start:]) > 60  # G.711 of G.711 changes nothing


@pytest.mark.slow
async def test_two_phones_in_a_bridge_hear_each_other_for_30_seconds(
    server: ServerProcess, tmp_path: Path
) -> None:
    says_a, says_b = make_tone(tmp_path, 400, 60), make_tone(tmp_path, 1000, 60)
    async with (
        baresip(server, tmp_path, "bob", says_b, registers=True, answers=True) as bob,
        baresip(server, tmp_path, "alice", says_a) as alice,
    ):
        await server.until_registered("bob")
        await alice.dial("102")
        await bob.wait_for("CALL_ESTABLISHED")
        await asyncio.sleep(31)
        await alice.hangup()
        await bob.wait_for("CALL_CLOSED")
    for phone, hz in ((alice, 1000), (bob, 400)):
        levels = audio.levels(audio.load(phone.hears), hz)
        # Ends in whatever the last 100 ms were; begins when both had answered.
        loud = [level for level in levels if level > LEVEL - 1]
        assert len(loud) >= 295
        first = levels.index(loud[0])
        assert all(abs(level - LEVEL) < 1 for level in levels[first + 1 : first + 295])


async def test_a_tone_crosses_the_bridge_within_60_ms(
    server: ServerProcess, alice: Phone, bob: Phone
) -> None:
    dialled = asyncio.create_task(alice.call("102"))
    called = await bob.wait_call()
    called.accept()
    calling = await dialled
    loop = asyncio.get_running_loop()
    for sender, receiver in ((calling, called), (called, calling)):
        await asyncio.sleep(0.3)
        base, packets = len(receiver.audio.heard), len(receiver.audio.arrivals)
        said_at = loop.time()
        await sender.audio.say(audio.samples(audio.tone(700, 0.5, LEVEL)))
        await asyncio.sleep(0.1)
        heard = audio.signal(receiver.audio.heard[base:])
        onset = int(audio.onset(heard, 700) * RATE)
        arrival = receiver.audio.arrivals[packets + onset // FRAME]
        assert 0 <= arrival.time - said_at < 0.06
        assert abs(audio.level(heard[onset + 800 :][:2400], 700) - LEVEL) < 0.5
        assert audio.longest_pause(receiver.audio.arrivals[packets:]) < 0.06
    assert audio.lost_packets(calling.audio.arrivals) == 0
    assert audio.lost_packets(called.audio.arrivals) == 0
    await calling.hangup()
    await asyncio.wait_for(called.ended.wait(), 5)


async def test_three_in_a_conference_hear_the_others_and_not_themselves(
    server: ServerProcess, app: EventStream, tmp_path: Path
) -> None:
    tones = {"alice": 400, "bob": 700, "carol": 1000}
    await server.post("/bridges", type="mixing", bridgeId="room")
    phones: dict[str, Baresip] = {}
    async with contextlib.AsyncExitStack() as stack:
        for user, hz in tones.items():
            phone = baresip(server, tmp_path, user, make_tone(tmp_path, hz, 30))
            phones[user] = await stack.enter_async_context(phone)
            dialled = asyncio.create_task(phone.dial("710"))
            channel = await enter(server, app)
            await dialled
            await server.post("/bridges/room/addChannel", channel=channel)
        await asyncio.sleep(4)
        await server.delete("/bridges/room")
        for channel_ in await server.get("/channels"):
            await server.delete(f"/channels/{channel_['id']}")
    for user, phone in phones.items():
        heard = audio.load(phone.hears)[-3 * RATE :][: 2 * RATE]
        for other, hz in tones.items():
            level = audio.level(heard, hz)
            if other == user:
                assert level < SILENT, f"{user} hears itself"
            else:
                assert abs(level - LEVEL) < 1.5, f"{user} hears {other} at {level:.1f} dBm0"


async def test_a_call_between_two_phones_is_spied_on_and_whispered_to(
    server: ServerProcess, app: EventStream, alice: Phone, bob: Phone
) -> None:
    dialled = asyncio.create_task(alice.call("102"))
    called = await bob.wait_call()
    called.accept()
    calling = await dialled
    names = {c["name"].partition("-")[0]: c["id"] for c in await server.get("/channels")}
    spied = names["PJSIP/alice"]
    await server.post(
        f"/channels/{spied}/snoop/spy", app="tests", spy="both", whisper="out", appArgs="x"
    )
    started = await app.wait_for("StasisStart")
    assert (started["channel"]["id"], started["args"]) == ("spy", ["x"])
    await server.post("/channels/spy/record", name="spied", format="wav")
    await server.post("/channels/spy/play", media="tone:700")
    both = (calling.audio, 400), (called.audio, 1000)
    await asyncio.gather(
        *(phone.say(audio.samples(audio.tone(hz, 1.5, LEVEL))) for phone, hz in both)
    )
    await server.post("/recordings/live/spied/stop")
    await app.wait_for("RecordingFinished")
    window = slice(-RATE, -RATE // 2)  # the tones end a moment before the recording does
    spied_audio = audio.load(server.recordings / "spied.wav")[window]
    for hz in (400, 1000):
        assert abs(audio.level(spied_audio, hz) - LEVEL) < 1.5
    assert audio.level(spied_audio, 700) < SILENT
    heard = audio.signal(calling.audio.heard)[-RATE // 2 :]
    assert audio.level(heard, 700) > LEVEL - 6
    assert audio.level(audio.signal(called.audio.heard)[-RATE // 2 :], 700) < SILENT
    await calling.hangup()
    await app.wait_for("ChannelDestroyed", channel__id="spy")
    await asyncio.wait_for(called.ended.wait(), 5)


async def test_a_missing_prompt_does_not_end_the_call(
    server: ServerProcess, alice: Phone, speech: Path
) -> None:
    call = await alice.call("702")
    await asyncio.wait_for(call.ended.wait(), 10)
    assert audio.find(audio.load(speech), audio.signal(call.audio.heard)).correlation > 0.97


async def test_baresip_calls_over_tcp(server: ServerProcess, tmp_path: Path, speech: Path) -> None:
    async with baresip(server, tmp_path, "alice", speech, transport="tcp") as phone:
        await phone.dial("602")
        await phone.wait_for("CALL_CLOSED")
    assert "Received SIP message from TCP" in server.log
    assert_gap_free(audio.load(speech), audio.load(phone.hears))


async def test_baresip_holds_and_resumes(
    server: ServerProcess, app: EventStream, tmp_path: Path, speech: Path
) -> None:
    async with baresip(server, tmp_path, "alice", speech) as phone:
        dialled = asyncio.create_task(phone.dial("710"))
        channel = await enter(server, app)
        await dialled
        await phone.command("hold")
        await app.wait_for("ChannelHold", channel__id=channel)
        await phone.command("resume")
        await app.wait_for("ChannelUnhold", channel__id=channel)
        await phone.hangup()
        await app.wait_for("StasisEnd")


async def test_baresip_with_a_wrong_password_is_rejected(
    server: ServerProcess, tmp_path: Path, speech: Path
) -> None:
    phone = Baresip(tmp_path / "mallory", "alice", "wrong", server.sip, says=speech)
    async with phone:
        await phone.command("dial", f"sip:710@{server.sip[0]}:{server.sip[1]}")
        closed = await phone.wait_for("CALL_CLOSED")
    assert "401" in closed["param"]


async def test_audio_comes_back_after_hold(
    server: ServerProcess, app: EventStream, alice: Phone
) -> None:
    dialled = asyncio.create_task(alice.call("710"))
    channel = await enter(server, app)
    call = await dialled
    await call.hold()
    await app.wait_for("ChannelHold", channel__id=channel)
    await call.resume()
    await app.wait_for("ChannelUnhold", channel__id=channel)
    await server.post(f"/channels/{channel}/play", media="sound:vm-intro")
    await app.wait_for("PlaybackFinished")
    await asyncio.sleep(0.2)
    await call.hangup()
    assert_gap_free(audio.load(PROMPT), audio.signal(call.audio.heard))
