"""Phones, extensions and files in PostgreSQL, on the real server."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from arion.testing import Call, CallFailed, Phone
from sqlalchemy.engine import make_url

from server.cli.db import run_db_command
from server.store.sql.database import Database
from tests.support.databases import PASSWORD, USER, Servers
from tests.support.server_process import ServerProcess

pytestmark = pytest.mark.asyncio(loop_scope="module")

EXTCONFIG = """
[settings]
ps_endpoints => odbc,main
ps_auths => odbc,main
ps_aors => odbc,main
ps_contacts => odbc,main
ps_endpoint_id_ips => odbc,main
extensions => odbc,main
"""
SORCERY = """
[res_pjsip]
endpoint=config,pjsip.conf,criteria=type=endpoint
endpoint=realtime,ps_endpoints
auth=config,pjsip.conf,criteria=type=auth
auth=realtime,ps_auths
aor=config,pjsip.conf,criteria=type=aor
aor=realtime,ps_aors
contact=realtime,ps_contacts
[res_pjsip_endpoint_identifier_ip]
identify=realtime,ps_endpoint_id_ips
"""
ROWS = """
INSERT INTO ps_endpoints (id, context, aors, auth, disallow, allow)
VALUES ('dora', 'from-db', 'dora', 'dora', 'all', 'ulaw');
INSERT INTO ps_auths (id, auth_type, username, password)
VALUES ('dora', 'userpass', 'dora', 'first');
INSERT INTO ps_aors (id, max_contacts, remove_existing) VALUES ('dora', 1, 'yes');
INSERT INTO extensions (context, exten, priority, app, appdata) VALUES
('from-db', '900', 1, 'Answer', ''),
('from-db', '900', 2, 'Stasis', 'tests,${EXTEN},${ODBC_WHO(${CALLERID(num)})}'),
('from-db', '_91X', 1, 'Dial', 'PJSIP/dora,5')
"""


class Wire:
    """A connection to a database that may go dead: bytes are taken and lead nowhere."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._server: asyncio.Server | None = None
        self._writers: list[asyncio.StreamWriter] = []
        self.is_dead = False

    async def open(self) -> int:
        """Listen; return the port."""
        self._server = await asyncio.start_server(self._connect, "127.0.0.1")
        return int(self._server.sockets[0].getsockname()[1])

    async def close(self) -> None:
        assert self._server
        self._server.close()
        for writer in self._writers:
            writer.close()
        await self._server.wait_closed()

    async def _connect(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.append(writer)
        if not self.is_dead:
            far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self._port)
            self._writers.append(far_writer)
            await asyncio.gather(self._copy(reader, far_writer), self._copy(far_reader, writer))

    async def _copy(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while data := await reader.read(65_536):
                if not self.is_dead:
                    writer.write(data)
            writer.close()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def wire(servers: Servers) -> AsyncIterator[Wire]:
    made = Wire(make_url(servers.dsns["postgresql"]).port or 0)
    yield made
    await made.close()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def server(
    servers: Servers, wire: Wire, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[ServerProcess]:
    """The real server, with half of its configuration in PostgreSQL."""
    assert await asyncio.to_thread(run_db_command, ["upgrade", servers.url("postgresql")])
    database = Database(servers.settings("postgresql"))
    for table in ("ps_endpoints", "ps_auths", "ps_aors", "ps_contacts", "extensions"):
        await database.run(f"DELETE FROM {table}")
    for statement in ROWS.split(";\n"):
        await database.run(statement)
    await database.close()
    made = ServerProcess(tmp_path_factory.mktemp("realtime") / "var")
    etc = made.var / "etc"
    secret = PASSWORD.replace(";", "\\;")
    common = f"username={USER}\npassword={secret}\nmax_connections=4\n"
    dsn = make_url(servers.dsns["postgresql"]).set(port=await wire.open())
    (etc / "res_odbc.conf").write_text(
        f"[main]\ndsn={dsn}\npre-connect=yes\nconnect_timeout=1\n{common}"
        f"[second]\ndsn={servers.dsns['odbc-postgresql']}\n{common}"
    )
    (etc / "extconfig.conf").write_text(EXTCONFIG)
    (etc / "sorcery.conf").write_text(SORCERY)
    (etc / "func_odbc.conf").write_text(
        "[WHO]\ndsn=second\n"
        "readsql=SELECT context FROM ps_endpoints WHERE id='${SQL_ESC(${ARG1})}'\n"
    )
    with (etc / "extensions.conf").open("a", encoding="utf-8") as dialplan:
        dialplan.write("\n[from-db]\nswitch => Realtime/@\n")
    await made.start()
    try:
        yield made
        assert await made.leftovers() == []
        assert "Traceback" not in made.log
        assert await made.stop() == 0
    finally:
        if made.process and made.process.returncode is None:
            await made.kill()


async def test_a_phone_and_an_extension_that_exist_only_in_a_database(
    server: ServerProcess, servers: Servers
) -> None:
    events = await server.connect_app("tests,callers")
    database = Database(servers.settings("postgresql"))
    async with Phone("dora", "first", server=server.sip) as phone:
        assert await phone.register() == 200
        call: Call = await phone.call("900")
        started = await events.wait_for("StasisStart")
        assert started["args"] == ["900", "from-db"]
        assert started["channel"]["name"].startswith("PJSIP/dora-")
        await call.hangup()
        with pytest.raises(CallFailed):
            await phone.call("950")

        async def is_saved() -> bool:
            found = await database.run("SELECT id, endpoint FROM ps_contacts")
            return [row[1] for row in found.rows] == ["dora"]

        await server.until(is_saved, 5, "the contact to be saved")
        await server.post("/channels", endpoint="Local/911@from-db/n", app="callers")
        await phone.answer()
        await phone.hang_up()

    output = await server.cli("odbc show second")
    assert "Number of active connections: 1 (out of 4)" in output
    assert "from-db" in await server.cli("realtime load ps_endpoints id dora")
    more = "[NOW]\ndsn=second\nreadsql=SELECT '${ARG1}'\n"
    (server.var / "etc/func_odbc.conf").write_text(more)
    assert "func_odbc.conf:3: readsql has arg" in await server.cli("module reload func_odbc")
    assert await server.cli("odbc read ODBC_NOW x") == "SELECT 'x'\n"
    assert "No such query" in await server.cli("odbc read ODBC_WHO x")
    await database.close()
    await events.close()


async def test_what_changes_in_the_database_counts_without_a_reload(
    server: ServerProcess, servers: Servers
) -> None:
    database = Database(servers.settings("postgresql"))
    async with Phone("emil", "x", server=server.sip) as phone:
        assert await phone.register() == 401
    await database.run(
        "INSERT INTO ps_endpoints (id, context, aors, auth) VALUES ('emil', 'x', 'emil', 'emil')"
    )
    await database.run("INSERT INTO ps_auths (id, password) VALUES ('emil', 'x')")
    await database.run(
        "INSERT INTO ps_aors (id, max_contacts, remove_existing) VALUES ('emil', 1, 'yes')"
    )

    async def status(password: str) -> int:
        async with Phone("emil", password, server=server.sip) as phone:
            return await phone.register()

    async def can_log_in() -> bool:
        return await status("x") == 200

    await server.until(can_log_in, 5, "emil to be known")
    await database.run("UPDATE ps_auths SET password = 'y' WHERE id = 'emil'")

    async def is_locked_out() -> bool:
        return await status("x") == 401

    await server.until(is_locked_out, 5, "the old password to be of no use")
    assert await status("y") == 200
    await database.run("DELETE FROM ps_endpoints WHERE id = 'emil'")

    async def is_gone() -> bool:
        return await status("y") == 401

    await server.until(is_gone, 5, "emil to be gone")
    await database.close()


async def test_a_database_that_goes_dead_takes_nothing_along(
    server: ServerProcess, wire: Wire
) -> None:
    events = await server.connect_app("tests")
    loop = asyncio.get_running_loop()
    async with Phone("dora", "first", server=server.sip) as phone:
        assert await phone.register() == 200
        await asyncio.sleep(1.1)  # what was just read is not read again
        wire.is_dead = True
        late = asyncio.ensure_future(phone.register())
        before = loop.time()
        password = server.access.phones["alice"]
        async with Phone("alice", password, server=server.sip) as alice:
            call = await alice.call("700")
            assert loop.time() - before < 1
            await call.hangup()
        assert await late == 200  # as who she is known to be
    wire.is_dead = False

    async def is_over() -> bool:
        is_written = (await server.tasks())["databases"] == 0
        return is_written and "no answer" in server.log

    await server.until(is_over, 10, "the contact to be written after all")
    await events.close()
