"""func_odbc.conf's functions and transactions, beyond what real servers show."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from server.base.errors import InvalidArgument, Unavailable
from server.config.ini import parse_text
from server.config.sections.databases import DatabaseFiles
from server.config.sections.func_odbc import FuncOdbc, build_func_odbc
from server.config.sections.res_odbc import build_res_odbc
from server.dialplan.odbc_calls import (
    MAX_RESULTS,
    MAX_TRANSACTIONS,
    ChannelOdbc,
    OdbcCalls,
    Result,
)
from server.dialplan.odbc_functions import SqlFunction, SqlScope, install_functions
from server.dialplan.scope import Scope
from server.realtime.databases import Databases
from server.realtime.realtime import Realtime
from tests.support.dialplan import DialplanUnderTest


def settings(source: str) -> FuncOdbc:
    return build_func_odbc(parse_text(source), [])


TWO = settings(
    """
[ONE]
dsn=main
minargs=2
synopsis=Finds one
readsql=SELECT '${ARG1}-${ARG2}-${ARG3}'
writesql=UPDATE t SET a='${VAL2}' WHERE b='${VALUE}' OR c='${ARG1}'
[DB]
prefix=FOO
dsn=main
readsql=SELECT 1
"""
)


@pytest.fixture
async def databases(dut: DialplanUnderTest, tmp_path: Path) -> AsyncIterator[Databases]:
    odbc = build_res_odbc(parse_text(f"[main]\ndsn=sqlite:///{tmp_path / 'x.db'}"), [])
    made = Databases(DatabaseFiles(odbc=odbc))
    dut.dialplan.realtime = Realtime(made, DatabaseFiles().extconfig)
    yield made
    await made.close()


def test_functions_come_and_go_with_the_file(dut: DialplanUnderTest) -> None:
    registry = dut.dialplan.registry
    installed = install_functions(registry, TWO)
    assert list(installed) == ["ODBC_ONE", "FOO_DB"]
    assert registry.functions["ODBC_ONE"].write is not None
    assert registry.functions["FOO_DB"].write is None
    assert registry.describe_functions()["ODBC_ONE"] == "Finds one"
    assert list(install_functions(registry, FuncOdbc(), installed)) == []
    assert "ODBC_ONE" not in registry.functions


def test_a_name_that_is_taken_stays_what_it_is(
    dut: DialplanUnderTest, caplog: pytest.LogCaptureFixture
) -> None:
    registry = dut.dialplan.registry
    former = registry.functions["ODBC_FETCH"]
    taken = settings("[FETCH]\ndsn=a\nreadsql=SELECT 1")
    assert install_functions(registry, taken) == {}
    assert registry.functions["ODBC_FETCH"] is former
    assert "there is a function ODBC_FETCH already" in caplog.text


def test_a_statement_is_shown_with_its_arguments(dut: DialplanUnderTest) -> None:
    function = SqlFunction(TWO.functions["ODBC_ONE"])
    scope = Scope(dut.dialplan, None)
    scope.set_global("ARG3", "of a subroutine")
    assert function.statement(scope, "a,b", None) == "SELECT 'a-b-'"
    written = function.statement(scope, "k,x", "v,w")
    assert written == "UPDATE t SET a='w' WHERE b='v,w' OR c='k'"
    with pytest.raises(InvalidArgument, match="expected at least 2 arguments"):
        function.statement(scope, "a", None)


def test_sql_esc_leaves_nothing_that_ends_a_literal_of_mariadb(dut: DialplanUnderTest) -> None:
    scope = Scope(dut.dialplan, None)
    for is_needed, expected in ((True, "\\\\''"), (False, "\\''")):
        sql = SqlScope(scope, {"ARG1": "\\'"}, escapes_backslashes=is_needed)
        assert sql.read_function("SQL_ESC", "\\'") == expected
    assert sql.get("ARG1") == "\\'"


async def test_a_failure_is_told_by_the_variables(
    dut: DialplanUnderTest, databases: Databases
) -> None:
    install_functions(dut.dialplan.registry, settings("[X]\ndsn=no,main\nreadsql=SELECT a FROM b"))
    channel = await dut.run("Wait(60)")
    scope = Scope(dut.dialplan, channel)
    function = dut.dialplan.registry.functions["ODBC_X"]
    assert function.read is not None
    with pytest.raises(Unavailable, match=r"no section \[no\].*; .*\[main\]: query: "):
        await function.read(scope, "")  # type: ignore[misc]
    assert dut.value(channel, "ODBCSTATUS") == "FAILURE"
    assert dut.value(channel, "ODBCROWS") == "-1"
    channel.hangup()


async def test_a_call_has_bounded_results_and_transactions(databases: Databases) -> None:
    calls = ChannelOdbc()
    for _ in range(MAX_RESULTS):
        calls.keep(Result((), None))  # type: ignore[arg-type]
    with pytest.raises(Unavailable):
        calls.keep(Result((), None))  # type: ignore[arg-type]
    calls.transactions = dict.fromkeys(map(str, range(MAX_TRANSACTIONS)), None)  # type: ignore[assignment, arg-type]
    with pytest.raises(Unavailable):
        await calls.begin(databases, "x", "main")


@pytest.mark.parametrize(("forces", "kept"), [("yes", "1"), ("no", "0")])
async def test_what_is_not_committed_when_the_call_ends_is_kept_only_if_that_was_asked_for(
    dut: DialplanUnderTest, databases: Databases, forces: str, kept: str
) -> None:
    await databases.odbc("main").run("CREATE TABLE t (a TEXT)")
    writes = settings("[T]\ndsn=main\nwritesql=INSERT INTO t VALUES ('${VALUE}')")
    function = SqlFunction(writes.functions["ODBC_T"])
    channel = await dut.run("Wait(60)")
    scope = Scope(dut.dialplan, channel)
    calls = dut.dialplan.part(OdbcCalls).of(channel)
    await calls.begin(databases, "one", "main")
    calls.transactions["one"].force_commit = forces == "yes"
    await function.write(scope, "", "x")
    await calls.close()
    rows = (await databases.odbc("main").run("SELECT count(*) FROM t")).rows
    assert rows == [(kept,)]
    channel.hangup()
