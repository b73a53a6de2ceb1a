"""The real server, as asterisk.conf, modules.conf and logger.conf want it."""

from __future__ import annotations

import asyncio
import json
import signal
from pathlib import Path

import aiohttp
import pytest
from arion.testing import Phone

from tests.support.server_process import ARION, ServerProcess


def append(server: ServerProcess, name: str, text: str) -> None:
    with (server.var / "etc" / name).open("a", encoding="utf-8") as file:
        file.write(text)


async def test_a_node_is_what_its_files_say_and_follows_them(tmp_path: Path) -> None:
    server = ServerProcess(tmp_path / "var")
    options = "\n[options](+)\nsystemname = node7\nmaxcalls = 1\nlockmode = flock\n"
    append(server, "asterisk.conf", options)
    append(server, "http.conf", "\nenable_static = yes\nredirect = / /static/index.html\n")
    append(server, "logger.conf", "\nfull.json => [json]notice,warning,error,verbose(4)\n")
    (server.var / "etc/modules.conf").write_text("[modules]\nautoload=yes\nnoload=app_echo.so\n")
    append(server, "asterisk.conf", f"\n[directories](+)\nastdatadir = {server.var}/data\n")
    folder = server.var / "data/static-http"
    folder.mkdir(parents=True)
    (folder / "index.html").write_text("<p>panel")
    await server.start()
    try:
        await _check_limits(server)
        await server.until(lambda: _has_no_channels(server), 5, "the call to be gone")
        await _check_reload_during_a_call(server)
        port = server.access.http_port
        async with aiohttp.ClientSession() as web, web.get(f"http://127.0.0.1:{port}/") as answer:
            assert await answer.text() == "<p>panel"
        assert " Echo:" not in await server.cli("core show applications")
        assert "Loaded" in await server.cli("module load app_echo.so")
        assert " Echo:" in await server.cli("core show applications")
    finally:
        assert await server.stop() == 0
    log = next(server.var.rglob("full.json"))
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    refused = [line for line in lines if "all 1 channels are in use" in line["logmsg"]["message"]]
    assert refused, "the reason of a refusal is logged"
    assert [line for line in lines if line["identifiers"].get("callid", "").startswith("C-")]
    assert [line for line in lines if "lockmode has no effect" in line["logmsg"]["message"]]


async def _has_no_channels(server: ServerProcess) -> bool:
    return not await server.get("/channels")


async def _check_limits(server: ServerProcess) -> None:
    phones = server.access.phones
    async with (
        Phone("alice", phones["alice"], server=server.sip) as alice,
        Phone("bob", phones["bob"], server=server.sip) as bob,
    ):
        call = await alice.call("700")
        [channel] = await server.get("/channels")
        assert channel["id"].startswith("node7-")
        with pytest.raises(Exception, match="503"):
            await bob.call("700")
        url = f"http://127.0.0.1:{server.access.http_port}/ari/channels"
        password = server.access.users["arion"]
        query = {"endpoint": "Local/700@phones", "app": "x", "api_key": f"arion:{password}"}
        async with aiohttp.ClientSession() as web, web.post(url, params=query) as answer:
            assert (answer.status, answer.headers["Retry-After"]) == (503, "5")
        await call.hangup()


async def _check_reload_during_a_call(server: ServerProcess) -> None:
    async with Phone("alice", server.access.phones["alice"], server=server.sip) as alice:
        call = await alice.call("700")
        append(server, "extensions.conf", "\n[late]\nexten => 1,1,NoOp()\n")
        append(server, "rtp.conf", "\nprobation = 7\n")
        told = await server.cli("core reload")
        assert "rtp.conf: a restart is needed for probation" in told
        assert "'1'" in await server.cli("dialplan show late")
        assert server.process is not None
        for _ in range(20):
            server.process.send_signal(signal.SIGHUP)
        assert "systemname" not in await server.cli("core reload")
        assert len(await server.get("/channels")) == 1
        await call.hangup()


async def test_a_required_module_that_is_missing_ends_the_start_with_2(tmp_path: Path) -> None:
    server = ServerProcess(tmp_path / "var")
    (server.var / "etc/modules.conf").write_text("[modules]\nautoload=yes\nrequire=chan_sip.so\n")
    process = await asyncio.create_subprocess_exec(
        str(ARION), "-C", str(server.var / "etc/asterisk.conf"), "-f",
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip
    output, _ = await asyncio.wait_for(process.communicate(), 30)
    assert process.returncode == 2
    assert b"modules.conf:3: chan_sip is required, but can't be loaded" in output
