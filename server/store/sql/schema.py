"""The tables of realtime, under Asterisk's names, and what of them a database has."""

from __future__ import annotations

import json
from collections.abc import Mapping
from importlib import resources
from typing import Any

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.operations import Operations
from sqlalchemy.engine import Connection

VERSION_TABLE = "alembic_version_arion"  # Asterisk's own are alembic_version_config and the like
LATEST = "tables_0001.json"
_PACKAGE = "server.store.sql.migrations"
_SIMPLE: Mapping[str, Any] = {
    "biginteger": sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
    "boolean": sa.Boolean(),
    "datetime": sa.DateTime(),
    "float": sa.Float(),
    "integer": sa.Integer(),
    "largebinary": sa.LargeBinary(2**32 - 1),
    "text": sa.Text(),
    "unicodetext": sa.UnicodeText(),
}


def tables(file: str = LATEST) -> sa.MetaData:
    """Return the tables of a revision."""
    text = resources.files(f"{_PACKAGE}.versions").joinpath(file).read_text("utf-8")
    facts = json.loads(text)
    metadata = sa.MetaData()
    for row in facts["tables"]:
        _table(metadata, row, facts["enums"])
    _static_table(metadata)
    return metadata


def upgrade(connection: Connection) -> None:
    """Make or change tables up to the latest revision."""
    config = Config()
    config.set_main_option("script_location", str(resources.files(_PACKAGE)))
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


def add_missing(connection: Connection, metadata: sa.MetaData) -> None:
    """Make the tables that are not there, and the columns that are not."""
    metadata.create_all(connection, checkfirst=True)
    present = _present(connection)
    operations = Operations(MigrationContext.configure(connection))
    for table in metadata.sorted_tables:
        for column in table.columns:
            if column.name not in present[table.name]:
                if isinstance(column.type, sa.Enum):
                    column.type.create(connection, checkfirst=True)
                # Rows are there that have nothing to put into it.
                added: sa.Column[Any] = sa.Column(column.name, column.type, nullable=True)
                operations.add_column(table.name, added)


def find_missing(connection: Connection) -> list[str]:
    """List what a database lacks: tables, and columns of those that it has."""
    present = _present(connection)
    missing: list[str] = []
    for table in tables().sorted_tables:
        if table.name not in present:
            missing.append(f"table {table.name}")
            continue
        missing += [
            f"column {table.name}.{column.name}"
            for column in table.columns
            if column.name not in present[table.name]
        ]
    return missing


def _present(connection: Connection) -> dict[str, set[str]]:
    inspector = sa.inspect(connection)
    return {
        name: {str(column["name"]) for column in inspector.get_columns(name)}
        for name in inspector.get_table_names()
    }


def _table(metadata: sa.MetaData, row: Mapping[str, Any], enums: Mapping[str, list[str]]) -> None:
    parts: list[Any] = []
    key = row["primary_key"]
    for fact in row["columns"]:
        column: sa.Column[Any] = sa.Column(
            fact["name"],
            _type(fact, enums),
            nullable=fact.get("nullable", fact["name"] not in key),
            unique=fact.get("unique") or None,
            autoincrement=bool(fact.get("autoincrement")),
            primary_key=fact["name"] in key,
        )
        parts.append(column)
    parts += [sa.UniqueConstraint(*columns) for columns in row.get("unique", ())]
    parts += [sa.Index(index["name"], *index["columns"]) for index in row.get("indexes", ())]
    parts += [
        sa.ForeignKeyConstraint(
            each["columns"], [f"{each['ref']}.{name}" for name in each["ref_columns"]]
        )
        for each in row.get("foreign_keys", ())
    ]
    sa.Table(row["table"], metadata, *parts)


def _type(fact: Mapping[str, Any], enums: Mapping[str, list[str]]) -> Any:
    match fact["type"]:
        case "string":
            return sa.String(fact["length"])
        case "enum":
            name = fact["enum_name"]
            return sa.Enum(*enums[name], name=name)
        case "numeric":
            return sa.Numeric(fact["precision"], 2)
    return _SIMPLE[fact["type"]]


def _static_table(metadata: sa.MetaData) -> None:
    """Add the table of whole files, which Asterisk describes but never makes."""
    sa.Table(
        "ast_config",
        metadata,
        sa.Column("id", sa.Integer(), primary_key=True, autoincrement=True),
        sa.Column("cat_metric", sa.Integer(), nullable=False, server_default="0"),
        sa.Column("var_metric", sa.Integer(), nullable=False, server_default="0"),
        sa.Column("commented", sa.Integer(), nullable=False, server_default="0"),
        sa.Column("filename", sa.String(128), nullable=False, server_default=""),
        sa.Column("category", sa.String(128), nullable=False, server_default="default"),
        sa.Column("var_name", sa.String(128), nullable=False, server_default=""),
        sa.Column("var_val", sa.Text(), nullable=False),
        sa.Index("ast_config_filename", "filename", "commented"),
    )
