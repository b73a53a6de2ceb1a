"""The manager interface: actions, calls that it makes, and dashboards that hear of everything."""

from __future__ import annotations

import asyncio
import sys
import time
from pathlib import Path

from host import Server, running_server
from load import running
from results import Result

CLIENTS = Path(__file__).with_name("ami_clients.py")
PINGS = 60_000
PINGS_QUICK = 20_000
READY_S = 10.0
BATCH = 500  # actions in flight
CHANNELS = 1000
CALLS = 2000
CALLS_QUICK = 500
CALLS_PER_S = 50
DASHBOARDS = 100
LOGIN = b"Action: Login\r\nUsername: bench\r\nSecret: bench\r\nEvents: off\r\n\r\n"
ORIGINATE = (
    b"Action: Originate\r\nChannel: Local/%b@bench/n\r\nApplication: Wait\r\nData: %d\r\n"
    b"Async: true\r\n\r\n"
)


class Manager:
    """A manager client."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    @classmethod
    async def connect(cls, server: Server) -> Manager:
        """Connect as soon as it listens, a moment after ARI does, and log in."""
        async with asyncio.timeout(READY_S):
            while True:
                try:
                    made = cls(*await asyncio.open_connection("127.0.0.1", server.ami_port))
                    break
                except ConnectionRefusedError:
                    await asyncio.sleep(0.01)
        await made._reader.readline()
        made.write(LOGIN)
        await made.until(b"\r\n\r\n")
        return made

    def write(self, data: bytes) -> None:
        """Send actions."""
        self._writer.write(data)

    async def until(self, mark: bytes, count: int = 1) -> bytes:
        """Read until *mark* came so often; return what was read."""
        parts: list[bytes] = []
        tail = b""  # too short to hold the mark
        while count > 0:
            part = await self._reader.read(1 << 18)
            if not part:
                raise ConnectionResetError("the server closed the connection")
            parts.append(part)
            text = tail + part
            count -= text.count(mark)
            tail = text[1 - len(mark) :]
        return b"".join(parts)

    def close(self) -> None:
        """Disconnect."""
        self._writer.close()


async def actions(*, is_quick: bool) -> list[Result]:
    """Pings, calls to Local channels, and the list of many channels."""
    async with running_server() as server:
        manager = await Manager.connect(server)
        results = await _pings(server, manager, PINGS_QUICK if is_quick else PINGS)
        results += await _calls(server, manager, CALLS_QUICK if is_quick else CALLS)
        results.append(await _list(manager))
        manager.close()
    return results


async def _pings(server: Server, manager: Manager, count: int) -> list[Result]:
    batch = b"Action: Ping\r\nActionID: 12345\r\n\r\n" * BATCH
    begin, cpu = time.monotonic(), server.cpu_s
    for _ in range(count // BATCH):
        manager.write(batch)
        await manager.until(b"Ping: Pong", BATCH)
    elapsed, used = time.monotonic() - begin, server.cpu_s - cpu
    rate = count / elapsed
    return [
        Result("ami", "AMI Ping, pipelined", "1/s", rate, 15_000, is_rate=True),
        Result("ami", "... CPU each", "ms", used * 1000 / count, 0.06),
    ]


async def _calls(server: Server, manager: Manager, count: int) -> list[Result]:
    action = ORIGINATE % (b"short", 0)
    batch = 20
    begin, cpu = time.monotonic(), server.cpu_s
    for _ in range(count // batch):
        manager.write(action * batch)
        await manager.until(b"successfully queued", batch)
    elapsed = time.monotonic() - begin
    await _until_idle(manager)
    used = server.cpu_s - cpu
    return [
        Result("ami", "AMI Originate of a Local channel", "1/s", count / elapsed, 500,
               is_rate=True),
        Result("ami", "... CPU of the action and the whole call", "ms", used * 1000 / count, 1.5),
    ]  # fmt: skip


async def _until_idle(manager: Manager) -> None:
    while True:
        manager.write(b"Action: CoreStatus\r\n\r\n")
        if b"CoreCurrentCalls: 0\r\n" in await manager.until(b"CoreProcessedCalls"):
            return
        await asyncio.sleep(0.05)


async def _list(manager: Manager) -> Result:
    for _ in range(CHANNELS // 2 // 20):
        manager.write(ORIGINATE % (b"wait", 600) * 20)
        await manager.until(b"successfully queued", 20)
    await asyncio.sleep(1)
    times = []
    for _ in range(5):
        begin = time.monotonic()
        manager.write(b"Action: CoreShowChannels\r\n\r\n")
        data = await manager.until(b"CoreShowChannelsComplete")
        times.append((time.monotonic() - begin) * 1000)
    note = f"{data.count(b'Event: CoreShowChannel')} events"
    manager.write(b"Action: Hangup\r\nChannel: /^Local/\r\n\r\n")
    await manager.until(b"ChannelsHungupListComplete")
    return Result("ami", f"CoreShowChannels of {CHANNELS}", "ms", sorted(times)[2], 60, note=note)


async def dashboards(*, is_quick: bool) -> list[Result]:
    """What it costs to tell many clients of all that happens in calls."""
    seconds = 2.0 if is_quick else 6.0
    async with running_server() as server:
        manager = await Manager.connect(server)
        await _paced(manager, 1.0)
        alone = await _cost(server, manager, seconds)
        async with running(sys.executable, CLIENTS, str(server.ami_port), str(DASHBOARDS)) as crowd:
            await crowd.read_line()
            await _paced(manager, 1.0)
            crowd.tell("")
            await crowd.read_line()
            watched = await _cost(server, manager, seconds)
            crowd.tell("")
            count = int(await crowd.read_line())
        manager.close()
    share = (watched - alone) * 1e3 / max(1, count)
    calls = int(seconds * CALLS_PER_S)
    note = f"{count / DASHBOARDS / calls:.0f} events a call; {alone * 1000 / calls:.2f} ms without"
    return [
        Result("dashboards", f"an AMI event to {DASHBOARDS} clients: CPU per client", "ms", share,
               0.01, note=note)
    ]  # fmt: skip


async def _cost(server: Server, manager: Manager, seconds: float) -> float:
    begin = server.cpu_s
    await _paced(manager, seconds)
    await asyncio.sleep(0.5)
    return server.cpu_s - begin


async def _paced(manager: Manager, seconds: float) -> None:
    begin = time.monotonic()
    for number in range(int(seconds * CALLS_PER_S)):
        await asyncio.sleep(max(0.0, begin + number / CALLS_PER_S - time.monotonic()))
        manager.write(ORIGINATE % (b"short", 0))
        await manager.until(b"successfully queued")
