"""The C programs that make RTP: the load, and the floors to compare with."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from host import BUILD, ROOT, Server, cpu_s

STOP_S = 5.0
LINE_LIMIT = 1 << 22  # bytes of a report


@dataclass(frozen=True, slots=True)
class Flow:
    """What the phones of a run saw.

    :param lost: share of the packets that did not come back.
    """

    seconds: float
    sent: int
    received: int
    p50_ms: float
    p99_ms: float
    max_ms: float
    gap_ms: float

    @property
    def lost(self) -> float:
        """Share of packets that did not arrive."""
        return 1 - self.received / self.sent if self.sent else 0.0


class Program:
    """A child that is told what to do over its standard input."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process

    @property
    def cpu_s(self) -> float:
        """Seconds of CPU used so far."""
        return cpu_s(self.process.pid)

    def tell(self, text: str) -> None:
        """Write a line."""
        assert self.process.stdin
        self.process.stdin.write(f"{text}\n".encode())

    async def read_line(self) -> str:
        """Read a line.

        :raises RuntimeError: the program ended.
        """
        assert self.process.stdout
        line = await self.process.stdout.readline()
        if not line:
            raise RuntimeError("the load generator ended")
        return line.decode()

    async def read_ports(self, count: int) -> list[int]:
        """Read one port a line."""
        return [int(await self.read_line()) for _ in range(count)]


@asynccontextmanager
async def running(program: str | Path, *arguments: str | int | Path) -> AsyncIterator[Program]:
    """Run a program; a bare name is one of the C programs."""
    process = await asyncio.create_subprocess_exec(
        BUILD / program, *map(str, arguments), limit=LINE_LIMIT,
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    try:
        yield Program(process)
    finally:
        assert process.stdin
        process.stdin.close()
        try:
            await asyncio.wait_for(process.wait(), STOP_S)
        except TimeoutError:
            process.kill()
            await process.wait()


class RtpLoad:
    """Phones that send and hear: see rtpload.c."""

    def __init__(self, program: Program, ports: list[int]) -> None:
        self.ports = ports
        self._program = program

    def send_to(self, ports: Sequence[int]) -> None:
        """Say where each phone sends; 0: it only listens."""
        self._program.tell("to " + " ".join(map(str, ports)))

    def use_tones(self) -> None:
        """Speak, instead of sending packets that can be told apart."""
        self._program.tell("tone")

    async def run(self, seconds: float) -> Flow:
        """Send for so long."""
        self._program.tell(f"run {seconds}")
        result: dict[str, Any] = json.loads(await self._program.read_line())
        del result["foreign"]
        return Flow(**result)


class App(Program):
    """An application of app.py."""

    async def ask(self, command: str = "report") -> dict[str, Any]:
        """Give a command; return its report."""
        self.tell(command)
        report: dict[str, Any] = json.loads(await self.read_line())
        return report


@asynccontextmanager
async def external_app(server: Server, kind: str, *arguments: int) -> AsyncIterator[App]:
    """An external application, once it is connected.

    :param kind: ``steer`` or ``consume``.
    """
    access = (*server.http, server.user, server.password)
    script = ROOT / "bench" / "app.py"
    async with running(sys.executable, script, kind, *access, *arguments) as program:
        app = App(program.process)
        await app.read_line()
        yield app


@asynccontextmanager
async def rtp_load(count: int) -> AsyncIterator[RtpLoad]:
    """So many phones."""
    async with running("rtpload", count) as program:
        yield RtpLoad(program, await program.read_ports(count))


@dataclass(frozen=True, slots=True)
class Forwarded:
    """A run, and the seconds of CPU that somebody used in it."""

    flow: Flow
    cpu_s: float


async def measure_forwarder(load: RtpLoad, seconds: float) -> Forwarded:
    """Send the load's streams through the bare forwarder."""
    async with running("forwarder", len(load.ports)) as forwarder:
        ports = await forwarder.read_ports(len(load.ports))
        forwarder.tell(" ".join(map(str, load.ports)))
        load.send_to(ports)
        await load.run(0.3)
        begin = forwarder.cpu_s
        flow = await load.run(seconds)
        return Forwarded(flow, forwarder.cpu_s - begin)


async def measure_sender(load: RtpLoad, seconds: float) -> Forwarded:
    """Let the bare sender feed the load's phones."""
    async with running("sender", len(load.ports)) as sender:
        sender.tell(" ".join(map(str, load.ports)))
        load.send_to([0] * len(load.ports))
        await load.run(0.3)
        begin = sender.cpu_s
        flow = await load.run(seconds)
        return Forwarded(flow, sender.cpu_s - begin)
