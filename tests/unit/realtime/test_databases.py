"""Which database a family is in, and what happens when one can't be asked."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from server.base.errors import InvalidArgument, NotFound, Unavailable
from server.config.ini import parse_text
from server.config.sections.databases import DatabaseFiles
from server.config.sections.extconfig import FamilySource, build_extconfig
from server.config.sections.res_odbc import build_res_odbc
from server.config.sections.sql_drivers import build_sql_drivers
from server.realtime.databases import Databases
from server.realtime.realtime import Realtime
from server.store.sql.rows import Criterion


def files(tmp_path: Path, extra: str = "") -> DatabaseFiles:
    odbc = (
        f"[good]\ndsn=sqlite:///{tmp_path / 'x.db'}\npre-connect=yes\n"
        "[bad]\ndsn=sqlite:////no/such/folder/x.db\npre-connect=yes\n" + extra
    )
    pgsql = "[general]\ndbhost=db\ndbname=ast\ndbuser=u\ndbpass=p/;\n".replace(";", "\\;")
    mysql = "[general]\ndbsock=/run/m.sock\n[own]\ndbhost=h\ndbport=3307\ndbname=n\n"
    sqlite = f"[main]\ndbfile={tmp_path / 'x.db'}\n"
    lines = "peers => odbc,bad,peers,1\npeers => odbc,good,peers,2\nmain => sqlite3,main,peers\n"
    return DatabaseFiles(
        build_extconfig(parse_text(f"[settings]\n{lines}"), []),
        build_res_odbc(parse_text(odbc), []),
        build_sql_drivers(parse_text(pgsql), parse_text(mysql), parse_text(sqlite), []),
    )


@pytest.fixture
async def databases(tmp_path: Path) -> AsyncIterator[Databases]:
    made = Databases(files(tmp_path))
    yield made
    await made.close()


@pytest.fixture
async def realtime(databases: Databases, tmp_path: Path) -> Realtime:
    await databases.odbc("good").run("CREATE TABLE peers (id INTEGER PRIMARY KEY, name TEXT)")
    return Realtime(databases, files(tmp_path).extconfig)


def test_each_driver_finds_its_database(databases: Databases) -> None:
    def reached(driver: str, database: str) -> tuple[str, str]:
        settings = databases.of(FamilySource(driver, database, "t")).settings
        return settings.dsn.partition("?")[0], settings.username

    assert reached("pgsql", "ignored") == ("postgresql://db:5432/ast", "u")
    assert reached("mysql", "own") == ("mysql://h:3307/n", "asterisk")
    assert reached("mysql", "other") == ("mysql://localhost:3306/asterisk", "asterisk")
    assert reached("odbc", "good")[0].startswith("sqlite:///")
    for driver, file in (("odbc", "res_odbc.conf"), ("sqlite3", "res_config_sqlite3.conf")):
        with pytest.raises(Unavailable, match=rf"{file} does not know 'nowhere'"):
            databases.of(FamilySource(driver, "nowhere", "t"))


async def test_pre_connect_connects_and_says_what_failed(databases: Databases) -> None:
    (failure,) = await databases.start()
    assert failure.startswith("res_odbc.conf [bad]: connect: ")
    assert databases.active("good") == 1
    assert databases.last_error("bad").startswith("connect: ")
    assert databases.last_error("good") == ""


async def test_a_reload_keeps_the_pools_that_did_not_change(
    databases: Databases, tmp_path: Path
) -> None:
    good, bad = databases.odbc("good"), databases.odbc("bad")
    await databases.configure(files(tmp_path, "max_connections=7\n"))
    assert databases.odbc("good") is good
    assert databases.odbc("bad") is not bad
    assert databases.odbc("bad").settings.max_connections == 7


async def test_the_next_database_is_asked_when_the_first_can_not_be(realtime: Realtime) -> None:
    assert await realtime.store("peers", {"id": "1", "name": "a;b"}) == "1"
    rows = await realtime.find("PEERS", [Criterion("id", "=", "1")])
    assert rows == [[("id", "1"), ("name", "a;b")]]
    assert await realtime.update("peers", [Criterion("id", "=", "1")], {"name": "c"}) == 1
    assert await realtime.find("main", [Criterion("name", "=", "c")])
    assert await realtime.destroy("peers", [Criterion("name", "=", "c")]) == 1
    assert await realtime.find("peers") == []


async def test_errors_say_whose_fault_it_is(realtime: Realtime, databases: Databases) -> None:
    with pytest.raises(NotFound, match=r"extconfig.conf has no family 'nothing'"):
        await realtime.find("nothing")
    with pytest.raises(InvalidArgument):
        await realtime.destroy("peers", [])
    with pytest.raises(InvalidArgument):
        await realtime.store("peers", {})
    await databases.odbc("good").run("DROP TABLE peers")
    with pytest.raises(Unavailable, match=r"\[good\]: query: no such table: peers"):
        await realtime.find("peers")
