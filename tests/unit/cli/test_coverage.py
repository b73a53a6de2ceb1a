"""Every command of Asterisk's is there, or has a reason not to be."""

from __future__ import annotations

import json
from pathlib import Path

from server.cli.commands import load_commands
from server.cli.registry import expand_syntax

DATA = Path(__file__).parents[2] / "data" / "cli"
BEYOND_ASTERISK = {"ari show webhooks"}


def known() -> set[str]:
    return {" ".join(words) for words in json.loads((DATA / "commands.json").read_text())}


def ours() -> set[str]:
    return {
        " ".join(words)
        for command in load_commands().commands
        for words in expand_syntax(command.syntax)
    }


def absent() -> dict[str, str]:
    """Return the beginnings of commands that are not there, each with the reason."""
    rows = json.loads((DATA / "absent.json").read_text())
    return {begin: reason for reason, begins in rows.items() for begin in begins}


def begins(command: str, begin: str) -> bool:
    return f"{command} ".startswith(f"{begin} ")


def test_our_commands_are_asterisks() -> None:
    """No invention stands where Asterisk's users expect something else."""
    assert ours() - known() == BEYOND_ASTERISK


def test_every_command_is_there_or_has_a_reason_not_to_be() -> None:
    missing = known() - ours()
    reasons = absent()
    unexplained = {each for each in missing if not any(begins(each, b) for b in reasons)}
    assert unexplained == set()


def test_what_is_explained_is_missing() -> None:
    """A reason goes when its commands come."""
    present, names = ours(), known()
    wrong = [
        begin
        for begin in absent()
        if any(begins(each, begin) for each in present)
        or not any(begins(each, begin) for each in names)
    ]
    assert wrong == []
