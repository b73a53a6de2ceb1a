"""extconfig.conf, sorcery.conf, res_odbc.conf, func_odbc.conf and the drivers' own files."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.base.errors import ConfigError
from server.config.ini import parse_text
from server.config.objects import ConfigFile, ConfigWarning, Option, Section
from server.config.sections.databases import DatabaseFiles, check_databases
from server.config.sections.extconfig import FamilySource, build_extconfig
from server.config.sections.func_odbc import build_func_odbc
from server.config.sections.res_odbc import build_res_odbc
from server.config.sections.sorcery import CacheOptions, build_sorcery
from server.config.sections.sql_drivers import build_sql_drivers

T = TypeVar("T")

INJECTABLE = "has arguments inside of quotes without SQL_ESC: a caller could change the statement"


def build(
    builder: Callable[[ConfigFile, list[ConfigWarning]], T], source: str
) -> tuple[T, list[str]]:
    warnings: list[ConfigWarning] = []
    made = builder(parse_text(source, path="x.conf"), warnings)
    return made, [warning.message for warning in warnings]


def test_families_have_their_places_in_the_order_of_priority() -> None:
    found, warnings = build(
        build_extconfig,
        """
[settings]
sippeers => odbc,second,,2
sippeers => pgsql,first,peers
queues.conf => sqlite3,"main"
extensions => mysql,general,dialplan,1
""",
    )
    assert warnings == []
    assert found.families["sippeers"] == (
        FamilySource("pgsql", "first", "peers"),
        FamilySource("odbc", "second", "sippeers", 2),
    )
    assert found.families["queues.conf"] == (FamilySource("sqlite3", "main", "ast_config"),)
    assert found.families["extensions"][0].table == "dialplan"


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("x => ldap,a", "x: driver ldap is not supported"),
        ("x => oracle,a", "x: expected a driver (odbc, pgsql, mysql, sqlite3), not 'oracle'"),
        ("x => odbc,a,b,first", "x: expected a priority, not 'first'"),
        ("asterisk.conf => odbc,a", "asterisk.conf: this file is read before any database"),
    ],
)
def test_a_family_that_can_not_be_used_is_reported_and_left_out(line: str, message: str) -> None:
    found, warnings = build(build_extconfig, f"[settings]\n{line}")
    assert (found.families, warnings) == ({}, [message])


def test_sorcery_knows_places_and_caches() -> None:
    found, warnings = build(
        build_sorcery,
        """
[general]
update_or_create_on_update_miss=no
[res_pjsip]
endpoint=config,pjsip.conf,criteria=type=endpoint
endpoint=realtime,ps_endpoints
endpoint/cache=memory_cache,object_lifetime_stale=600,object_lifetime_maximum=1800,expire_on_reload=yes
aor=nowhere,x
auth/cache=memory_cache,colour=red
""",
    )
    endpoint = found.find("endpoint")
    assert endpoint is not None
    assert [(each.kind, each.data) for each in endpoint.wizards] == [
        ("config", "pjsip.conf"),
        ("realtime", "ps_endpoints"),
    ]
    assert endpoint.wizards[0].options == {"criteria": "type=endpoint"}
    assert endpoint.cache == CacheOptions(600, 1800, expire_on_reload=True)
    assert found.find("aor") is None
    assert warnings == [
        "aor: expected one of config, astdb, realtime, memory, not 'nowhere'",
        "auth/cache: unknown option 'colour'",
    ]


def test_res_odbc_has_databases_that_are_enabled_and_complete() -> None:
    found, warnings = build(
        build_res_odbc,
        """
[ENV]
INFORMIXSERVER = x
[main]
dsn = asterisk
pre-connect => yes
max_connections = 20
idlecheck = 3600
[off]
enabled = no
[empty]
username = x
""",
    )
    assert list(found.classes) == ["main"]
    assert found.classes["main"].pre_connect
    assert found.classes["main"].connect_timeout == 10
    assert found.environment == {"INFORMIXSERVER": "x"}
    assert warnings == [
        "idlecheck has no effect: connections are always pooled, up to max_connections",
        "[empty] is left out: it has no dsn",
    ]
    with pytest.raises(ConfigError, match=r"x.conf:2: max_connections: .* from 1 to 1000"):
        build(build_res_odbc, "[a]\nmax_connections=0")


def test_func_odbc_has_functions_that_can_work() -> None:
    found, warnings = build(
        build_func_odbc,
        """
[SQL]
dsn=a,b,c,d,e,f
readsql=SELECT 1
[X]
prefix=MY
writehandle=w
writesql=UPDATE t SET a='${SQL_ESC(${VAL1})}' WHERE b='${ARG1}'
insertsql=INSERT
[NONE]
dsn=a
[NOWHERE]
readsql=SELECT 1
[INSERT]
dsn=a
readsql=SELECT 1
insertsql=INSERT
""",
    )
    assert list(found.functions) == ["ODBC_SQL", "MY_X"]
    assert found.functions["ODBC_SQL"].read_databases == tuple("abcde")
    assert found.functions["MY_X"].write_databases == ("w",)
    assert warnings == [
        f"writesql {INJECTABLE}",
        "[NONE] is left out: it has neither readsql nor writesql",
        "[NOWHERE] is left out: it has no dsn or readhandle",
        "[INSERT] is left out: insertsql needs a writesql",
    ]


def test_the_drivers_read_their_own_files() -> None:
    warnings: list[ConfigWarning] = []
    found = build_sql_drivers(
        parse_text("[general]\nhostname=db\nport=5433\nuser=u"),
        parse_text("[one]\ndbname=x\n[two]\ndbsock=/run/s"),
        None,
        warnings,
    )
    assert warnings == []
    assert found.pgsql is not None
    assert (found.pgsql.dbhost, found.pgsql.dbport, found.pgsql.dbuser) == ("db", 5433, "u")
    assert {name: each.dbsock for name, each in found.mysql.items()} == {"one": "", "two": "/run/s"}
    assert found.sqlite3 == {}


def test_what_refers_to_nothing_is_reported() -> None:
    source = "[settings]\na => odbc,main\nb => odbc,typo\n"
    files = DatabaseFiles(
        build_extconfig(parse_text(source), []),
        build_res_odbc(parse_text("[main]\ndsn=x"), []),
        sorcery=build_sorcery(parse_text("[m]\naor=realtime,c\nauth=realtime,A"), []),
        functions=build_func_odbc(parse_text("[F]\ndsn=main,gone\nreadsql=SELECT 1"), []),
    )
    assert [str(warning) for warning in check_databases(files)] == [
        "extconfig.conf: b: res_odbc.conf has no section [typo] that is enabled",
        "func_odbc.conf: F: res_odbc.conf has no section [gone] that is enabled",
        "sorcery.conf: aor: extconfig.conf has no family 'c'",
    ]


@given(st.lists(st.tuples(st.text(max_size=30), st.text(max_size=60)), max_size=8))
def test_no_text_breaks_the_files_that_only_warn(pairs: list[tuple[str, str]]) -> None:
    options = [Option(name, value, "x", 1) for name, value in pairs]
    file = ConfigFile("x", [Section("settings", "x", 1, options=options)])
    warnings: list[ConfigWarning] = []
    assert len(build_extconfig(file, warnings).families) <= len(pairs)
    build_sorcery(file, warnings)
