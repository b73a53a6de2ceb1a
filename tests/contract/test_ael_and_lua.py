"""The real server with extensions.ael and extensions.lua beside extensions.conf."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.support.server_process import EventStream, ServerProcess

AEL = """
globals { GREETING=hello; }
macro tell(who, what) {
    switch (${what}) {
    case short: RESULT="${GREETING} ${who}"; break;
    default: RESULT="${GREETING} dear ${who}";
    }
}
context ael {
    _8XX => {
        Answer();
        for (i=0; ${i} < 3; i=${i}+1) { if (${i} = 2) break; }
        &tell(${EXTEN},short);
        jump ${EXTEN}@lua;
    }
}
"""
LUA = """
local function busy()
    app.answer()
    app.stasis("busy")
    while true do end
end
extensions = {
    lua = {
        ["_8XX"] = function(context, exten)
            channel.RESULT = channel.RESULT:get() .. " and " .. context .. "/" .. exten
            app.stasis("tests", channel.RESULT:get(), channel.i:get())
        end,
        busy = busy,
    },
}
"""
QUICK_CALLS = 10
SLOWEST = 1.0  # seconds from asking for a call to its application


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[ServerProcess]:
    made = ServerProcess(tmp_path / "var")
    (made.var / "etc/extensions.ael").write_text(AEL)
    (made.var / "etc/extensions.lua").write_text(LUA)
    await made.start()
    try:
        yield made
        assert await made.leftovers() == []
        assert await made.stop() == 0
    finally:
        if made.process and made.process.returncode is None:
            await made.kill()


async def call(server: ServerProcess, events: EventStream, exten: str) -> list[str]:
    """Dial an extension by way of a Local channel; return what the dialplan hands over."""
    await server.post("/channels", endpoint=f"Local/{exten}/n", app="callers")
    started = await events.wait_for("StasisStart", application="tests")
    await server.delete(f"/channels/{started['channel']['id']}")
    return list(started["args"])


async def test_a_call_runs_ael_and_lua_and_a_busy_script_delays_no_other_call(
    server: ServerProcess,
) -> None:
    events = await server.connect_app("tests,callers,busy")
    assert await call(server, events, "812@ael") == ["hello 812 and lua/812", "2"]

    await server.post("/channels", endpoint="Local/busy@lua/n", app="callers")
    busy = (await events.wait_for("StasisStart", application="busy"))["channel"]["id"]
    await server.post(f"/channels/{busy}/continue")
    await events.wait_for("StasisEnd", application="busy")
    slowest = 0.0
    for _ in range(QUICK_CALLS):
        begin = time.monotonic()
        assert await call(server, events, "812@ael") == ["hello 812 and lua/812", "2"]
        slowest = max(slowest, time.monotonic() - begin)
    assert slowest < SLOWEST
    assert (await server.get(f"/channels/{busy}"))["dialplan"]["context"] == "lua"
    await server.delete(f"/channels/{busy}")
    await events.close()


async def test_a_broken_file_is_named_and_changes_nothing(server: ServerProcess) -> None:
    events = await server.connect_app("tests,callers")
    (server.var / "etc/extensions.ael").write_text("context ael {\n s => {\n")
    assert "extensions.ael:3:1: expected a statement" in await server.cli("ael reload")
    assert await call(server, events, "812@ael") == ["hello 812 and lua/812", "2"]
    (server.var / "etc/extensions.ael").write_text(AEL)
    (server.var / "etc/extensions.lua").write_text("extensions = {}\nx = = 1")
    assert "extensions.lua:2: unexpected symbol" in await server.cli("dialplan reload")
    (server.var / "etc/extensions.lua").write_text(LUA)
    assert "pbx_lua.so" in await server.cli("module show like pbx_")
    assert await call(server, events, "899@ael") == ["hello 899 and lua/899", "2"]
    await events.close()
