"""Files and families that are tables, read by the configuration loader."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from server.base.errors import ConfigError
from server.config.loader import load_configuration
from server.realtime.static import StaticFiles
from server.store.sql.database import Database
from server.store.sql.schema import upgrade
from server.store.sql.settings import DatabaseSettings

LINES = """[settings]
acls => sqlite3,main,acls
musiconhold => sqlite3,main
musiconhold_entry => sqlite3,main
ari.conf => sqlite3,main
"""
ROWS = """
CREATE TABLE acls (name TEXT, rule_order INTEGER, sense TEXT, rule TEXT);
INSERT INTO acls VALUES ('office', 2, 'permit', '192.0.2.0/24'), ('office', 1, 'deny', '0.0.0.0/0'),
 ('filed', 1, 'deny', '0.0.0.0/0');
INSERT INTO musiconhold (name, mode, directory) VALUES ('jazz', 'files', '/music/jazz');
INSERT INTO musiconhold (name, mode) VALUES ('list', 'playlist');
INSERT INTO musiconhold_entry VALUES ('list', 2, '/b'), ('list', 1, '/a');
INSERT INTO ast_config (cat_metric, var_metric, filename, category, var_name, var_val, commented)
VALUES (1, 0, 'ari.conf', 'me', 'type', 'user', 0), (1, 1, 'ari.conf', 'me', 'password', 'x', 0),
 (1, 2, 'ari.conf', 'me', 'read_only', 'yes', 1), (0, 0, 'ari.conf', 'general', 'enabled', 'yes', 0)
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A configuration with a database beside it."""
    path = tmp_path / "x.db"

    async def fill() -> None:
        database = Database(DatabaseSettings("[x]", f"sqlite:///{path}"), pooled=False)
        await database.run_sync(upgrade)
        for statement in ROWS.split(";\n"):
            await database.run(statement)
        await database.close()

    asyncio.run(fill())
    (tmp_path / "asterisk.conf").write_text("")
    (tmp_path / "extconfig.conf").write_text(LINES)
    (tmp_path / "res_config_sqlite3.conf").write_text(f"[main]\ndbfile={path}\n")
    (tmp_path / "acl.conf").write_text("[filed]\npermit=0.0.0.0/0\n")
    return tmp_path


def test_files_and_families_come_from_the_database(folder: Path) -> None:
    found = load_configuration(str(folder / "asterisk.conf"), static_reader=StaticFiles)
    assert not found.acls["office"].permits("198.51.100.1")
    assert found.acls["office"].permits("192.0.2.7")
    assert found.acls["filed"].permits("198.51.100.1")  # acl.conf goes first
    classes = found.musiconhold.classes
    assert classes["jazz"].directory == "/music/jazz"
    assert classes["list"].entries == ("/a", "/b")
    assert found.ari.enabled
    assert not found.ari.users["me"].read_only
    assert [str(warning) for warning in found.warnings] == []


def test_without_a_reader_the_files_count(folder: Path) -> None:
    found = load_configuration(str(folder / "asterisk.conf"))
    assert list(found.acls) == ["filed"]
    assert not found.ari.enabled


def test_a_table_that_is_none_is_named(folder: Path) -> None:
    (folder / "extconfig.conf").write_text("[settings]\nari.conf => sqlite3,main,acls\n")
    with pytest.raises(ConfigError, match=r"ari\.conf: .*filename"):
        load_configuration(str(folder / "asterisk.conf"), static_reader=StaticFiles)
    (folder / "extconfig.conf").write_text("[settings]\nacls => sqlite3,main,ast_config\n")
    with pytest.raises(ConfigError, match=r"acls: .*name"):
        load_configuration(str(folder / "asterisk.conf"), static_reader=StaticFiles)
