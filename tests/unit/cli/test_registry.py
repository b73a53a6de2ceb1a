"""How commands are found, abbreviated and completed."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.base.errors import NotFound
from server.cli.registry import (
    PIECE,
    Call,
    CommandError,
    Identity,
    Registry,
    WrongUsage,
    expand_syntax,
    split_words,
)
from server.config.sections.cli import Cli, Permissions, Rule

ALIASES = {"kanaele": "core show channels", "uptime please": "core show uptime"}
PERMISSIONS = Permissions(
    users={7: [Rule("all", False), Rule("core show", True), Rule("core show uptime", False)]},
    groups={9: [Rule("all", False)]},
)
CONTEXT: Any = SimpleNamespace(
    configuration=SimpleNamespace(cli=Cli(aliases=ALIASES, permissions=PERMISSIONS))
)


def make() -> Registry:
    registry = Registry()

    def echo(_context: Any, call: Call) -> str:
        return "|".join([" ".join(call.words), *call.arguments])

    async def later(_context: Any, _call: Call) -> str:
        return "later\n"

    def broken(_context: Any, call: Call) -> str:
        if call.arguments:
            raise WrongUsage
        raise NotFound("no such thing")

    registry.command("core show channels [concise|count]", "Channels")(echo)
    registry.command(
        "core show channel", "Channel", arguments="<channel>",
        complete=lambda _context, done: [] if done else ["PJSIP/a", "PJSIP/b", "Local/c"],
    )(echo)  # fmt: skip
    registry.command("core show uptime", "Uptime")(later)
    registry.command("bridge show", "Bridge", arguments="<id>")(echo)
    registry.command("bridge show all", "Bridges")(echo)
    registry.command("rtp set debug {on|off}", "Debug")(echo)
    registry.command("fail", "Fails", arguments="[x]")(broken)
    return registry


@pytest.mark.parametrize(
    ("line", "output"),
    [
        ("core show channels", "core show channels"),
        ("core show channels concise", "core show channels concise"),
        ("CORE Show channels COUNT", "core show channels count"),
        ("core show channel x", "core show channel|x"),
        ('core show channel "a b" c\\ d', "core show channel|a b|c d"),
        ("c s u", "later"),
        ("rtp set debug of", "rtp set debug off"),
        ("bridge show all", "bridge show all"),
        ("bridge show al", "bridge show|al"),
        ("", ""),
        ("   ", ""),
    ],
)
async def test_execution(line: str, output: str) -> None:
    assert await make().execute(CONTEXT, line, None) == output


@pytest.mark.parametrize(
    ("line", "error"),
    [
        ("nonsense", "No such command 'nonsense' (type 'core show help nonsense' for other"),
        ("core show", "No such command 'core show'"),
        ("core show ch", "'ch' could be channel or channels"),
        ("rtp set debug o", "'o' could be off or on"),
        ("core show channels concise now", "Usage: core show channels [concise|count]"),
        ("fail", "no such thing"),
        ("fail x", "Usage: fail [x]"),
        ('core "show', "a quote is never closed"),
    ],
)
async def test_errors(line: str, error: str) -> None:
    with pytest.raises((CommandError, NotFound)) as caught:
        await make().execute(CONTEXT, line, None)
    assert str(caught.value).startswith(error)


@pytest.mark.parametrize(
    ("line", "completions"),
    [
        ("", ["bridge", "core", "fail", "kanaele", "rtp", "uptime"]),
        ("co", ["core"]),
        ("core show ch", ["channel", "channels"]),
        ("core show channels ", ["concise", "count"]),
        ("core show channel ", ["Local/c", "PJSIP/a", "PJSIP/b"]),
        ("core show channel pj", ["PJSIP/a", "PJSIP/b"]),
        ("core show channel PJSIP/a ", []),
        ("c s u", ["uptime"]),
        ("nonsense ", []),
        ('core "', []),
        ("ka", ["kanaele"]),
        ("kanaele c", ["concise", "count"]),
        ("uptime ", ["please"]),
    ],
)
def test_completion(line: str, completions: list[str]) -> None:
    assert make().complete(CONTEXT, line) == completions


def test_matching_lists_what_begins_so() -> None:
    found = [entry.syntax for entry in make().matching(["core", "show"])]
    assert found == ["core show channel", "core show channels [concise|count]", "core show uptime"]
    assert [entry.syntax for entry in make().matching(["bri"])] == [
        "bridge show",
        "bridge show all",
    ]
    assert make().matching(["nonsense"]) == []


def test_two_commands_for_the_same_words_are_a_mistake() -> None:
    registry = make()
    with pytest.raises(AssertionError):
        registry.command("core show channels", "again")(lambda _context, _call: "")


def test_syntax_expands() -> None:
    assert expand_syntax("a {b|c} [d|e]") == [
        ("a", "b", "d"), ("a", "b", "e"), ("a", "b"), ("a", "c", "d"), ("a", "c", "e"), ("a", "c"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ('a  "b c" d', ["a", "b c", "d"]),
        ('a""b', ["ab"]),
        ('a ""', ["a", ""]),
        ('"a\\"b"', ['a"b']),
        ("a\\\\b", ["a\\b"]),
        ("a\\", ["a"]),
    ],
)
def test_words(line: str, words: list[str]) -> None:
    assert split_words(line) == words


@given(st.text(max_size=200))
def test_any_line_gives_words_or_an_error(line: str) -> None:
    try:
        words = split_words(line)
    except CommandError:
        return
    assert all(isinstance(word, str) for word in words)


def test_lines_are_bounded() -> None:
    with pytest.raises(CommandError, match="longer than"):
        split_words("x" * 5000)
    with pytest.raises(CommandError, match="more than"):
        split_words("x " * 101)


@pytest.mark.parametrize(
    ("line", "output"),
    [
        ("kanaele", "core show channels"),
        ("Kanaele count", "core show channels count"),
        ("uptime please", "later"),
    ],
)
async def test_an_alias_stands_for_a_command(line: str, output: str) -> None:
    assert await make().execute(CONTEXT, line, None) == output


@pytest.mark.parametrize(
    ("line", "uid", "gid", "is_allowed"),
    [
        ("core show channels", 7, 0, True),  # a later rule of the user's
        ("c s u", 7, 0, False),  # abbreviations are looked at in full
        ("uptime please", 7, 0, False),  # and so are aliases
        ("bridge show 1", 7, 0, False),
        ("bridge show 1", 8, 9, False),
        ("core show channels", 7, 9, True),  # the user's rules go before the group's
        ("bridge show 1", 8, 8, True),
    ],
)
async def test_permissions_decide_over_the_words_in_full(
    line: str, uid: int, gid: int, is_allowed: bool
) -> None:
    answer = make().execute(CONTEXT, line, None, Identity(uid, gid))
    if is_allowed:
        assert await answer
    else:
        with pytest.raises(CommandError, match="You don't have permissions to run '"):
            await answer


async def test_a_long_list_comes_in_pieces_and_lets_others_run() -> None:
    registry = Registry()
    rows = [f"row {number}  " for number in range(PIECE // 2)]
    registry.command("all", "Rows")(lambda _context, _call: iter(rows))
    pieces = [piece async for piece in registry.stream(CONTEXT, "all", None)]
    assert len(pieces) > 2
    assert max(map(len, pieces)) < PIECE * 2
    assert "".join(pieces).splitlines() == [row.rstrip() for row in rows]
