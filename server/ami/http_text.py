"""What a session says, as the pages of the manager interface show it: raw, XML or HTML."""

from __future__ import annotations

import re
from html import escape

Block = list[tuple[str, str]]

_NOT_IN_NAMES = re.compile(r"[^a-z0-9_.-]")
# what XML 1.0 has no place for, whatever escapes it
_NOT_IN_XML = re.compile("[^\t\n\r -\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_PAGE = (
    "<!DOCTYPE html>\n<html><head><title>Manager Interface</title></head><body>\n"
    "<h1>Manager Interface</h1>\n"
    '<form action="{path}" method="post"><p>Action <select name="action">{actions}</select>\n'
    '{inputs}<input type="submit" value="Send"></p></form>\n{table}</body></html>\n'
)
_INPUTS = ("username", "secret", "command", "channel", "exten", "context", "priority", "timeout")


def read_blocks(text: str) -> list[Block]:
    """Split what a session said into its parts."""
    blocks = []
    for chunk in text.split("\r\n\r\n"):
        block = []
        for line in filter(None, chunk.split("\r\n")):
            name, _, value = line.partition(":")
            block.append((name, value.strip()))
        if block:
            blocks.append(block)
    return blocks


def to_xml(text: str) -> str:
    """Write it as XML: one element a part, one attribute a field."""
    parts = "".join(
        f"<response type='object' id='unknown'><generic{_attributes(block)} /></response>\n"
        for block in read_blocks(text)
    )
    return f"<ajax-response>\n{parts}</ajax-response>\n"


def _attributes(block: Block) -> str:
    used: set[str] = set()
    parts = []
    for name, value in block:
        key = _NOT_IN_NAMES.sub("_", name.lower())
        if not key[:1].isalpha():
            key = f"_{key}"
        shown, count = key, 1
        while shown in used:
            count += 1
            shown = f"{key}-{count}"
        used.add(shown)
        text = escape(_NOT_IN_XML.sub("\ufffd", value))
        parts.append(f" {shown}='{text}'")
    return "".join(parts)


def to_html(text: str, path: str, actions: list[str]) -> str:
    """Write it as a page with a form for the next action."""
    rows = []
    for block in read_blocks(text):
        rows += [
            f"<tr><td>{escape(name)}</td><td>{escape(value)}</td></tr>\n" for name, value in block
        ]
        rows.append("<tr><td colspan=2><hr></td></tr>\n")
    options = "".join(f"<option>{escape(name)}</option>" for name in actions)
    inputs = "".join(f'{name} <input name="{name}">\n' for name in _INPUTS)
    table = f"<table>\n{''.join(rows)}</table>\n"
    return _PAGE.format(path=escape(path), actions=options, inputs=inputs, table=table)
