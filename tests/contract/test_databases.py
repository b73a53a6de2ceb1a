"""Realtime and ODBC on real database servers: PostgreSQL and MariaDB, with and without ODBC."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from textwrap import dedent

import pytest

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
from tests.support.databases import NAMES, PASSWORD, USER, Servers
from tests.support.dialplan import DialplanUnderTest

HOSTILE = ("x' OR '1'='1", "\\' OR 1=1 -- ", "'; DROP TABLE people; --", "\\", "%", "a\\'b")
TABLE = "CREATE TABLE people (id INTEGER PRIMARY KEY, name VARCHAR(80), born INTEGER, note TEXT)"


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
def test_the_schema_is_made_and_completed(servers: Servers, kind: str) -> None:
    url = servers.url(kind)

    async def run(*statements: str) -> None:
        database = Database(DatabaseSettings("", url))
        for statement in statements:
            await database.run(statement)
        await database.close()

    for _ in range(2):
        assert run_db_command(["upgrade", url]) == (0, ["The tables are up to date."])
        assert run_db_command(["check", url]) == (0, ["0 things missing"])
        # now as an older Asterisk made it: a table and a column are not there
        asyncio.run(
            run(
                "DROP TABLE ps_systems",
                "ALTER TABLE ps_aors DROP COLUMN outbound_proxy",
                "DROP TABLE alembic_version_arion",
            )
        )
        missing = ["missing: column ps_aors.outbound_proxy", "missing: table ps_systems"]
        assert run_db_command(["check", url]) == (1, [*missing, "2 things missing"])


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
