"""Configuration and objects that live in databases: Asterisk's realtime and sorcery."""
