"""Values of the dialplan as bytes: UTF-8, and Latin-1 for what comes in and is no UTF-8."""

from __future__ import annotations


def encode_text(text: str) -> bytes:
    """Return a value as UTF-8."""
    return text.encode("utf-8", "replace")


def decode_text(data: bytes) -> str:
    """Return bytes as a value."""
    try:
        return data.decode()
    except UnicodeDecodeError:
        return data.decode("latin-1")
