"""``ael …`` on the console, and ``arion ael print``."""

from __future__ import annotations

from pathlib import Path

import pytest

from server.__main__ import main
from server.app.offline import offline_registry
from server.cli.check import check_configuration


async def test_ael_reload_reads_the_whole_dialplan(cli) -> None:
    Path(cli.dialplan.settings.path).write_text("[new]\nexten => 1,1,NoOp()\nfoo => bar\n")
    assert (await cli.run("ael reload")).endswith(":3: unknown keyword 'foo' in context new")
    assert list(cli.dialplan.plan.contexts) == ["new"]


@pytest.mark.parametrize("what", ["read", "tokens", "contexts", "off"])
async def test_ael_set_debug_is_accepted(cli, what: str) -> None:
    assert "arion ael print" in await cli.run(f"ael set debug {what}")


def test_ael_print_shows_extensions_conf(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "x.ael"
    path.write_text("context a { s => { Answer(); return; NoOp(b; c); } }")
    assert main(["ael", "print", str(path)]) == 0
    printed = capsys.readouterr()
    assert printed.out.splitlines() == [
        "[a]",
        "exten => s,1,Answer()",
        " same => n,Goto(end_1)",
        " same => n,NoOp(b\\; c)",
        " same => n(end_1),NoOp(End of Extension s)",
    ]
    assert printed.err == f"{path}:1:38: this is never reached\n"


def test_ael_print_names_the_mistake(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "x.ael"
    path.write_text("context a {\n  s Answer();\n}")
    assert main(["ael", "print", str(path)]) == 1
    assert capsys.readouterr().err.startswith(f"arion: {path}:2:")


def test_config_check_reads_all_languages(tmp_path: Path) -> None:
    (tmp_path / "asterisk.conf").write_text("")
    (tmp_path / "extensions.ael").write_text("context a { s => NoSuch(); }")
    (tmp_path / "extensions.lua").write_text("extensions = { a = { ['x y'] = print } }")
    found = check_configuration(str(tmp_path), offline_registry())
    assert f"{tmp_path}/extensions.ael:1: no application 'NoSuch'" in found.remarks
    assert f"{tmp_path}/extensions.lua: an extension can't be called 'x y'" in found.remarks
    (tmp_path / "extensions.ael").write_text("context a { s => }")
    assert [
        str(error).rpartition("/")[2]
        for error in check_configuration(str(tmp_path), offline_registry()).errors
    ] == ["extensions.ael:1:18: expected a statement, not '}'"]


def test_ael_print_takes_one_file(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["ael", "print", "a", "b"]) == 2
    assert "unexpected argument 'ael'" in capsys.readouterr().err
