"""The flags."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from server.cli.options import HELP, Options, UsageError, parse_arguments
from server.config.sections.asterisk import Options as Configured


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ([], Options()),
        (["-f"], Options(is_foreground=True)),
        (["-C", "/x"], Options(config_path="/x")),
        (["-C/x"], Options(config_path="/x")),
        (["-rx", "core show channels"], Options(is_remote=True, command="core show channels")),
        (["-x", "a b", "-r"], Options(is_remote=True, command="a b")),
        (["-rxa"], Options(is_remote=True, command="a")),
        (["-rvvv"], Options(is_remote=True, verbose=3)),
        (["-vv", "-v", "-dd"], Options(verbose=3, debug=2)),
        (["-R"], Options(is_remote=True, reconnects=True)),
        (["-cgnpqmT"], Options(has_console=True, dump_core=True, no_colour=True, realtime=True,
                               is_quiet=True, is_muted=True, timestamp=True)),
        (["-U", "u", "-G", "g"], Options(user="u", group="g")),
        (["-M", "100", "-L", "2.5", "-e", "64"],
         Options(max_calls=100, max_load=2.5, min_memory_free=64)),
        (["-s", "/s", "-F", "-X"], Options(socket_path="/s", always_fork=True,
                                           exec_includes=True)),
        (["-V"], Options(show_version=True)),
        (["-h"], Options(show_help=True)),
        (["-?"], Options(show_help=True)),
    ],
)  # fmt: skip
def test_flags(arguments: list[str], expected: Options) -> None:
    assert parse_arguments(arguments) == expected


def test_flags_without_meaning_are_accepted_with_a_reason() -> None:
    options = parse_arguments(["-iItWB", "-f"])
    assert options.is_foreground
    assert "".join(letter for letter, _reason in options.ignored) == "iItWB"
    assert all(reason for _letter, reason in options.ignored)


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        (["-Z"], "unknown flag -Z; try -h"),
        (["-C"], "-C needs a value; try -h"),
        (["-M", "many"], "-M: expected a number, not 'many'"),
        (["-e", "-5"], "-e: expected a number, not '-5'"),
        (["-rx", "core", "show"], "unexpected argument 'show'; try -h"),
        (["--help"], "unexpected argument '--help'; try -h"),
        (["-"], "unexpected argument '-'; try -h"),
    ],
)
def test_errors_are_one_line(arguments: list[str], error: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse_arguments(arguments)
    assert str(caught.value) == error


def test_every_flag_of_the_help_is_known() -> None:
    for line in HELP.splitlines()[2:]:
        flags, _, _text = line.strip().partition("  ")
        for word in flags.replace(",", " ").split():
            if word.startswith("-"):
                needs_value = word[1] in "CxsUGeLM"
                parse_arguments([word, "1"] if needs_value else [word])


def test_configuration_fills_what_the_command_line_leaves_open() -> None:
    configured = Configured(verbose=5, debug=1, runuser="u", maxcalls=10, nofork=True, maxload=0.5)
    merged = parse_arguments(["-vv", "-M", "20"]).merged_with(configured)
    assert (merged.verbose, merged.debug, merged.user) == (2, 1, "u")
    assert (merged.max_calls, merged.max_load) == (20, 0.5)
    assert merged.stays_in_foreground


def test_foreground_unless_forking_is_asked_for() -> None:
    assert not Options().stays_in_foreground
    assert Options(has_console=True).stays_in_foreground
    assert not Options(is_foreground=True, always_fork=True).stays_in_foreground


def test_the_manual_page_lists_every_flag() -> None:
    page = (Path(__file__).parents[3] / "docs/arion.8").read_text()
    rows = [line[:18] for line in HELP.splitlines() if line.startswith("  -")]
    flags = {flag for row in rows for flag in re.findall(r"-(\w)", row)}
    assert len(flags) > 20
    assert {flag for flag in flags if f"\\-{flag}" not in page} == set()
