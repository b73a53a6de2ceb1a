"""The real server: functions and applications that need its files, modules and programs."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.support.server_process import ServerProcess

EXTENSIONS = """
[tests]
exten => facts,1,Answer()
 same => n,Set(CONF=${AST_CONFIG(extensions.conf,marker,found)})
 same => n,Set(AOR=${AST_SORCERY(res_pjsip,aor,marker,max_contacts)})
 same => n,Set(MODULES=${IFMODULE(app_dial.so)}${IFMODULE(app_none.so)})
 same => n,Reload(pbx_config.so)
 same => n,QueueLog(support,${UNIQUEID},agent,MARK,info)
 same => n,System(echo $PPID > ${ASTSPOOLDIR}/parent)
 same => n,Set(PARENT=${SHELL(cat ${ASTSPOOLDIR}/parent):0:-1})
 same => n,Stasis(tests,${CONF},${AOR},${MODULES},${RELOADSTATUS},${SYSTEMSTATUS},${PARENT})
exten => slow,1,Stasis(tests,slow)
 same => n,Set(X=${SHELL(echo $$ > ${ASTSPOOLDIR}/slow && exec sleep 300)})

[marker]
found = yes
"""
PJSIP = """
[marker]
type = aor
max_contacts = 7
"""


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[ServerProcess]:
    made = ServerProcess(tmp_path / "var")
    for name, text in (("extensions.conf", EXTENSIONS), ("pjsip.conf", PJSIP)):
        path = made.var / "etc" / name
        path.write_text(path.read_text() + text)
    await made.start()
    try:
        yield made
        assert await made.leftovers() == []
        assert await made.stop() == 0
    finally:
        if made.process and made.process.returncode is None:
            await made.kill()


async def test_the_dialplan_reaches_the_servers_files_modules_and_programs(
    server: ServerProcess,
) -> None:
    events = await server.connect_app("tests,callers")
    await server.post("/channels", endpoint="Local/facts@tests/n", app="callers")
    started = await events.wait_for("StasisStart", application="tests")
    assert server.process is not None
    conf, aor, modules, reloaded, status, parent = started["args"]
    assert (conf, aor, modules, reloaded, status) == ("yes", "7", "10", "SUCCESS", "SUCCESS")
    assert parent == str(server.process.pid)
    channel = started["channel"]["id"]
    await server.delete(f"/channels/{channel}")
    line = next(server.var.rglob("queue_log")).read_text()
    assert line.split("|")[1:] == [channel, "support", "agent", "MARK", "info\n"]

    await server.post("/channels", endpoint="Local/slow@tests/n", app="callers")
    slow = (await events.wait_for("StasisStart", application="tests"))["channel"]["id"]
    await server.post(f"/channels/{slow}/continue")
    process = Path("/proc") / await written(server.var, "slow")
    assert process.exists()
    await server.delete(f"/channels/{slow}")
    async with asyncio.timeout(10):
        while process.exists():
            await asyncio.sleep(0.01)
    await events.close()


async def written(folder: Path, name: str) -> str:
    """Wait until a file below a folder has something in it."""
    async with asyncio.timeout(10):
        while True:
            for path in folder.rglob(name):
                if text := path.read_text().strip():
                    return text
            await asyncio.sleep(0.01)
