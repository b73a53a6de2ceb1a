"""Relaying, mixing, playing: what media costs."""

from __future__ import annotations

from host import Server, running_server
from load import Flow, RtpLoad, measure_forwarder, measure_sender, rtp_load
from phones import phones
from results import Result
from stasis import StasisApp

PERCENT = 100.0
PLAYED = 100  # channels
LINGER_S = 0.3  # that rtpload listens on
PACKETS_PER_S = 50


async def relay(*, is_quick: bool) -> list[Result]:
    """Two-party calls through Dial()."""
    results = []
    for count in (500,) if is_quick else (50, 200, 500):
        results += await _relay(count, 1.0 if is_quick else 4.0)
    return results


async def _relay(count: int, seconds: float) -> list[Result]:
    """Measure the floor, ours, and the floor again: other load on the machine moves both."""
    async with running_server() as server, rtp_load(2 * count) as load:
        first = await measure_forwarder(load, seconds / 2)
        async with phones(server.sip, server.peer_port) as crowd:
            numbers = [f"pair{k}" for k in range(count)]
            crowd.on_incoming = lambda number: load.ports[2 * int(number[4:]) + 1]
            calls = await crowd.call_all(numbers, load.ports[::2])
            targets = [
                port
                for number, call in zip(numbers, calls, strict=True)
                for port in (call.port, crowd.incoming_ports[number])
            ]
            load.send_to(targets)
            flow, cpu = await _run(server, load, seconds)
            await crowd.hang_up_all(calls)
        second = await measure_forwarder(load, seconds / 2)
    floor = (first.cpu_s + second.cpu_s) / (first.flow.seconds + second.flow.seconds)
    per_100 = PERCENT * 100 / count
    delay = (first.flow.p50_ms + second.flow.p50_ms) / 2
    tail = (first.flow.p99_ms + second.flow.p99_ms) / 2
    ours = cpu / flow.seconds * per_100
    lost = flow.sent - flow.received
    what = f"relay, {count} calls:"
    p50, p99 = ((0.3, 0.1), (2.0, 1.0)) if count == 500 else ((), ())
    return [
        Result("relay", f"{what} CPU per 100 calls", "%", ours, 2, 1.4, floor * per_100,
               is_relative=True, note=f"{flow.sent} packets"),
        Result("relay", f"{what} packets lost", "", lost, 0, 0),
        Result("relay", f"{what} delay p50", "ms", flow.p50_ms, *p50, floor=delay),
        Result("relay", f"{what} delay p99", "ms", flow.p99_ms, *p99, floor=tail),
    ]  # fmt: skip


async def _run(server: Server, load: RtpLoad, seconds: float) -> tuple[Flow, float]:
    """Let the phones talk; return what they saw and the server's seconds of CPU."""
    await load.run(0.5)
    begin = server.cpu_s
    flow = await load.run(seconds)
    return flow, server.cpu_s - begin


async def conference(*, is_quick: bool) -> list[Result]:
    """One room of 100 talkers, and 30 rooms of 3."""
    seconds = 1.0 if is_quick else 5.0
    return [
        *await _rooms("one conference of 100 talkers", 1, 100, seconds),
        *await _rooms("30 conferences of 3", 30, 3, seconds),
    ]


async def _rooms(what: str, rooms: int, size: int, seconds: float) -> list[Result]:
    count = rooms * size
    async with running_server() as server, rtp_load(count) as load, phones(server.sip) as crowd:
        load.use_tones()
        app = await StasisApp(server).connect()
        channels, calls = await app.call_into(crowd, load.ports)
        ari = app.ari
        for room in range(rooms):
            await ari.must("POST", f"/bridges/room{room}?type=mixing")
            members = ",".join(channels[room * size : (room + 1) * size])
            await ari.must("POST", f"/bridges/room{room}/addChannel?channel={members}")
        load.send_to([call.port for call in calls])
        before = await server.counters()
        flow, cpu = await _run(server, load, seconds)
        after = await server.counters()
        app.close()
        await crowd.hang_up_all(calls)
    late = after.get("late_ticks", 0) - before.get("late_ticks", 0)
    seconds = flow.seconds + LINGER_S
    share = cpu / seconds * PERCENT / count
    expected = count * seconds * PACKETS_PER_S
    note = f"heard {flow.received / expected:.1%}, longest gap {flow.gap_ms:.0f} ms"
    return [
        Result("conference", f"{what}: CPU per participant", "%", share, 0.12, 0.06, note=note),
        Result("conference", f"{what}: late ticks", "", late, 0, 0),
    ]


async def playing(*, is_quick: bool) -> list[Result]:
    """A prompt, and music on hold, to 100 channels."""
    seconds = 1.0 if is_quick else 5.0
    async with rtp_load(PLAYED) as load:
        load.use_tones()
        floor = await measure_sender(load, seconds / 2)
    base = floor.cpu_s / floor.flow.seconds * PERCENT
    results = []
    for extension, what, must, aim in (
        ("prompt", "a prompt", 4.0, 2.0),
        ("music", "music on hold", 3.0, 1.5),
    ):
        flow, cpu = await _played(extension, seconds)
        expected = PLAYED * (flow.seconds + LINGER_S) * PACKETS_PER_S
        note = f"{flow.received / expected:.1%} of the packets, longest gap {flow.gap_ms:.0f} ms"
        share = cpu / (flow.seconds + LINGER_S) * PERCENT
        results.append(
            Result(
                "playing", f"{what} to 100 channels: CPU", "%", share, must, aim, base, note=note
            )
        )
    return results


async def _played(extension: str, seconds: float) -> tuple[Flow, float]:
    async with running_server() as server, rtp_load(PLAYED) as load, phones(server.sip) as crowd:
        load.use_tones()
        load.send_to([0] * PLAYED)
        calls = await crowd.call_all([extension] * PLAYED, load.ports)
        result = await _run(server, load, seconds)
        await crowd.hang_up_all(calls)
        return result
