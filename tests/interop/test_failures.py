"""What goes wrong in the field: killed servers, full disks, dead phones, vanished apps, garbage."""

from __future__ import annotations

import asyncio
import os
import random
import re
import socket
import subprocess
import wave
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from arion.testing import CallFailed, Phone
from arion.testing.audio import RATE, read_wav

from tests.support import audio
from tests.support.server_process import ServerProcess

GARBAGE = 10_000  # packets


async def test_a_killed_server_leaves_a_readable_recording_and_restarts_clean(
    tmp_path: Path, speech: Path
) -> None:
    server = ServerProcess(tmp_path / "var")
    await server.start()
    app = await server.connect_app("tests")
    phone = Phone("alice", server.access.phones["alice"], server=server.sip)
    again: ServerProcess | None = None
    try:
        async with phone:
            assert await phone.register() == 200
            dialled = asyncio.create_task(phone.call("710"))
            channel = (await app.wait_for("StasisStart"))["channel"]["id"]
            await server.post(f"/channels/{channel}/answer")
            call = await dialled
            await server.post(f"/channels/{channel}/record", name="cut", format="wav")
            await call.audio.say(read_wav(speech))
            await asyncio.sleep(1.5)  # what is written behind reaches the file
            await app.close()
            await server.kill()
            phone.vanish()
        with wave.open(str(server.recordings / "cut.wav"), "rb") as file:
            assert file.getnframes() > RATE
        recorded = audio.load(server.recordings / "cut.wav")
        assert audio.find(audio.load(speech), recorded).correlation > 0.97

        again = ServerProcess(tmp_path / "var")
        await again.start()
        assert await again.get("/channels") == []
        assert await again.get("/bridges") == []
        assert "alice/sip:" in await again.cli("pjsip show contacts")
        assert [r["name"] for r in await again.get("/recordings/stored")] == ["cut"]
        assert await again.stop() == 0
    finally:
        for process in (server, again):
            if process:
                await process.kill()


async def test_a_call_outlives_its_application(server: ServerProcess, alice: Phone) -> None:
    app = await server.connect_app("tests")
    dialled = asyncio.create_task(alice.call("710"))
    channel = (await app.wait_for("StasisStart"))["channel"]["id"]
    await server.post(f"/channels/{channel}/answer")
    call = await dialled
    app.drop()
    heard = len(call.audio.heard)
    app = await server.connect_app("tests")
    await server.post(f"/channels/{channel}/play", media="sound:hello-world")
    await app.wait_for("PlaybackFinished")
    assert len(call.audio.heard) > heard + RATE
    await call.hangup()
    await app.wait_for("StasisEnd")
    await app.close()


async def test_a_call_to_a_missing_application_ends(server: ServerProcess, alice: Phone) -> None:
    with pytest.raises(CallFailed):
        await alice.call("710", timeout=10)


async def test_a_phone_that_dies_without_bye_is_noticed(tmp_path: Path) -> None:
    seconds = 2
    server = ServerProcess(tmp_path / "var")
    pjsip = server.var / "etc/pjsip.conf"
    pjsip.write_text(pjsip.read_text().replace("rtp_timeout = 60", f"rtp_timeout = {seconds}"))
    await server.start()
    try:
        async with Phone("alice", server.access.phones["alice"], server=server.sip) as phone:
            await phone.call("700")
            phone.vanish()
        assert len(await server.get("/channels")) == 1
        await asyncio.sleep(seconds)
        assert await server.leftovers() == []
        assert await server.stop() == 0
    finally:
        await server.kill()


@contextmanager
def small_disk(folder: Path, size_kb: int) -> Iterator[None]:
    """Put a folder on a file system that is soon full."""
    folder.mkdir(parents=True, exist_ok=True)
    if (
        os.geteuid()
        or subprocess.run(
            ["mount", "-t", "tmpfs", "-o", f"size={size_kb}k", "none", folder], check=False
        ).returncode
    ):
        pytest.skip("needs the right to mount a small file system")
    try:
        yield
    finally:
        subprocess.run(["umount", "-l", folder], check=True)


async def test_a_full_disk_ends_the_recording_and_not_the_call(tmp_path: Path) -> None:
    server = ServerProcess(tmp_path / "var")
    with small_disk(server.recordings, 48):  # three seconds of wav
        await server.start()
        try:
            async with Phone("alice", server.access.phones["alice"], server=server.sip) as phone:
                app = await server.connect_app("tests")
                dialled = asyncio.create_task(phone.call("710"))
                channel = (await app.wait_for("StasisStart"))["channel"]["id"]
                await server.post(f"/channels/{channel}/answer")
                call = await dialled
                await server.post(f"/channels/{channel}/record", name="big", format="wav")
                failed = await app.wait_for("RecordingFailed", 15)
                assert failed["recording"]["cause"]
                await server.post(f"/channels/{channel}/play", media="sound:hello-world")
                await app.wait_for("PlaybackFinished")
                await call.hangup()
                await app.close()
            assert await server.leftovers() == []
            assert await server.stop() == 0
        finally:
            await server.kill()


def mutations(seeds: list[bytes], count: int) -> Iterator[bytes]:
    """Cut, splice and flip valid messages; some are noise altogether."""
    random_ = random.Random(4475)
    for _ in range(count):
        data = bytearray(random_.choice(seeds))
        kind = random_.randrange(4)
        if kind == 0:
            data = data[: random_.randrange(len(data))]
        elif kind == 1:
            for _ in range(random_.randrange(1, 20)):
                data[random_.randrange(len(data))] = random_.randrange(256)
        elif kind == 2:
            at = random_.randrange(len(data))
            data[at:at] = random_.choice(seeds)[: random_.randrange(400)]
        else:
            data = bytearray(random_.randbytes(random_.randrange(1, 600)))
        yield bytes(data)


@pytest.mark.slow
async def test_ten_thousand_malformed_packets_leave_calls_unharmed(
    server: ServerProcess, alice: Phone, bob: Phone
) -> None:
    dialled = asyncio.create_task(alice.call("102"))
    called = await bob.wait_call()
    called.accept()
    call = await dialled
    port = int(re.search(rb"m=audio (\d+)", b"".join(d for k, d in alice.trace if k == "<"))[1])  # type: ignore[index]
    # Whoever can replay credentials makes real calls; what is thrown here comes from strangers.
    sip = [d for kind, d in alice.trace if kind == ">" and b"Authorization" not in d]
    rtp = [bytes([0x80, 0, 0, 1]) + bytes(8) + bytes(160), bytes([0x80, 200, 0, 6]) + bytes(24)]
    packets = len(called.audio.arrivals)
    with socket.socket(type=socket.SOCK_DGRAM) as attacker:
        targets = (
            (server.sip, mutations(sip, GARBAGE // 2)),
            (("127.0.0.1", port), mutations(rtp, GARBAGE // 4)),
            (("127.0.0.1", port + 1), mutations(rtp, GARBAGE // 4)),
        )
        for target, garbage in targets:
            for number, data in enumerate(garbage):
                attacker.sendto(data, target)
                if number % 20 == 0:
                    await asyncio.sleep(0.005)
    assert await server.get("/asterisk/ping")
    during = called.audio.arrivals[packets:]
    assert audio.lost_packets(during) == 0
    assert len({arrival.ssrc for arrival in during}) == 1
    await call.hangup()
    await asyncio.wait_for(called.ended.wait(), 5)
    assert await bob.register() == 200
