"""Realtime and ODBC on real database servers: PostgreSQL and MariaDB, with and without ODBC."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from textwrap import dedent
from urllib.parse import quote

import pytest
from arion.testing import Call, CallFailed, Phone

from server.app.settings import dialplan_settings
from server.base.errors import ConfigError, Unavailable
from server.cli.db import run_db_command
from server.config.ini import parse_text
from server.config.loader import load_configuration
from server.config.sections.databases import DatabaseFiles
from server.config.sections.extconfig import build_extconfig
from server.config.sections.func_odbc import build_func_odbc
from server.config.sections.res_odbc import build_res_odbc
from server.dialplan.odbc_functions import install_functions
from server.dialplan.sources import load_sources
from server.realtime.databases import Databases
from server.realtime.realtime import Realtime
from server.realtime.static import StaticFiles
from server.resources.channel import Channel
from server.store.sql.database import Database
from server.store.sql.rows import Criterion
from server.store.sql.settings import DatabaseSettings
from tests.support.databases import PASSWORD, USER, mariadb, open_folder, postgresql
from tests.support.dialplan import DialplanUnderTest
from tests.support.server_process import ServerProcess

NAMES = ("sqlite", "postgresql", "mariadb", "odbc-postgresql", "odbc-mariadb")
HOSTILE = ("x' OR '1'='1", "\\' OR 1=1 -- ", "'; DROP TABLE people; --", "\\", "%", "a\\'b")
TABLE = "CREATE TABLE people (id INTEGER PRIMARY KEY, name VARCHAR(80), born INTEGER, note TEXT)"


@dataclass(frozen=True, slots=True)
class Servers:
    """How each of :data:`NAMES` is reached."""

    dsns: dict[str, str]

    def settings(self, name: str, connections: int = 2) -> DatabaseSettings:
        return DatabaseSettings(f"[{name}]", self.dsns[name], USER, PASSWORD, connections)

    def url(self, name: str) -> str:
        return self.dsns[name].replace("://", f"://{USER}:{quote(PASSWORD, safe='')}@")


@pytest.fixture(scope="module")
def servers() -> Iterator[Servers]:
    """Both servers, for all tests of this module."""
    with open_folder() as folder, ExitStack() as stack, ThreadPoolExecutor(2) as starting:
        both = [
            starting.submit(stack.enter_context, each(folder)) for each in (postgresql, mariadb)
        ]
        first, second = (each.result() for each in both)
        ini = folder / "odbc.ini"
        ini.write_text(first.odbc + second.odbc)
        former, os.environ["ODBCINI"] = os.environ.get("ODBCINI"), str(ini)
        sqlite = f"sqlite:///{folder / 'sqlite.db'}"
        dsns = (sqlite, first.url, second.url, "postgresql-dsn", "mysql-dsn")
        yield Servers(dict(zip(NAMES, dsns, strict=True)))
        del os.environ["ODBCINI"]
        if former is not None:
            os.environ["ODBCINI"] = former


@pytest.fixture(params=NAMES)
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
async def database(servers: Servers, name: str) -> AsyncIterator[Database]:
    made = Database(servers.settings(name))
    await made.run("DROP TABLE IF EXISTS people")
    await made.run(TABLE)
    yield made
    await made.close()


async def test_rows_are_stored_found_changed_and_deleted_as_texts(database: Database) -> None:
    for number, text in enumerate(HOSTILE, 1):
        added = await database.insert(
            "people", {"id": str(number), "name": text, "born": "", "note": "é;^"}
        )
        assert added.affected == 1
    for number, text in enumerate(HOSTILE, 1):
        found = await database.select("people", [Criterion("name", "=", text)])
        assert list(found.columns) == ["id", "name", "born", "note"]
        assert found.rows == [(str(number), text, None, "é;^")]
    older = [Criterion("id", ">", "2"), Criterion("id", "<=", "4")]
    rows = (await database.select("people", older, order=["-id"])).rows
    assert [row[0] for row in rows] == ["4", "3"]
    assert await database.update("people", older, {"born": "1970"}) == 2
    assert len((await database.select("people", [Criterion("born", "=", "1970")])).rows) == 2
    assert (await database.select("people", [Criterion("born", "=", "never")])).rows == []
    assert await database.delete("people", [Criterion("born", "=", "1970")]) == 2
    assert await database.delete("people", [Criterion("id", "=", "3")]) == 0


async def test_like_takes_escapes_alike_everywhere(database: Database) -> None:
    for number, text in enumerate(("_1X", "51X", "!%", "\\%"), 1):
        await database.insert("people", {"id": str(number), "name": text})

    async def like(pattern: str) -> list[str | None]:
        criteria = [Criterion("name", "LIKE", pattern)]
        return [row[0] for row in (await database.select("people", criteria, order=["id"])).rows]

    assert await like("\\_%") == ["1"]
    assert await like("_1%") == ["1", "2"]
    assert await like("!\\%") == ["3"]
    assert await like("\\\\%") == ["4"]
    assert await like("%") == ["1", "2", "3", "4"]


async def test_errors_name_the_database_and_the_reason(database: Database, name: str) -> None:
    with pytest.raises(Unavailable, match=rf"^\[{name}\]: query: .*nowhere"):
        await database.select("nowhere", [])
    with pytest.raises(Unavailable, match=rf"^\[{name}\]: query: .*syntax"):
        await database.run("SELEC 1")
    assert (await database.run("SELECT '%s', 1")).rows == [("%s", "1")]


async def test_a_transaction_is_seen_by_others_once_it_is_committed(database: Database) -> None:
    one = await database.open()
    if database.settings.dsn.startswith("sqlite"):  # whose writers lock out readers' writes
        await database.run_in(one, "SELECT 1")
    else:
        await database.isolate(one, "serializable")
    await database.run_in(one, "INSERT INTO people (id, name) VALUES (1, 'x')")
    assert (await database.run("SELECT count(*) FROM people")).rows == [("0",)]
    await one.rollback()
    await database.run_in(one, "INSERT INTO people (id, name) VALUES (2, 'y')")
    await one.commit()
    await one.close()
    assert (await database.run("SELECT id FROM people")).rows == [("2",)]


async def test_the_pool_is_bounded_and_a_broken_connection_is_replaced(
    servers: Servers, name: str
) -> None:
    database = Database(servers.settings(name, connections=2))
    counts = await asyncio.gather(*(database.run("SELECT 1") for _ in range(8)))
    assert [rows.rows for rows in counts] == [[("1",)]] * 8
    assert database.active <= 2
    async with database.use() as connection:
        await connection.invalidate()
    assert (await database.run("SELECT 2")).rows == [("2",)]
    await database.close()


FUNC_ODBC = """
[NAME]
dsn=nowhere,main
readsql=SELECT name, note FROM people WHERE name='${SQL_ESC(${ARG1})}'
writesql=UPDATE people SET note='${SQL_ESC(${VAL1})}' WHERE name='${SQL_ESC(${ARG1})}'
insertsql=INSERT INTO people (id,name,note) VALUES (9,'${SQL_ESC(${ARG1})}','${SQL_ESC(${VALUE})}')
[ALL]
dsn=main
prefix=PEOPLE
mode=multirow
rowlimit=3
escapecommas=no
readsql=SELECT id, name FROM people ORDER BY id
"""


@pytest.fixture
async def dut(
    servers: Servers, database: Database, name: str, tmp_path: Path
) -> AsyncIterator[DialplanUnderTest]:
    """A dialplan with the functions above, families and a Realtime switch."""
    odbc = f"[main]\ndsn={servers.dsns[name]}\nusername={USER}\npassword={PASSWORD}\n"
    odbc = (
        odbc.replace(";", "\\;") + "max_connections=3\n[nowhere]\ndsn=sqlite:////no/such/folder\n"
    )
    extconfig = "[settings]\npeople => odbc,nowhere,people,1\npeople => odbc,main,people,2\n"
    files = DatabaseFiles(
        build_extconfig(parse_text(extconfig), []),
        build_res_odbc(parse_text(odbc), []),
        functions=build_func_odbc(parse_text(FUNC_ODBC), []),
    )
    made = DialplanUnderTest(tmp_path)
    await made.start()
    databases = Databases(files)
    made.dialplan.realtime = Realtime(databases, files.extconfig)
    install_functions(made.dialplan.registry, files.functions)
    yield made
    await made.close()
    await databases.close()


async def run(dut: DialplanUnderTest, body: str, **variables: str) -> Channel:
    """Run steps to the end, with the global variables given."""
    dut.dialplan.globals.update(variables)
    channel = await dut.run(dedent(body) + "\nWait(60)")
    async with asyncio.timeout(10):
        while channel.app_name != "Wait":
            await asyncio.sleep(0.005)
    return channel


async def test_what_is_dialled_can_not_leave_its_literal(
    dut: DialplanUnderTest, database: Database
) -> None:
    await database.run("INSERT INTO people (id, name, note) VALUES (1, 'secret', 'a,b')")
    for text in HOSTILE:
        body = """
            Set(FOUND=${ODBC_NAME(${TEXT})})
            Set(READ=${ODBCSTATUS} ${ODBCROWS})
        """
        channel = await run(dut, body, TEXT=text.replace(",", "\\,"))
        assert dut.value(channel, "FOUND") == ""
        assert dut.value(channel, "READ") == "NODATA 0"
    channel = await run(dut, "Set(ODBC_NAME(${TEXT})=it's)\nSet(N=${ODBCROWS})", TEXT="\\' x")
    assert dut.value(channel, "N") == "1"
    rows = (await database.run("SELECT name, note FROM people ORDER BY id")).rows
    assert rows[0] == ("secret", "a,b")
    assert len(rows) == 2


async def test_functions_of_func_odbc_read_write_and_fetch(
    dut: DialplanUnderTest, database: Database
) -> None:
    body = """
        Set(ODBC_NAME(ann)=one,two)
        Set(INSERTED=${ODBCSTATUS} ${ODBCROWS})
        Set(ODBC_NAME(ann)=three)
        Set(UPDATED=${ODBCSTATUS} ${ODBCROWS})
        Set(HASH(row)=${ODBC_NAME(ann)})
        Set(READ=${ODBCSTATUS} ${ODBCROWS} ${HASH(row,name)}/${HASH(row,note)})
        Set(ID=${PEOPLE_ALL()})
        Set(ROWS=${ODBCROWS})
        Set(FIRST=${ODBC_FETCH(${ID})} ${ODBC_FETCH_STATUS})
        Set(NEXT=${ODBC_FETCH(${ID})} ${ODBC_FETCH_STATUS})
        ODBCFinish(${ID})
    """
    channel = await run(dut, body)
    wanted = {
        "INSERTED": "SUCCESS 1", "UPDATED": "SUCCESS 1", "READ": "SUCCESS 1 ann/three",
        "ROWS": "1", "FIRST": "9,ann SUCCESS", "NEXT": " FAILURE",
    }  # fmt: skip
    assert {key: dut.value(channel, key) for key in wanted} == wanted
    assert (await database.run("SELECT note FROM people")).rows == [("three",)]


async def test_realtime_functions_read_write_store_and_destroy(
    dut: DialplanUnderTest, database: Database
) -> None:
    body = """
        Set(REALTIME_STORE(people,id,name,born)=5,a\\,b,1970)
        Set(ALL=${REALTIME(people,name,a\\,b)})
        Set(OTHER=${REALTIME(people,id,5,|,:)})
        Set(REALTIME(people,id,5,note)=x\\;y)
        Set(FIELD=${REALTIME_FIELD(people,id,5,born)})
        Set(HASH(r)=${REALTIME_HASH(people,id >,4)})
        Set(HASHED=${HASH(r,name)}/${HASH(r,born)})
        Set(REALTIME_FIELD(people,id,5,born)=1971)
        Set(GONE=${REALTIME_DESTROY(people,id,5)})
        Set(LEFT=${REALTIME(people,id,5)}.)
    """
    channel = await run(dut, body)
    wanted = {
        "ALL": "id=5,name=a,b,born=1970,", "OTHER": "id:5|name:a,b|born:1970|",
        "FIELD": "1970", "HASHED": "a,b/1970", "LEFT": ".",
        "GONE": "id=5,name=a,b,born=1971,note=x;y,",
    }  # fmt: skip
    assert {key: dut.value(channel, key) for key in wanted} == wanted


async def test_transactions_of_a_call(dut: DialplanUnderTest, database: Database) -> None:
    body = """
        Set(ODBC(transaction,main)=t1)
        Set(ODBC_NAME(ann)=1)
        ODBC_Rollback()
        Set(BACK=${ROLLBACK_RESULT} ${ODBC(transaction)} ${ODBC(forcecommit)})
        Set(ODBC_NAME(bob)=1)
        ODBC_Commit(t1)
        Set(DONE=${COMMIT_RESULT} ${ODBC(isolation,t1)})
        ODBC_Commit(t2)
        Set(WRONG=${COMMIT_RESULT})
    """
    channel = await run(dut, body)
    assert dut.value(channel, "BACK") == "OK t1 0"
    assert dut.value(channel, "DONE") == "OK read_committed"
    assert "no transaction 't2'" in (dut.value(channel, "WRONG") or "")
    channel.hangup()
    async with asyncio.timeout(5):
        while dut.under.registry.find(channel.id) is not None:
            await asyncio.sleep(0.005)
    assert (await database.run("SELECT name FROM people")).rows == [("bob",)]


@pytest.mark.parametrize("kind", ["sqlite", "postgresql", "mariadb"])
def test_the_schema_is_made_completed_and_checked(servers: Servers, kind: str) -> None:
    url = servers.url(kind) if kind != "sqlite" else servers.dsns[kind]
    code, lines = run_db_command(["check", url])
    assert code == 1
    assert "missing: table ps_endpoints" in lines
    assert run_db_command(["upgrade", url]) == (0, ["The tables are up to date."])
    assert run_db_command(["check", url]) == (0, ["0 things missing"])

    async def run(*statements: str) -> None:
        settings = DatabaseSettings("", url)
        database = Database(settings)
        for statement in statements:
            await database.run(statement)
        await database.close()

    # as made by an older Asterisk: a table and a column are not there
    asyncio.run(run("DROP TABLE ps_systems", "ALTER TABLE ps_aors DROP COLUMN outbound_proxy"))
    code, lines = run_db_command(["check", url])
    wanted = ["missing: column ps_aors.outbound_proxy", "missing: table ps_systems"]
    assert (code, lines) == (1, [*wanted, "2 things missing"])


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


@pytest.fixture
async def server(servers: Servers, tmp_path: Path) -> AsyncIterator[ServerProcess]:
    """The real server, with half of its configuration in PostgreSQL."""
    assert await asyncio.to_thread(run_db_command, ["upgrade", servers.url("postgresql")])
    database = Database(servers.settings("postgresql"))
    for table in ("ps_endpoints", "ps_auths", "ps_aors", "ps_contacts", "extensions"):
        await database.run(f"DELETE FROM {table}")
    for statement in ROWS.split(";\n"):
        await database.run(statement)
    await database.close()
    made = ServerProcess(tmp_path / "var")
    etc = made.var / "etc"
    secret = PASSWORD.replace(";", "\\;")
    common = f"username={USER}\npassword={secret}\nmax_connections=4\n"
    (etc / "res_odbc.conf").write_text(
        f"[main]\ndsn={servers.dsns['postgresql']}\npre-connect=yes\n{common}"
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
    assert await server.cli("module reload func_odbc") == "\n"
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


def test_a_whole_file_may_be_a_table(servers: Servers, name: str, tmp_path: Path) -> None:
    async def prepare() -> None:
        database = Database(servers.settings(name))
        await database.run("DROP TABLE IF EXISTS files")
        await database.run(
            "CREATE TABLE files (cat_metric INTEGER, var_metric INTEGER, filename VARCHAR(80),"
            " category VARCHAR(80), var_name VARCHAR(80), var_val VARCHAR(80), commented INTEGER)"
        )
        for row in (
            "1, 0, 'rtp.conf', 'general', 'rtpstart', '20000', 0",
            "1, 1, 'rtp.conf', 'general', 'rtpend', '20100', 0",
            "1, 2, 'rtp.conf', 'general', 'rtpend', '20200', 1",
            "1, 1, 'extensions.conf', 'phones', 'same', 'n,Hangup()', 0",
            "1, 0, 'extensions.conf', 'phones', 'exten', '1,1,Answer()', 0",
        ):
            await database.run(f"INSERT INTO files VALUES ({row})")
        await database.close()

    asyncio.run(prepare())
    secret = PASSWORD.replace(";", "\\;")
    (tmp_path / "asterisk.conf").write_text("")
    (tmp_path / "res_odbc.conf").write_text(
        f"[main]\ndsn={servers.dsns[name]}\nusername={USER}\npassword={secret}\n"
    )
    lines = "rtp.conf => odbc,main,files\nextensions.conf => odbc,main,files\n"
    (tmp_path / "extconfig.conf").write_text(f"[settings]\n{lines}")
    (tmp_path / "rtp.conf").write_text("[general]\nrtpstart=1\n")  # is not read
    path = str(tmp_path / "asterisk.conf")
    found = load_configuration(path, static_reader=StaticFiles)
    assert (found.rtp.rtpstart, found.rtp.rtpend) == (20000, 20100)
    plan = load_sources(dialplan_settings(found).sources).plan
    assert [len(each.steps) for each in plan.contexts["phones"]] == [2]

    (tmp_path / "extconfig.conf").write_text("[settings]\nrtp.conf => odbc,main,nowhere\n")
    with pytest.raises(ConfigError, match=r"extconfig\.conf: rtp\.conf: res_odbc\.conf \[main\]"):
        found.reread()
