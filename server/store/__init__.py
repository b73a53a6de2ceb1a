"""Small persistent state; no rules of any domain."""
