"""Texts, referrals and transfers with SIPp and baresip."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from arion.testing import Phone

from tests.support.peers.baresip import Baresip
from tests.support.peers.sipp import run_sipp
from tests.support.server_process import EventStream, ServerProcess, free_port


@pytest.fixture
async def app(server: ServerProcess) -> AsyncIterator[EventStream]:
    stream = await server.connect_app("tests", subscribeAll="true")
    yield stream
    await stream.close()


async def register_bob(server: ServerProcess, folder: Path, port: int) -> None:
    """Register SIPp as Bob at a port."""
    await run_sipp(
        folder / "bob", "register", server.sip, "-key", "expires", "300",
        user="bob", password=server.access.phones["bob"], port=port,
    )  # fmt: skip


async def test_a_text_of_sipp_reaches_the_application(
    server: ServerProcess, tmp_path: Path, app: EventStream
) -> None:
    await run_sipp(
        tmp_path, "uac_message", server.sip, "-key", "number", "102",
        password=server.access.phones["alice"],
    )  # fmt: skip
    event = await app.wait_for("TextMessageReceived")
    assert event["message"]["body"] == "Watson, come here"
    assert event["message"]["to"].startswith("pjsip:102@127.0.0.1")
    assert event["message"]["variables"]["X-Mood"] == "urgent"
    assert event["endpoint"]["resource"] == "alice"


async def test_a_text_of_an_application_reaches_sipp(server: ServerProcess, tmp_path: Path) -> None:
    port = free_port()
    await register_bob(server, tmp_path, port)
    bob = asyncio.create_task(
        run_sipp(tmp_path / "bob", "uas_message", server.sip, user="bob", port=port)
    )
    query = {"from": "pjsip:700", "body": "hello from the application"}
    body = {"variables": {"X-Mood": "urgent"}}
    path = "/endpoints/PJSIP/bob/sendMessage"
    await server.request("PUT", path, expect=202, json=body, **query)
    await bob


async def test_sipp_is_asked_to_call_somebody(server: ServerProcess, tmp_path: Path) -> None:
    port = free_port()
    await register_bob(server, tmp_path, port)
    bob = asyncio.create_task(
        run_sipp(tmp_path / "bob", "uas_referred", server.sip, user="bob", port=port)
    )
    query = {"to": "pjsip:bob", "from": "me", "refer_to": "sip:200@example.com"}
    await server.request("POST", "/endpoints/refer", expect=202, **query)
    await bob


async def test_sipp_transfers_whom_it_called(
    server: ServerProcess, tmp_path: Path, app: EventStream, bob: Phone
) -> None:
    alice = asyncio.create_task(
        run_sipp(
            tmp_path, "uac_transfer", server.sip, "-key", "number", "102", "-key", "target", "702",
            password=server.access.phones["alice"],
        )
    )  # fmt: skip
    called = await bob.wait_call()
    called.accept()
    await alice
    event = await app.wait_for("BridgeBlindTransfer")
    assert (event["exten"], event["result"]) == ("702", "Success")
    assert event["transferee"]["name"].startswith("PJSIP/bob")
    await asyncio.wait_for(called.ended.wait(), 20)  # 702 plays a word and hangs up


async def test_a_transfer_to_nowhere_is_refused(
    server: ServerProcess, tmp_path: Path, bob: Phone
) -> None:
    alice = asyncio.create_task(
        run_sipp(
            tmp_path, "uac_transfer_refused", server.sip, "-key", "number", "102",
            "-key", "target", "999", "-d", "200", password=server.access.phones["alice"],
        )
    )  # fmt: skip
    called = await bob.wait_call()
    called.accept()
    await alice
    await asyncio.wait_for(called.ended.wait(), 5)


async def test_an_application_decides_on_a_transfer(
    server: ServerProcess, tmp_path: Path, app: EventStream
) -> None:
    alice = asyncio.create_task(
        run_sipp(
            tmp_path, "uac_transfer_by_app", server.sip, "-key", "number", "710",
            "-key", "target", "999", "-d", "200", password=server.access.phones["alice"],
        )
    )  # fmt: skip
    channel = (await app.wait_for("StasisStart"))["channel"]["id"]
    await server.post(
        f"/channels/{channel}/variable", variable="PJSIP_TRANSFER_HANDLING()", value="ari-only"
    )
    await server.post(f"/channels/{channel}/answer")
    event = await app.wait_for("ChannelTransfer")
    assert event["refer_to"]["requested_destination"] == {"destination": "999"}
    assert event["referred_by"]["source_channel"]["id"] == channel
    await server.post(f"/channels/{channel}/transfer_progress", states="channel_declined")
    await alice


async def test_baresip_transfers_whom_it_called(
    server: ServerProcess, tmp_path: Path, app: EventStream, bob: Phone, speech: Path
) -> None:
    password = server.access.phones["alice"]
    async with Baresip(tmp_path / "alice", "alice", password, server.sip, says=speech) as alice:
        dialled = asyncio.create_task(alice.dial("102"))
        called = await bob.wait_call()
        called.accept()
        await dialled
        await alice.command("transfer", f"sip:702@{server.sip[0]}:{server.sip[1]}")
        assert (await app.wait_for("BridgeBlindTransfer"))["result"] == "Success"
        await alice.wait_for("CALL_CLOSED")
        await asyncio.wait_for(called.ended.wait(), 20)


def tag_of(log: str, header: str, call_id: str) -> str:
    """The tag in a header of the 200 with which a call to baresip's number was answered."""
    for message in re.split(r"<--- \w+ SIP message", log):
        if f"Call-ID: {call_id}" in message and "SIP/2.0 200 OK" in message:
            found = re.search(rf"^\s*{header}: .*;tag=([^;\s\\]+)", message, re.MULTILINE)
            if found:
                return found[1]
    raise AssertionError(f"no 200 of {call_id}")


async def test_baresip_connects_both_whom_it_called(
    server: ServerProcess, tmp_path: Path, app: EventStream, bob: Phone, speech: Path
) -> None:
    password, host, port = server.access.phones["alice"], *server.sip
    async with (
        Phone("carol", server.access.phones["carol"], server=server.sip) as carol,
        Baresip(tmp_path / "alice", "alice", password, server.sip, says=speech) as alice,
    ):
        assert await carol.register() == 200
        talks = []
        for number, phone in (("102", bob), ("103", carol)):
            dialled = asyncio.create_task(alice.dial(number))
            called = await phone.wait_call()
            called.accept()
            await dialled
            talks.append(called)
        channels = await server.get("/channels")
        first = next(c for c in channels if c["dialplan"]["exten"] == "102")
        call_id = first["protocol_id"]
        to_tag, from_tag = (tag_of(server.log, name, call_id) for name in ("To", "From"))
        replaces = f"{call_id}%3Bto-tag%3D{to_tag}%3Bfrom-tag%3D{from_tag}"
        await alice.command("transfer", f"sip:102@{host}:{port}?Replaces={replaces}")
        event = await app.wait_for("BridgeAttendedTransfer")
        assert (event["result"], event["destination_type"]) == ("Success", "bridge")
        assert event["transferee"]["name"].startswith("PJSIP/carol")
        assert event["transfer_target"]["name"].startswith("PJSIP/bob")
        await alice.wait_for("CALL_CLOSED")
        bridge = await server.get(f"/bridges/{event['destination_bridge']}")
        parties = {event[name]["id"] for name in ("transferee", "transfer_target")}
        assert set(bridge["channels"]) == parties
        await talks[1].hangup()
        await asyncio.wait_for(talks[0].ended.wait(), 5)


async def test_an_application_redirects_a_ringing_call_of_sipp(
    server: ServerProcess, tmp_path: Path, app: EventStream
) -> None:
    alice = asyncio.create_task(
        run_sipp(
            tmp_path, "uac_redirected", server.sip, "-key", "number", "710",
            password=server.access.phones["alice"],
        )
    )  # fmt: skip
    channel = (await app.wait_for("StasisStart"))["channel"]["id"]
    await server.post(f"/channels/{channel}/redirect", endpoint="PJSIP/alice/sip:200@example.com")
    await alice
    destroyed = await app.wait_for("ChannelDestroyed", channel__id=channel)
    assert (destroyed["cause"], destroyed["tech_cause"]) == (23, 302)


async def test_an_application_redirects_an_answered_call_of_baresip(
    server: ServerProcess, tmp_path: Path, app: EventStream, speech: Path
) -> None:
    password = server.access.phones["alice"]
    async with Baresip(tmp_path / "alice", "alice", password, server.sip, says=speech) as alice:
        dialled = asyncio.create_task(alice.dial("710"))
        channel = (await app.wait_for("StasisStart"))["channel"]["id"]
        await server.post(f"/channels/{channel}/answer")
        await dialled
        target = f"PJSIP/alice/sip:702@{server.sip[0]}:{server.sip[1]}"
        await server.post(f"/channels/{channel}/redirect", endpoint=target)
        await app.wait_for("ChannelCreated", channel__dialplan__exten="702")
        await app.wait_for("ChannelDestroyed", channel__dialplan__exten="702")


@pytest.mark.slow
@pytest.mark.timeout(150)
async def test_a_peer_that_stops_refreshing_is_hung_up_on(tmp_path: Path) -> None:
    """The caller dies after its ACK; the called phone stays silent and sees our BYE."""
    server = ServerProcess(tmp_path / "var")
    pjsip = server.var / "etc/pjsip.conf"
    pjsip.write_text(pjsip.read_text().replace("rtp_timeout = 60", "rtp_timeout = 0"))
    await server.start()
    try:
        port = free_port()
        await register_bob(server, tmp_path, port)
        app = await server.connect_app("tests", subscribeAll="true")
        bob = asyncio.create_task(
            run_sipp(tmp_path / "bob", "uas_silent", server.sip, user="bob", port=port, seconds=90)
        )
        await server.post("/channels", endpoint="PJSIP/bob", app="tests")
        await run_sipp(
            tmp_path, "uac_dies", server.sip, "-key", "number", "700",
            password=server.access.phones["alice"],
        )  # fmt: skip
        begun = asyncio.get_running_loop().time()
        for _ in range(2):
            event = await app.wait_for("ChannelDestroyed", 75)
            assert 50 < asyncio.get_running_loop().time() - begun < 75
            assert event["tech_cause"] == 408
        await bob
        await app.close()
        assert await server.leftovers() == []
        assert await server.stop() == 0
    finally:
        await server.kill()
