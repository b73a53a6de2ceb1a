"""The manager interface as the console shows it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from server.app.manager_console import ManagerConsole
from server.base.errors import NotFound
from tests.support.ami import AmiUnderTest, Client


@pytest.fixture
async def ami(tmp_path: Path) -> AsyncIterator[AmiUnderTest]:
    under = AmiUnderTest(tmp_path)
    await under.start()
    yield under
    await under.close()


async def test_it_lists_users_sessions_actions_and_events(ami: AmiUnderTest) -> None:
    console = ManagerConsole(ami.server)
    await ami.client()
    (user,) = console.users()
    assert (user.name, user.has_secret, user.has_acl) == ("admin", True, False)
    assert user.read.startswith("system,call,")
    (session,) = console.sessions()
    assert (session.name, session.address) == ("admin", "127.0.0.1")
    ping = next(each for each in console.actions() if each.name == "Ping")
    assert ping.privilege == "<none>"
    assert console.events()["Newchannel"] == "call,all"
    assert ("Debug", "No") in console.settings()


async def test_a_session_can_be_ended(ami: AmiUnderTest) -> None:
    console = ManagerConsole(ami.server)
    client = await ami.client()
    console.kick(console.sessions()[0].number)
    assert client.is_ended
    assert console.sessions() == []
    with pytest.raises(NotFound):
        console.kick(99)


async def test_events_tell_their_number_while_debugged(ami: AmiUnderTest) -> None:
    console = ManagerConsole(ami.server)
    client: Client = await ami.client()
    console.set_debug(True)
    assert console.is_debugging
    ami.server.stream.tell("Newchannel", [])
    assert "SequenceNumber" in client.event("Newchannel")
