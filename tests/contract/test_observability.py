"""A real call, seen by Prometheus, StatsD, OpenTelemetry and a service manager."""

from __future__ import annotations

import asyncio
import os
import re
import socket
from array import array
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp
import pytest
import pytest_asyncio
from aiohttp import web
from arion.testing import Phone
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span
from prometheus_client.parser import text_string_to_metric_families

from tests.support.server_process import ARION, ROOT, ServerProcess

pytestmark = pytest.mark.asyncio(loop_scope="module")

USER, PASSWORD = "prometheus", "fetch"
WATCHDOG_USEC = 400_000


@dataclass
class Observers:
    """Everybody who looks at the server."""

    statsd: list[str] = field(default_factory=list)
    spans: list[Span] = field(default_factory=list)
    notified: list[str] = field(default_factory=list)


class _Datagrams(asyncio.DatagramProtocol):
    def __init__(self, into: list[str]) -> None:
        self._into = into

    def datagram_received(self, data: bytes, _address: object) -> None:
        self._into.append(data.decode())


@dataclass
class Scene:
    server: ServerProcess
    seen: Observers

    async def scrape(self, password: str = PASSWORD) -> dict[str, dict[tuple[str, ...], float]]:
        """Return every sample by name and values of labels, sorted by the labels' names."""
        auth = {"Authorization": aiohttp.encode_basic_auth(USER, password)}
        async with aiohttp.ClientSession(headers=auth) as client:
            port = self.server.access.http_port
            async with client.get(f"http://127.0.0.1:{port}/metrics") as response:
                response.raise_for_status()
                assert response.headers["Content-Type"].startswith("text/plain; version=")
                text = await response.text()
        samples: dict[str, dict[tuple[str, ...], float]] = {}
        for family in text_string_to_metric_families(text):
            for sample in family.samples:
                values = tuple(value for _, value in sorted(sample.labels.items()))
                samples.setdefault(sample.name, {})[values] = sample.value
        return samples


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def scene(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Scene]:
    folder = tmp_path_factory.mktemp("observability")
    seen = Observers()
    loop = asyncio.get_running_loop()
    statsd, _ = await loop.create_datagram_endpoint(
        lambda: _Datagrams(seen.statsd), ("127.0.0.1", 0)
    )
    notify_path = str(folder / "notify")
    notify, _ = await loop.create_datagram_endpoint(
        lambda: _Datagrams(seen.notified), notify_path, family=socket.AF_UNIX
    )
    collector, collector_port = await _start_collector(seen)
    server = ServerProcess(folder / "var")
    _configure(folder / "var/etc", statsd.get_extra_info("sockname")[1], collector_port)
    os.environ |= {"NOTIFY_SOCKET": notify_path, "WATCHDOG_USEC": str(WATCHDOG_USEC)}
    try:
        await server.start()
        yield Scene(server, seen)
    finally:
        del os.environ["NOTIFY_SOCKET"], os.environ["WATCHDOG_USEC"]
        if server.process and server.process.returncode is None:
            await server.kill()
        await collector.cleanup()
        statsd.close()
        notify.close()


async def _start_collector(seen: Observers) -> tuple[web.AppRunner, int]:
    async def take(request: web.Request) -> web.Response:
        message = ExportTraceServiceRequest.FromString(await request.read())
        for resource in message.resource_spans:
            for scope in resource.scope_spans:
                seen.spans.extend(scope.spans)
        return web.Response(content_type="application/x-protobuf")

    application = web.Application()
    application.router.add_post("/v1/traces", take)
    runner = web.AppRunner(application)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port: int = runner.addresses[0][1]
    return runner, port


def _configure(etc: Path, statsd_port: int, collector_port: int) -> None:
    (etc / "prometheus.conf").write_text(
        f"[general]\nenabled=yes\nauth_username={USER}\nauth_password={PASSWORD}\n"
    )
    (etc / "statsd.conf").write_text(
        f"[general]\nenabled=yes\nserver=127.0.0.1:{statsd_port}\nprefix=one\n"
    )
    endpoint = f"http://127.0.0.1:{collector_port}/v1/traces"
    (etc / "tracing.conf").write_text(f"[general]\nenabled=yes\nendpoint={endpoint}\n")
    with (etc / "extensions.conf").open("a") as dialplan:
        dialplan.write("\n[phones](+)\nexten => 720,1,Dial(Local/721@phones)\n")
        dialplan.write("exten => 721,1,Answer()\n same => n,Wait(60)\n")


def _total(samples: dict[tuple[str, ...], float]) -> float:
    return sum(samples.values())


async def test_a_wrong_password_shows_nothing(scene: Scene) -> None:
    with pytest.raises(aiohttp.ClientResponseError) as refusal:
        await scene.scrape("wrong")
    assert refusal.value.status == 401


async def test_a_call_is_counted_while_it_lives_and_when_it_has_ended(scene: Scene) -> None:
    assert "arion_channels" not in await scene.scrape()
    phone = scene.server.access.phones["alice"]
    async with Phone("alice", phone, server=scene.server.sip) as alice:
        assert await alice.register() == 200
        call = await alice.call("700")
        during = await scene.scrape()
        assert during["arion_channels"] == {("Up", "PJSIP"): 1}
        assert _total(during["asterisk_channels_count"]) == 1
        assert _total(during["asterisk_calls_count"]) == 1
        assert during["arion_media_objects"]["streams",] == 1
        assert _total(during["arion_sip_contacts"]) == 1
        await call.says(array("h", [1000, -1000] * 800))

        async def is_heard() -> bool:
            return (await scene.scrape())["arion_media_rx_packets_total"][()] >= 10

        await scene.server.until(is_heard, 10, "RTP")
        await call.hangup()

    async def is_over() -> bool:
        return not (await scene.scrape()).get("arion_channels")

    await scene.server.until(is_over, 10, "the call to end")
    after = await scene.scrape()
    assert after["arion_channels_created_total"] == {("PJSIP",): 1}
    assert after["arion_channels_answered_total"] == {("PJSIP",): 1}
    assert after["arion_channels_ended_total"] == {("16", "PJSIP"): 1}
    assert after["arion_call_setup_seconds_count"] == {("PJSIP",): 1}
    for name in ("duration_seconds", "jitter_seconds", "loss_ratio", "mos"):
        assert after[f"arion_call_{name}_count"] == {(): 1}
    assert after["arion_call_mos_sum"][()] > 3
    assert _total(after["asterisk_calls_sum"]) == 1
    received = after["arion_sip_messages_total"]
    assert received["INVITE", "received"] >= 2  # without and with credentials
    assert received["REGISTER", "received"] >= 2
    assert received["4xx", "sent"] >= 2
    assert after["arion_sip_dialogs"] == {(): 0}


async def test_rest_events_and_the_loop_are_timed(scene: Scene) -> None:
    stream = await scene.server.connect_app("tests", subscribeAll="true")
    made = await scene.server.post(
        "/channels", endpoint="Local/721@phones", app="tests", channelId="timed"
    )
    await stream.wait_for("StasisStart", channel__id="timed")
    await scene.server.delete(f"/channels/{made['id']}")
    await stream.wait_for("ChannelDestroyed", channel__id="timed")
    await scene.server.get("/channels")
    await scene.server.request("GET", "/channels/nobody", expect=404)
    samples = await scene.scrape()
    assert samples["arion_rest_seconds_count"]["channels.originate",] == 1
    assert samples["arion_rest_responses_total"]["channels.get", "4xx"] == 1
    assert samples["arion_rest_responses_total"]["channels.list", "2xx"] >= 1
    assert samples["arion_rest_seconds_sum"]["channels.originate",] < 1
    assert samples["arion_event_delay_seconds_count"][()] >= 4
    assert samples["arion_websockets"] == {(): 1}
    assert samples["process_open_fds"][()] > 5
    await stream.close()

    async def is_measured() -> bool:
        return (await scene.scrape())["arion_loop_lag_seconds_count"][()] >= 2

    await scene.server.until(is_measured, 10, "the loop's lag to be measured")


async def test_every_figure_of_the_documents_is_shown(scene: Scene) -> None:
    text = (ROOT / "docs/operations.md").read_text("utf-8")
    shown = set(await scene.scrape())
    for name in re.findall(r"\b(?:arion|asterisk)_[a-z_]*[a-z]\b(?!_)", text):
        assert any(each == name or each.startswith(f"{name}_") for each in shown), name


async def test_the_doctor_asks_the_running_server(scene: Scene) -> None:
    process = await asyncio.create_subprocess_exec(
        ARION, "doctor", scene.server.var / "etc", stdout=asyncio.subprocess.PIPE
    )  # fmt: skip
    output = (await process.communicate())[0].decode()
    assert "ok:      server: System uptime: " in output
    assert "ok:      http: " in output
    assert "ok:      rtp: datagrams to 5 ports of the range arrive at " in output
    assert " is free for " not in output  # the ports are the server's own now


async def test_statsd_gets_asterisks_names(scene: Scene) -> None:
    wanted = (
        r"one\.channels\.count:0\|g",
        r"one\.channels\.calltime:\d+\|ms",
        r"one\.endpoints\.count:3\|g",
        r"one\.endpoints\.state\.online:\d\|g",
        r"one\.PJSIP\.contacts\.states\.Reachable:\d\|g",
        r"one\.endpoints\.PJSIP\.alice\.channels:1\|g",
    )

    async def has_all() -> bool:
        return all(any(re.fullmatch(each, m) for m in scene.seen.statsd) for each in wanted)

    phone = scene.server.access.phones["alice"]
    async with Phone("alice", phone, server=scene.server.sip) as alice:
        call = await alice.call("700")
        await scene.server.until(has_all, 10, f"{wanted} in {scene.seen.statsd}")
        await call.hangup()


async def test_a_trace_has_the_call_its_dial_and_its_commands(scene: Scene) -> None:
    stream = await scene.server.connect_app("tests", subscribeAll="true")
    await scene.server.post("/channels", endpoint="Local/720@phones", app="tests", channelId="a")
    await stream.wait_for("StasisStart", channel__id="a")
    await scene.server.post("/channels/a/variable", variable="X", value="1")
    await scene.server.delete("/channels/a")
    await stream.wait_for("ChannelDestroyed", channel__id="a")

    def named(name: str) -> list[Span]:
        return [span for span in scene.seen.spans if span.name == name]

    async def has_come() -> bool:
        return bool(named("command channels.setChannelVar") and named("dial"))

    await scene.server.until(has_come, 15, "spans")
    (command,) = named("command channels.setChannelVar")
    calls = {span.span_id: span for span in named("call Local")}
    owner = calls[command.parent_span_id]
    attributes = {each.key: each.value for each in owner.attributes}
    assert attributes["arion.channel.id"].string_value == "a"
    assert attributes["arion.hangup.cause"].int_value == 16
    assert owner.start_time_unix_nano <= command.start_time_unix_nano
    assert command.end_time_unix_nano <= owner.end_time_unix_nano
    dials = [span for span in named("dial") if span.trace_id == owner.trace_id]
    assert {d.parent_span_id for d in dials} & calls.keys()
    statuses = {each.value.string_value for d in dials for each in d.attributes}
    assert "ANSWER" in statuses
    assert [event.name for event in owner.events] == ["Up"]
    await stream.close()


async def test_a_reload_moves_and_ends_the_page(scene: Scene) -> None:
    path = scene.server.var / "etc/prometheus.conf"
    path.write_text("[general]\nenabled=no\n")
    await scene.server.cli("module reload res_prometheus.so")
    with pytest.raises(aiohttp.ClientResponseError) as refusal:
        await scene.scrape()
    assert refusal.value.status == 404
    path.write_text("[general]\nenabled=yes\n")
    await scene.server.cli("module reload res_prometheus.so")
    assert await scene.scrape("any, as none is wanted any more")


async def test_the_service_manager_hears_ready_alive_and_stopping(scene: Scene) -> None:
    async def is_alive_again() -> bool:
        return scene.seen.notified.count("WATCHDOG=1") >= 3

    async def is_ready_again() -> bool:
        return sum(each.startswith("READY=1") for each in scene.seen.notified) == 2

    await scene.server.until(is_alive_again, 10, "the watchdog")
    assert scene.seen.notified[0].startswith("READY=1\n")
    await scene.server.cli("core restart now")
    await scene.server.until(is_ready_again, 20, "the restart")
    assert sum(each.startswith("RELOADING=1") for each in scene.seen.notified) == 1
    assert not any(each.startswith("STOPPING=1") for each in scene.seen.notified)
    assert await scene.server.stop() == 0
    assert scene.seen.notified[-1].startswith("STOPPING=1")
