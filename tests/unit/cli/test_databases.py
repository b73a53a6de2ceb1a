"""``odbc …``, ``realtime …`` and ``arion db``."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from server.__main__ import main
from server.app.offline import offline_registry
from server.base.errors import NotFound
from server.cli.check import check_configuration
from server.cli.registry import CommandError
from server.config.ini import parse_text
from server.config.sections.databases import DatabaseFiles
from server.config.sections.extconfig import build_extconfig
from server.config.sections.func_odbc import build_func_odbc
from server.config.sections.res_odbc import build_res_odbc
from server.dialplan.odbc_functions import install_functions
from server.realtime.databases import Databases
from server.realtime.realtime import Realtime


@pytest.fixture
async def console(cli, tmp_path: Path) -> AsyncIterator[object]:
    """The console of a server that has a database."""
    url = f"sqlite:///{tmp_path / 'x.db'}"
    files = DatabaseFiles(
        build_extconfig(parse_text("[settings]\npeople => odbc,main"), []),
        build_res_odbc(parse_text(f"[main]\ndsn={url}\nmax_connections=3"), []),
        functions=build_func_odbc(
            parse_text(
                "[P]\ndsn=main\nreadsql=SELECT name FROM people WHERE id='${ARG1}'\n"
                "writesql=UPDATE people SET name='${VALUE}' WHERE id='${ARG1}'"
            ),
            [],
        ),
    )
    databases = Databases(files)
    dialplan = cli.dialplan
    dialplan.realtime = Realtime(databases, files.extconfig)
    dialplan.odbc_functions = install_functions(dialplan.registry, files.functions)
    await databases.odbc("main").run("CREATE TABLE people (id TEXT, name TEXT)")
    yield cli
    await databases.close()


async def test_odbc_show_lists_databases_and_their_connections(console) -> None:
    output = await console.run("odbc show")
    assert "  Name:   main" in output.splitlines()
    assert "    Number of active connections: 1 (out of 3)" in output.splitlines()
    assert await console.run("odbc show all") == output
    with pytest.raises(CommandError, match=r"no section \[x\]"):
        await console.run("odbc show x")


async def test_rows_are_stored_shown_changed_and_destroyed(console) -> None:
    assert await console.run("realtime store people id 1 name ann") == "Stored 1 row."
    shown = (await console.run("realtime load people id 1")).splitlines()
    assert [line.split() for line in shown[2:]] == [["id", "1"], ["name", "ann"]]
    assert "1 RealTime record." in await console.run("realtime update people id 1 name bob")
    done = await console.run("realtime update2 people id 1 name bob NULL name carl")
    assert "1 RealTime record." in done
    assert "0 RealTime records." in await console.run("realtime destroy people id 1 name bob")
    assert "1 RealTime record." in await console.run("realtime destroy people id 1")
    assert "No rows found" in await console.run("realtime load people id 1")
    with pytest.raises(NotFound, match="no family 'x'"):
        await console.run("realtime load x id 1")
    for wrong in ("update2 people id 1", "store people id", "load people", "destroy people"):
        with pytest.raises(CommandError, match=r"^Usage: realtime "):
            await console.run(f"realtime {wrong}")


async def test_a_function_is_shown_or_run(console) -> None:
    await console.run("realtime store people id 1 name ann")
    shown = await console.run("odbc read ODBC_P 1")
    assert shown == "SELECT name FROM people WHERE id='1'"
    assert (await console.run("odbc read ODBC_P 1 exec")).splitlines() == [
        "name                  ann",
        "",
        "Returned 1 rows.",
    ]
    assert "SET name='bob'" in await console.run("odbc write ODBC_P 1 bob")
    assert await console.run("odbc write ODBC_P 1 bob exec") == "Affected 1 rows."
    with pytest.raises(CommandError, match="No such query"):
        await console.run("odbc read ODBC_X 1")


async def test_without_a_database_that_is_said(cli) -> None:
    for line in ("odbc show", "realtime load a b c"):
        with pytest.raises(CommandError, match="There is no database"):
            await cli.run(line)


def test_arion_db_makes_and_checks_tables(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    url = f"sqlite:///{tmp_path / 'x.db'}"
    assert main(["db", "check", url]) == 1
    assert "missing: table ps_endpoints" in capsys.readouterr().out
    assert main(["db", "upgrade", url]) == 0
    assert main(["db", "check", url]) == 0
    assert main(["db", "destroy", url]) == 2
    assert "Usage: arion db" in capsys.readouterr().err
    assert main(["db", "check", "sqlite:////no/such/folder/x.db"]) == 1
    assert "arion db: connect: " in capsys.readouterr().err


def test_config_check_takes_an_auth_that_a_database_may_have(tmp_path: Path) -> None:
    (tmp_path / "asterisk.conf").write_text("")
    (tmp_path / "pjsip.conf").write_text("[a]\ntype=endpoint\nauth=b\n")
    path = str(tmp_path / "asterisk.conf")
    (error,) = check_configuration(path, offline_registry()).errors
    assert "there is no [b] of this type" in str(error)
    (tmp_path / "sorcery.conf").write_text("[res_pjsip]\nauth=realtime,auths\n")
    assert check_configuration(path, offline_registry()).errors == []
