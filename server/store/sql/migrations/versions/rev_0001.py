"""Asterisk's tables; of those that are there already, the columns that are missing."""

from __future__ import annotations

from alembic import op

from server.store.sql.schema import add_missing, tables

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Make what is missing."""
    add_missing(op.get_bind(), tables("tables_0001.json"))
