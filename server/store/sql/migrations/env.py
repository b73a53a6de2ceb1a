"""Alembic runs this: it migrates on the connection that it is given, in one transaction."""

from __future__ import annotations

from alembic import context

from server.store.sql.schema import VERSION_TABLE

context.configure(connection=context.config.attributes["connection"], version_table=VERSION_TABLE)
with context.begin_transaction():
    context.run_migrations()
