"""``arion dialplan check`` and ``trace`` from the command line."""

from __future__ import annotations

from pathlib import Path

import pytest

from server.__main__ import main

GOOD = "[default]\nexten => s,1,NoOp(${CALLERID(num)} ${A})\n same => n,Hangup()\n"


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    (tmp_path / "asterisk.conf").write_text(f"[directories]\nastetcdir => {tmp_path}\n")
    (tmp_path / "extensions.conf").write_text(GOOD)
    return tmp_path


def test_check_finds_the_configured_file(
    directory: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["dialplan", "check", "-C", str(directory / "asterisk.conf")]) == 0
    assert capsys.readouterr().out == "0 remarks\n"


def test_check_fails_if_there_is_something_to_look_at(
    directory: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = directory / "other.conf"
    path.write_text("[a]\nexten => 1,1,Nonsense()\nswitch => DUNDi/x\nfoo => bar\n")
    assert main(["dialplan", "check", str(path)]) == 1
    assert capsys.readouterr().out.splitlines() == [
        f"{path}:4: unknown keyword 'foo' in context a",
        f"{path}:1: context a: no switch 'DUNDi'",
        f"{path}:2: no application 'Nonsense'",
        "3 remarks",
    ]


def test_trace_follows_a_call(directory: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["dialplan", "trace", "--file", str(directory / "extensions.conf"), "--cid", "42"]
    assert main([*words, "--set", "A=b=c", "default", "s"]) == 0
    assert "NoOp(42 b=c)" in capsys.readouterr().out


@pytest.mark.parametrize(
    "words",
    [[], ["trace", "a"], ["check", "a", "b"], ["check", "--x"], ["trace", "--set", "a", "b", "c"],
     ["check", "-C"], ["walk"]],
)  # fmt: skip
def test_a_wrong_line_shows_the_usage(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["dialplan", *words]) == 2
    assert "Usage: arion dialplan check" in capsys.readouterr().err


def test_a_missing_file_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["dialplan", "check", str(tmp_path / "none.conf")]) == 1
    assert "none.conf" in capsys.readouterr().err
