"""Databases: bounded pools of connections, rows as text, the schema and its migrations."""
