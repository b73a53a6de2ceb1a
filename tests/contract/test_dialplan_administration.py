"""The real server's dialplan: hints that follow phones, changes from the console, saving."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from arion.testing import Phone

from tests.support.server_process import ServerProcess

HINTS = """
exten => 150,hint,PJSIP/alice&Custom:door,CustomPresence:alice
exten => _16X,hint,PJSIP/${GLOBAL(P${EXTEN})}
lswitch => Loopback/7${EXTEN:1}@phones/_90X
"""


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[ServerProcess]:
    made = ServerProcess(tmp_path / "var")
    with (tmp_path / "var/etc/extensions.conf").open("a", encoding="utf-8") as dialplan:
        dialplan.write("[beside]\n" + HINTS)
    await made.start()
    try:
        yield made
        assert await made.leftovers() == []
        assert await made.stop() == 0
    finally:
        if made.process and made.process.returncode is None:
            await made.kill()


async def test_hints_follow_phones_and_states_outlive_a_restart(server: ServerProcess) -> None:
    async def state() -> str:
        return (await server.cli("dialplan eval function EXTENSION_STATE(150@beside)")).strip()

    assert (await state()).endswith("Result: UNAVAILABLE")
    async with Phone("alice", server.access.phones["alice"], server=server.sip) as phone:
        await phone.register()
        assert (await state()).endswith("Result: NOT_INUSE")
        call = await phone.call("700")
        assert (await state()).endswith("Result: INUSE")
        assert "State:InUse" in await server.cli("core show hint 150")
        await call.hangup()
    await server.cli("devstate change Custom:door RINGING")
    await server.cli('presencestate change CustomPresence:alice "away,lunch,back at one"')
    assert await server.stop() == 0
    await server.start()
    assert (await state()).endswith("Result: RINGING")
    shown = await server.cli("core show hints")
    assert "Presence:away" in shown


async def test_what_the_console_adds_is_dialled_at_once_and_saved(server: ServerProcess) -> None:
    assert "added into" in await server.cli(
        'dialplan add extension "799,1,Goto(700,1)" into phones'
    )
    async with Phone("alice", server.access.phones["alice"], server=server.sip) as phone:
        call = await phone.call("799")
        await call.hangup()
    assert "can't save" in await server.cli("dialplan save")
    path = server.var / "etc/extensions.conf"
    path.write_text("[general]\nstatic=yes\n" + path.read_text())
    await server.cli("dialplan reload")
    assert "799" not in await server.cli("dialplan show phones")
    await server.cli('dialplan add extension "799,1,Goto(700,1)" into phones')
    before = await server.cli("dialplan show phones")
    assert "successfully saved" in await server.cli("dialplan save")
    await server.cli("dialplan reload")
    after = await server.cli("dialplan show phones")
    assert _without_sources(after) == _without_sources(before)


def _without_sources(listing: str) -> list[str]:
    return [line.rpartition("[")[0] or line for line in listing.splitlines()]
