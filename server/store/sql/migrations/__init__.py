"""Alembic's side of the schema: one revision after the other, each of them final."""
