"""Manager clients made by others, unmodified, and a plain transcript, on a whole server."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from arion.testing import Phone

from tests.interop.clients.conftest import NODE_MODULES, PYTHON, run
from tests.support.ami import parse
from tests.support.server_process import ServerProcess, free_port

PROGRAMS = Path(__file__).parent / "ami"
IS_INSTALLED = PYTHON.exists() and NODE_MODULES.is_dir()
SECRET = "s3cret-of-the-tests"
MANAGER = """
[general]
enabled = yes
webenabled = yes
bindaddr = 127.0.0.1
port = {port}

[operator](!)
read = all
write = all

[admin](operator)
secret = {secret}
"""

pytestmark = [
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.skipif(not IS_INSTALLED, reason="the clients are not installed; see make interop"),
]


class Managed:
    """A server with a manager interface."""

    def __init__(self, var: Path) -> None:
        self.server = ServerProcess(var)
        self.port = free_port()
        conf = MANAGER.format(port=self.port, secret=SECRET)
        (var / "etc/manager.conf").write_text(conf)

    @property
    def environment(self) -> dict[str, str]:
        """What client programs are told."""
        return {"AMI_PORT": str(self.port), "AMI_USER": "admin", "AMI_SECRET": SECRET}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def managed(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Managed]:
    """One server for all tests here."""
    made = Managed(tmp_path_factory.mktemp("ami") / "var")
    await made.server.start()
    try:
        yield made
        assert await made.server.leftovers() == []
        assert "Traceback" not in made.server.log
        assert await made.server.stop() == 0
    finally:
        if made.server.process and made.server.process.returncode is None:
            await made.server.kill()


async def test_panoramisk(managed: Managed) -> None:
    program = PROGRAMS / "with_panoramisk.py"
    async with run(managed.server, PYTHON, program, **managed.environment) as client:
        assert await client.step("ping") == "Pong"
        parts = ["Originate successfully queued", "OriginateResponse"]
        assert await client.step("originated") == parts
        assert await client.step("variable") == "2"
        assert await client.step("channels") == ["1", "2"]
        assert await client.step("command") is True
        await client.step("ended")


async def test_pyst2(managed: Managed) -> None:
    program = PROGRAMS / "with_pyst2.py"
    async with run(managed.server, PYTHON, program, **managed.environment) as client:
        assert await client.step("greeted") == "Asterisk Call Manager"
        assert await client.step("ping") == "Response: Success"
        assert await client.step("originated") == "Originate successfully queued"
        assert await client.step("command") is True
        assert int(await client.step("calls")) == 2
        await client.step("ended")


async def test_asterisk_manager(managed: Managed) -> None:
    program = PROGRAMS / "with_asterisk_manager.cjs"
    async with run(managed.server, "node", program, **managed.environment) as client:
        assert await client.step("ping") == "Pong"
        assert await client.step("originated") == "Originate successfully queued"
        assert await client.step("created") == "npm"
        assert await client.step("answered") == "Success"
        assert await client.step("variable") == "2"
        assert await client.step("ended") == "16"


async def test_nami(managed: Managed) -> None:
    program = PROGRAMS / "with_nami.cjs"
    async with run(managed.server, "node", program, **managed.environment) as client:
        assert await client.step("ping") == "Pong"
        assert await client.step("originated") == "Originate successfully queued"
        assert await client.step("channels") is True
        assert await client.step("ended") == "Hangup"


async def test_a_transcript(managed: Managed) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", managed.port)
    writer.write(
        b"Action: Login\r\nUsername: admin\r\nSecret: %b\r\nEvents: off\r\n\r\n"
        b"Action: Command\r\nActionID: 1\r\nCommand: core show hints\r\n\r\n"
        b"Action: Reload\r\nActionID: 2\r\n\r\n"
        b"Action: Logoff\r\n\r\n" % SECRET.encode()
    )
    async with asyncio.timeout(20):
        said = (await reader.read()).decode()
    assert said.startswith("Asterisk Call Manager/13.0.0\r\nResponse: Success\r\n")
    assert "ActionID: 1\r\nMessage: Command output follows\r\nOutput: " in said
    assert "Response: Success\r\nActionID: 2\r\nMessage: Module Reloaded\r\n\r\n" in said
    assert said.endswith("Response: Goodbye\r\nMessage: Thanks for all the fish.\r\n\r\n")
    writer.close()


async def test_what_a_phone_does_is_told(managed: Managed) -> None:
    server = managed.server
    reader, writer = await asyncio.open_connection("127.0.0.1", managed.port)
    login = f"Action: Login\r\nUsername: admin\r\nSecret: {SECRET}\r\nEvents: call,dtmf\r\n\r\n"
    writer.write(login.encode())
    async with asyncio.timeout(20):
        await reader.readuntil(b"Authentication accepted\r\n\r\n")
        phone = Phone("alice", server.access.phones["alice"], server=server.sip)
        async with phone as alice:
            call = await alice.call("700")
            await call.audio.press("5")
            await reader.readuntil(b"Event: DTMFBegin\r\n")
            ended = await _event(reader, b"DTMFEnd")
            assert (ended["Digit"], ended["Direction"]) == ("5", "Received")
            await call.hangup()
            hangup = await _event(reader, b"Hangup")
    assert hangup["Channel"].startswith("PJSIP/alice-")
    assert (hangup["Cause"], hangup["Cause-txt"]) == ("16", "Normal Clearing")
    writer.close()


async def _event(reader: asyncio.StreamReader, name: bytes) -> dict[str, str]:
    await reader.readuntil(b"Event: %b\r\n" % name)
    return parse((await reader.readuntil(b"\r\n\r\n")).decode())[0]


async def test_a_session_over_http(managed: Managed) -> None:
    server = managed.server
    origin = server.access.ari_url.partition("/ari")[0]
    session = server._session
    assert session is not None
    login = {"action": "login", "username": "admin", "secret": SECRET}
    async with session.get(f"{origin}/rawman", params=login) as answer:
        assert "Authentication accepted" in await answer.text()
        cookie = answer.cookies["mansession_id"].value
    headers = {"Cookie": f'mansession_id="{cookie}"'}
    async with session.get(f"{origin}/mxml", params={"action": "ping"}, headers=headers) as answer:
        assert "ping='Pong'" in await answer.text()
