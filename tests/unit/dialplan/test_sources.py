"""extensions.conf, extensions.ael and extensions.lua together are one dialplan."""

from __future__ import annotations

from pathlib import Path

import pytest

from server.base.errors import ConfigError
from server.dialplan.port import Dialplan, DialplanSettings
from server.dialplan.sources import SourcePaths, load_sources
from server.dialplan.writer import write_plan
from tests.support.dialplan import DialplanUnderTest

CONF = "[default]\nexten => 1,1,NoOp(conf)\n"
AEL = "context default { hint(PJSIP/ael) 2 => NoOp(ael); }"
LUA = "extensions = { default = { ['3'] = function() end } }"


@pytest.fixture
def paths(tmp_path: Path) -> SourcePaths:
    for name, text in (("conf", CONF), ("ael", AEL), ("lua", LUA)):
        (tmp_path / f"extensions.{name}").write_text(text)
    return SourcePaths(*(str(tmp_path / f"extensions.{kind}") for kind in ("conf", "ael", "lua")))


def test_contexts_of_one_name_are_one_context(paths: SourcePaths) -> None:
    plan = load_sources(paths).plan
    found = [plan.find("default", exten, 1, "", 0.0) for exten in "123"]
    assert [place.step.application for place in found if place] == ["NoOp", "NoOp", "Lua"]
    assert [place.step.registrar for place in found[:2] if place] == ["pbx_config", "pbx_ael"]
    assert [use.registrar for use in plan.contexts["default"].switches] == ["pbx_lua"]
    assert plan.warnings == []


def test_saving_leaves_out_what_the_other_files_say(paths: SourcePaths) -> None:
    saved = write_plan(load_sources(paths).plan, {})
    assert "NoOp(conf)" in saved
    assert "ael" not in saved
    assert "Lua" not in saved


def test_any_of_the_files_may_be_missing(paths: SourcePaths) -> None:
    for path in (paths.lua, paths.conf):
        Path(path).unlink()
        assert paths.exist()
        assert load_sources(paths).plan.find("default", "2", 1, "", 0.0)
    Path(paths.ael).unlink()
    assert not paths.exist()
    with pytest.raises(ConfigError, match="no such file"):
        load_sources(paths)


@pytest.mark.parametrize(
    ("kind", "text", "error"),
    [("ael", "context a {", r"extensions.ael:1:12: "), ("lua", "x = = 1", r"extensions.lua:1: ")],
)
async def test_a_broken_file_keeps_what_runs(
    dut: DialplanUnderTest, paths: SourcePaths, kind: str, text: str, error: str
) -> None:
    dialplan: Dialplan = dut.dialplan
    dialplan.settings = DialplanSettings(paths.conf, paths.ael, paths.lua)
    await dialplan.reload()
    plan, script = dialplan.plan, dialplan.lua.script
    Path(getattr(paths, kind)).write_text(text)
    Path(paths.conf).write_text("[default]\nexten => 9,1,NoOp()\n")
    with pytest.raises(ConfigError, match=error):
        await dialplan.reload()
    assert dialplan.plan is plan
    assert dialplan.lua.script is script
