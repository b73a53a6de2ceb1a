"""Derives the sync client of the Python SDK from the asynchronous one, token by token.

``async def`` becomes ``def``, ``await x`` becomes ``x``, and the names of the asynchronous
protocols become those of the ordinary ones. What can't be derived, how a coroutine is carried out,
stands in ``arion/_runners.py``.
"""

from __future__ import annotations

import io
import re
import tokenize

from emit_sdk_operations import HEADER as SDK_HEADER
from emit_server import HEADER

# The modules that there are twice; the others are shared.
MODULES = (
    "__init__.py",
    "_bound.py",
    "_client.py",
    "_events.py",
    "_main.py",
    "_operations.py",
    "_resources.py",
    "_takeover.py",
    "_types.py",
)
NAMES = {
    "__aenter__": "__enter__",
    "__aexit__": "__exit__",
    "__aiter__": "__iter__",
    "__anext__": "__next__",
    "aclose": "close",
    "AsyncIterator": "Iterator",
    "AsyncRunner": "SyncRunner",
    "StopAsyncIteration": "StopIteration",
}
_TWICE = {name.removesuffix(".py") for name in MODULES} - {"__init__"}
_IN_TEXT = [
    (re.compile(r"\b(?:async|await) "), ""),
    (re.compile(r"\barion\.(?=Client\b|Channel\b|[A-Z]\w*\b)"), "arion.sync."),
    (re.compile(r"``await``"), "a call"),
]

Edit = tuple[int, int, str]


def derive(source: str, origin: str) -> str:
    """Return the sync form of a module.

    :param origin: where it stands, for the head of the result.
    """
    edits = sorted(_edits(source))
    pieces, done = [], 0
    for start, end, text in edits:
        pieces += [source[done:start], text]
        done = end
    body = "".join([*pieces, source[done:]]).removeprefix(SDK_HEADER)
    return HEADER + f"# The sync form of {origin}.\n# ruff: noqa\n" + body


def _edits(source: str) -> list[Edit]:
    """Return what to replace: start, end and new text of each place."""
    starts = [0]
    for line in source.splitlines(keepends=True):
        starts.append(starts[-1] + len(line))
    tokens = list(tokenize.generate_tokens(io.StringIO(source).readline))
    edits: list[Edit] = []
    for index, token in enumerate(tokens):
        start = starts[token.start[0] - 1] + token.start[1]
        end = starts[token.end[0] - 1] + token.end[1]
        following = tokens[index + 1] if index + 1 < len(tokens) else token
        gap = starts[following.start[0] - 1] + following.start[1]
        if token.type in (tokenize.STRING, tokenize.COMMENT):
            edits.append((start, end, _text(token.string)))
        elif token.string in ("async", "await") and token.type == tokenize.NAME:
            edits.append((start, gap, ""))
        elif token.string == "Awaitable" and following.string == "[":
            closing = _closing(tokens, index + 1)
            edits.append((start, gap + 1, ""))
            close = starts[closing.start[0] - 1] + closing.start[1]
            edits.append((close, close + 1, ""))
        elif token.string == "Awaitable":  # in an import
            edits.append((start, gap + 1 if following.string == "," else end, ""))
        elif token.string in NAMES:
            edits.append((start, end, NAMES[token.string]))
        elif token.string == "arion" and following.string == ".":
            if tokens[index + 2].string in _TWICE:
                edits.append((start, end, "arion.sync"))
        elif token.string == "arion" and tokens[index - 1].string == "from":
            edits.append((start, end, "arion.sync"))
    return edits


def _text(literal: str) -> str:
    for pattern, replacement in _IN_TEXT:
        literal = pattern.sub(replacement, literal)
    return literal


def _closing(tokens: list[tokenize.TokenInfo], opening: int) -> tokenize.TokenInfo:
    """Return the bracket that closes the one at this index."""
    depth = 0
    for token in tokens[opening:]:
        depth += {"[": 1, "]": -1}.get(token.string, 0)
        if depth == 0:
            return token
    raise ValueError("a bracket is not closed")
