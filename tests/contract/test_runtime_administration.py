"""The real server, administered while it runs: what REST makes is live, and is kept."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from arion.testing import Phone

from tests.support.server_process import ServerProcess

DYNAMIC = "/asterisk/config/dynamic/res_pjsip"
# The endpoint comes first, though it refers to the others.
PHONE = {
    "endpoint": {
        "aors": "dave",
        "allow": "alaw",
        "disallow": "all",
        "context": "phones",
        "auth": "dave",
    },
    "aor": {"max_contacts": "2"},
    "auth": {"username": "dave", "password": "secret", "auth_type": "userpass"},
}


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[ServerProcess]:
    made = ServerProcess(tmp_path / "var")
    await made.start()
    try:
        yield made
        assert await made.leftovers() == []
        assert await made.stop() == 0
    finally:
        if made.process and made.process.returncode is None:
            await made.kill()


async def put(server: ServerProcess, kind: str, options: dict[str, str]) -> Any:
    fields = [{"attribute": name, "value": value} for name, value in options.items()]
    return await server.request("PUT", f"{DYNAMIC}/{kind}/dave", json={"fields": fields})


async def register(server: ServerProcess, password: str = "secret") -> int:
    """Register a phone and return the status of the answer."""
    async with Phone("dave", password, server=server.sip) as phone:
        return await phone.register()


async def test_a_phone_made_over_rest_registers_calls_and_is_kept(server: ServerProcess) -> None:
    assert await register(server) in (401, 403)
    for kind, options in PHONE.items():
        assert await register(server) in (401, 403)  # an endpoint without its auth is not open
        shown = await put(server, kind, options)
        for name in options.keys() - {"allow", "disallow"}:
            assert {"attribute": name, "value": options[name]} in shown
    assert await register(server, "wrong") in (401, 403)
    async with Phone("dave", "secret", server=server.sip) as phone:
        assert await phone.register() == 200
        state = await server.get("/endpoints/PJSIP/dave")
        assert state["state"] == "online"
        call = await phone.call("700")
        assert (await server.get("/deviceStates/PJSIP%2Fdave"))["state"] == "INUSE"
        await call.hangup()

    await server.request("PUT", "/deviceStates/Stasis:door", deviceState="INUSE")
    await server.request("PUT", "/mailboxes/100@default", oldMessages="1", newMessages="2")
    assert await server.stop() == 0
    await server.start()
    assert await register(server) == 200
    assert (await server.get("/deviceStates"))[0]["state"] == "INUSE"
    assert (await server.get("/mailboxes"))[0]["new_messages"] == 2

    await server.delete(f"{DYNAMIC}/auth/dave")
    assert await register(server) in (401, 403)
    for kind in ("endpoint", "aor"):
        await server.delete(f"{DYNAMIC}/{kind}/dave")
    await server.request("GET", "/endpoints/PJSIP/dave", expect=404)
    assert await server.contacts("dave") == 0


async def test_objects_of_the_file_are_shown_only(server: ServerProcess) -> None:
    shown = await server.get(f"{DYNAMIC}/endpoint/alice")
    assert {"attribute": "aors", "value": "alice"} in shown
    await server.request("PUT", f"{DYNAMIC}/endpoint/alice", expect=403, json={"fields": []})
    await server.request("DELETE", f"{DYNAMIC}/endpoint/alice", expect=403)


async def test_modules_are_those_of_the_console_and_take_their_parts_along(
    server: ServerProcess,
) -> None:
    listed = {module["name"] for module in await server.get("/asterisk/modules")}
    assert {"app_dial.so", "func_channel.so", "res_pjsip.so", "res_ari_channels.so"} <= listed
    shown = await server.cli("module show")
    assert all(name in shown for name in listed)
    assert f"{len(listed)} modules loaded" in shown

    await server.delete("/asterisk/modules/app_playback.so")
    assert " Playback:" not in await server.cli("core show applications")
    await server.post("/asterisk/modules/app_playback.so")
    assert " Playback:" in await server.cli("core show applications")

    await server.delete("/asterisk/modules/res_ari_sounds.so")
    await server.request("GET", "/sounds", expect=404)
    assert "Loaded" in await server.cli("module load res_ari_sounds.so")
    await server.get("/sounds")
    for needed in ("res_ari_asterisk.so", "res_pjsip.so", "res_ari.so"):
        await server.request("DELETE", f"/asterisk/modules/{needed}", expect=409)


async def test_a_module_in_use_stays(server: ServerProcess) -> None:
    async with Phone("alice", server.access.phones["alice"], server=server.sip) as phone:
        await phone.register()
        call = await phone.call("701")
        used = await server.get("/asterisk/modules/chan_pjsip.so")
        assert used["use_count"] == 1
        await server.request("DELETE", "/asterisk/modules/app_playback.so", expect=409)
        await call.hangup()


async def test_reload_of_a_module_reads_its_file(server: ServerProcess) -> None:
    before = await server.get("/asterisk/info", only="status")
    etc = server.var / "etc"
    with (etc / "pjsip.conf").open("a", encoding="utf-8") as file:
        file.write("\n[eve]\ntype=endpoint\n")
    await server.request("PUT", "/asterisk/modules/res_pjsip.so", expect=204)
    await server.get("/endpoints/PJSIP/eve")
    after = await server.get("/asterisk/info", only="status")
    assert after["status"]["last_reload_time"] >= before["status"]["last_reload_time"]
    assert after["status"]["startup_time"] == before["status"]["startup_time"]
    with (etc / "pjsip.conf").open("a", encoding="utf-8") as file:
        file.write("\n[eve]\ntype=endpoint\n")
    refused = await server.request("PUT", "/asterisk/modules/res_pjsip.so", expect=409)
    assert "pjsip.conf" in refused["message"]
    await server.request("PUT", "/asterisk/modules/app_dial.so", expect=409)


async def test_log_channels_are_written_to_at_once(server: ServerProcess) -> None:
    await server.post("/asterisk/logging/extra", configuration="verbose(3),notice")
    listed = await server.get("/asterisk/logging")
    assert str(server.var / "log/extra") in {channel["channel"] for channel in listed}
    async with Phone("alice", server.access.phones["alice"], server=server.sip) as phone:
        await phone.register()
    path = server.var / "log/extra"

    async def is_written() -> bool:
        return path.exists() and "alice" in await asyncio.to_thread(path.read_text, "utf-8")

    await server.until(is_written, 5, "the log to be written")
    await server.request("PUT", "/asterisk/logging/extra/rotate")

    async def is_rotated() -> bool:
        return path.with_name("extra.0").exists()

    await server.until(is_rotated, 5, "the log to be rotated")
    await server.cli("logger remove channel extra")
    listed = await server.get("/asterisk/logging")
    assert str(path) not in {channel["channel"] for channel in listed}


async def test_functions_are_read_and_written_as_global_variables(server: ServerProcess) -> None:
    async def read(variable: str) -> str:
        return str((await server.get("/asterisk/variable", variable=variable))["value"])

    await server.post("/asterisk/variable", variable="COLOUR", value="red")
    assert await read("COLOUR") == "red"
    assert await read("LEN(four)") == "4"
    assert await read("DB_EXISTS(colour/wall)") == "0"
    await server.request("GET", "/asterisk/variable", expect=400, variable="NOSUCH(x)")
    await server.request("POST", "/asterisk/variable", expect=400, variable="LEN(x)", value="1")
    info = await server.get("/asterisk/info")
    assert all(info["build"][name] for name in ("os", "kernel", "machine", "date", "user"))
    assert all(info["config"]["setid"].values())
