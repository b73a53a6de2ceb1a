"""From AGI() in the dialplan to a process, a connection, or AsyncAGI."""

from __future__ import annotations

import asyncio
import os
import stat
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from textwrap import dedent
from urllib.parse import unquote

import dns.name
import pytest
from dns.rdtypes.IN.SRV import SRV

from server.agi.async_agi import MAX_QUEUED
from server.agi.launcher import AgiSettings, Launcher
from server.base.errors import NotFound, Unavailable
from server.dialplan.functions.dns_records import Dns
from server.resources.channel import Channel
from tests.support.dialplan import DialplanUnderTest
from tests.support.node import settle


class Launching(DialplanUnderTest):
    """A node with the AGI applications and a directory of scripts."""

    def __init__(self, tmp_path: Path) -> None:
        super().__init__(tmp_path)
        self.scripts = tmp_path / "agi-bin"
        self.scripts.mkdir()
        self.launcher = Launcher(AgiSettings(self.scripts, {"AST_AGI_DIR": str(self.scripts)}))
        self.launcher.install(self.dialplan.registry)

    def script(self, name: str, body: str) -> None:
        path = self.scripts / name
        path.write_text("#!/bin/sh\n" + dedent(body), "utf-8")
        path.chmod(path.stat().st_mode | stat.S_IXUSR)

    async def status(self, channel: Channel) -> str:
        await until(lambda: self.value(channel, "AGISTATUS") is not None)
        return self.value(channel, "AGISTATUS") or ""


@pytest.fixture
async def dut(tmp_path: Path) -> AsyncIterator[Launching]:
    made = Launching(tmp_path)
    await made.start()
    yield made
    await made.close()
    assert len(made.under.registry) == 0


async def until(is_true: Callable[[], bool]) -> None:
    for _ in range(3000):
        if is_true():
            return
        await asyncio.sleep(0.001)
    raise AssertionError("it does not come")


def files() -> int:
    return len(os.listdir("/proc/self/fd"))  # noqa: PTH208 - only counted


async def test_a_script_gets_the_environment_and_its_replies(
    dut: Launching, tmp_path: Path
) -> None:
    said = tmp_path / "said"
    dut.script(
        "hello.sh",
        f"""
        while read -r line && [ -n "$line" ]; do echo "$line" >> {said}; done
        echo 'SET VARIABLE GREETING "good day"'
        read -r reply; echo "$reply" >> {said}
        echo "$AST_AGI_DIR $1" >> {said}
        """,
    )
    before = files()
    channel = await dut.run("Set(CALLERID(num)=123)\nAGI(hello.sh,one,two)\nWait(60)")
    assert await dut.status(channel) == "SUCCESS"
    assert dut.value(channel, "GREETING") == "good day"
    lines = said.read_text("utf-8").splitlines()
    names = [line.partition(":")[0] for line in lines[:-2]]
    assert names == [
        "agi_request", "agi_channel", "agi_language", "agi_type", "agi_uniqueid", "agi_version",
        "agi_callerid", "agi_calleridname", "agi_callingpres", "agi_callingani2", "agi_callington",
        "agi_callingtns", "agi_dnid", "agi_rdnis", "agi_context", "agi_extension", "agi_priority",
        "agi_enhanced", "agi_accountcode", "agi_threadid", "agi_arg_1", "agi_arg_2",
    ]  # fmt: skip
    assert {"agi_request: hello.sh", "agi_callerid: 123", "agi_rdnis: unknown", "agi_priority: 3",
            "agi_enhanced: 0.0", "agi_type: PJSIP", "agi_arg_2: two"} <= set(lines)  # fmt: skip
    assert lines[-2:] == ["200 result=1", f"{dut.scripts} one"]
    assert files() == before


@pytest.mark.parametrize(
    ("name", "body", "expected"),
    [
        ("fails.sh", "exit 3", "FAILURE"),
        ("dies.sh", "kill -9 $$", "FAILURE"),
        ("fine.sh", "exit 0", "SUCCESS"),
        ("garbage.sh", "head -c 300000 /dev/zero; exit 0", "SUCCESS"),
        ("silent.sh", "exec >&-; exec <&-; exit 0", "SUCCESS"),
        ("flood.sh", "yes NOOP | head -n 20000; exit 0", "SUCCESS"),
    ],
)
async def test_how_a_script_ends_is_told(
    dut: Launching, name: str, body: str, expected: str
) -> None:
    dut.script(name, body)
    channel = await dut.run(f"AGI({name})\nWait(60)")
    assert await dut.status(channel) == expected


@pytest.mark.parametrize("name", ["none.sh", "../launcher.sh", "a/../../x", "agi-bin"])
async def test_a_script_that_is_not_there_or_elsewhere_is_not_found(
    dut: Launching, name: str
) -> None:
    channel = await dut.run(f"AGI({name})\nWait(60)")
    assert await dut.status(channel) == "NOTFOUND"


async def test_what_can_not_be_executed_is_a_failure(dut: Launching) -> None:
    (dut.scripts / "text").write_text("no program", "utf-8")
    channel = await dut.run("AGI(text)\nWait(60)")
    assert await dut.status(channel) == "FAILURE"


async def test_a_script_hears_of_the_hangup_by_sighup(dut: Launching, tmp_path: Path) -> None:
    mark = tmp_path / "mark"
    dut.script(
        "trap.sh",
        f"""
        trap 'echo hup >> {mark}' HUP
        echo begun >> {mark}
        while [ "$(wc -l < {mark})" -lt 2 ]; do sleep 0.01; done
        echo "SET VARIABLE AFTER dead"; read -r reply; echo "$reply" >> {mark}
        """,
    )
    channel = await dut.run("AGI(trap.sh)\nWait(60)")
    await until(mark.exists)
    dut.leg(channel).far_end_hangs_up()
    await until(lambda: "hup" in mark.read_text())
    await until(lambda: channel.is_destroyed)
    assert dut.value(channel, "AGISTATUS") == "HANGUP"


async def test_a_script_that_hangs_ends_with_the_call(dut: Launching) -> None:
    dut.script("sleeps.sh", "exec sleep 600")
    channel = await dut.run("AGI(sleeps.sh)\nWait(60)")
    await settle()
    dut.leg(channel).far_end_hangs_up()
    await until(lambda: channel.is_destroyed)  # SIGHUP ended it


async def test_eagi_gives_the_script_descriptor_3(dut: Launching, tmp_path: Path) -> None:
    mark = tmp_path / "mark"
    dut.script("audio.sh", f"test -S /proc/self/fd/3 && echo yes > {mark}; exit 0")
    before = files()
    channel = await dut.run("Answer()\nEAGI(audio.sh)\nWait(60)")
    assert await dut.status(channel) == "SUCCESS"
    assert mark.read_text() == "yes\n"
    assert any(call[0] == "STREAM_CONNECT" for call in dut.under.engine.calls())
    await settle()
    assert files() == before


async def serve(handle: Callable[..., object]) -> tuple[asyncio.Server, int]:
    server = await asyncio.start_server(handle, "127.0.0.1", 0)  # type: ignore[arg-type]
    return server, server.sockets[0].getsockname()[1]


async def test_fastagi_says_what_it_wants_and_is_told_of_the_hangup(dut: Launching) -> None:
    heard: list[str] = []
    gone = asyncio.Event()

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while line := (await reader.readline()).decode():
            heard.append(line.strip())
            if line == "\n":
                writer.write(b"ANSWER\n")
            if line == "HANGUP\n":
                await gone.wait()
                break
        writer.close()

    server, port = await serve(handle)
    async with server:
        channel = await dut.run(f"AGI(agi://127.0.0.1:{port}/menu.php?x=1&y=2,one)\nWait(60)")
        await until(lambda: "200 result=0" in heard)
        assert heard[:3] == [
            "agi_network: yes",
            "agi_network_script: menu.php?x=1&y=2",
            f"agi_request: agi://127.0.0.1:{port}/menu.php?x=1&y=2",
        ]
        assert "agi_arg_1: one" in heard
        dut.leg(channel).far_end_hangs_up()
        await until(lambda: heard[-1] == "HANGUP")
        gone.set()
        await until(lambda: channel.is_destroyed)


@pytest.mark.parametrize(
    "address", ["agi://127.0.0.1:1/x", "agi://", "agi://h:99999999", "agi://no.such.host.invalid"]
)
async def test_a_server_that_can_not_be_reached_is_a_failure(dut: Launching, address: str) -> None:
    channel = await dut.run(f"AGI({address})\nWait(60)")
    assert await dut.status(channel) == "FAILURE"


class Resolver:
    """A name service with two servers of scripts, of which the first is down."""

    def __init__(self, port: int) -> None:
        self.asked: list[str] = []
        self._ports = (1, port)

    async def resolve(self, name: str, record_type: str, lifetime: float) -> list[SRV]:
        self.asked.append(f"{name} {record_type}")
        host = dns.name.from_text("localhost.")
        return [SRV(1, 33, rank, 0, port, host) for rank, port in enumerate(self._ports)]  # type: ignore[arg-type]


async def test_hagi_asks_for_the_servers_of_a_domain_and_tries_the_next(dut: Launching) -> None:
    async def handle(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"SET VARIABLE FOUND yes\n")
        await asyncio.sleep(0.05)
        writer.close()

    server, port = await serve(handle)
    resolver = Resolver(port)
    dut.dialplan.part(Dns).resolver = resolver  # type: ignore[assignment]
    async with server:
        channel = await dut.run("AGI(hagi://example.org/x)\nWait(60)")
        assert await dut.status(channel) == "SUCCESS"
        assert dut.value(channel, "FOUND") == "yes"
        assert resolver.asked == ["_agi._tcp.example.org SRV"]


@pytest.mark.parametrize(
    "sends", [b"", b"x" * 1_000_000 + b"\n", bytes(range(256)) * 50, b"NOOP\n" * 20_000]
)
async def test_a_server_of_scripts_may_send_anything_and_go(dut: Launching, sends: bytes) -> None:
    async def handle(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(sends)
        writer.close()

    server, port = await serve(handle)
    async with server:
        channel = await dut.run(f"AGI(agi://127.0.0.1:{port})\nWait(60)")
        assert await dut.status(channel) in ("SUCCESS", "FAILURE")


async def test_one_that_never_reads_costs_bounded_memory_and_no_other_call(dut: Launching) -> None:
    flooded = asyncio.Event()
    writers: list[asyncio.StreamWriter] = []

    async def handle(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for _ in range(2000):
            writer.write(b"GET FULL VARIABLE " + b"x" * 8000 + b"\n")
        flooded.set()
        writers.append(writer)

    server, port = await serve(handle)
    async with server:
        await dut.run(f"AGI(agi://127.0.0.1:{port})\nWait(60)")
        await flooded.wait()
        other = await dut.run("Set(X=1)\nWait(60)", endpoint="bob")
        assert dut.value(other, "X") == "1"
        for writer in writers:
            writer.transport.abort()


class Listener:
    def __init__(self) -> None:
        self.heard: list[tuple[str, ...]] = []

    def on_command_begun(self, channel: Channel, command: str, command_id: str) -> None:
        self.heard.append(("begun", command))

    def on_command_ended(self, channel: Channel, command: str, command_id: str, reply: str) -> None:
        self.heard.append(("ended", command, reply))

    def on_async_begun(self, channel: Channel, environment: str) -> None:
        self.heard.append(("start", unquote(environment).splitlines()[0]))

    def on_async_executed(self, channel: Channel, command_id: str, result: str) -> None:
        self.heard.append(("exec", command_id, result))

    def on_async_ended(self, channel: Channel) -> None:
        self.heard.append(("end",))


async def test_async_agi_takes_commands_from_elsewhere_until_its_break(dut: Launching) -> None:
    listener = dut.launcher.monitor.listener = Listener()
    channel = await dut.run("Answer()\nAGI(agi:async)\nWait(60)")
    sessions = dut.launcher.sessions
    sessions.submit(channel, "GET VARIABLE EXTEN", "id-1")
    await settle()
    sessions.submit(channel, "ASYNCAGI BREAK", "id-2")
    assert await dut.status(channel) == "SUCCESS"
    assert [row for row in listener.heard if row[0] not in ("begun", "ended")] == [
        ("start", "agi_request: agi:async"),
        ("exec", "id-1", "200%20result%3D1%20%28s%29%0A"),
        ("exec", "id-2", "200%20result%3D0%0A"),
        ("end",),
    ]
    assert ("ended", "GET VARIABLE EXTEN", "200 result=1 (s)") in listener.heard
    with pytest.raises(NotFound):
        sessions.submit(channel, "NOOP")


async def test_async_agi_ends_with_the_call(dut: Launching) -> None:
    channel = await dut.run("Answer()\nAGI(agi:async)\nWait(60)")
    dut.leg(channel).far_end_hangs_up()
    await settle()
    assert dut.value(channel, "AGISTATUS") == "HANGUP"
    assert channel.is_destroyed


async def test_async_agi_keeps_a_bounded_number_of_commands(dut: Launching) -> None:
    channel = await dut.run("Answer()\nAGI(agi:async)\nWait(60)")
    dut.launcher.sessions.submit(channel, "WAIT FOR DIGIT -1")
    await settle()
    for _ in range(MAX_QUEUED):
        dut.launcher.sessions.submit(channel, "NOOP")
    with pytest.raises(Unavailable):
        dut.launcher.sessions.submit(channel, "NOOP")
