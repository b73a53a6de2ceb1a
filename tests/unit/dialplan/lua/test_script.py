"""Reading extensions.lua: what it defines, and how its mistakes are told."""

from __future__ import annotations

from pathlib import Path

import pytest

from server.base.errors import ConfigError
from server.dialplan.lua.limits import Limits
from server.dialplan.lua.script import LuaContext, LuaScript, read_script

LIMITS = Limits(instructions=1_000_000, memory=4_000_000, interval=10_000)


def read(tmp_path: Path, source: str | bytes) -> LuaScript:
    path = tmp_path / "extensions.lua"
    path.write_bytes(source if isinstance(source, bytes) else source.encode())
    return read_script(str(path), (), LIMITS)


def test_contexts_extensions_includes_and_hints_are_found(tmp_path: Path) -> None:
    script = read(
        tmp_path,
        """
        local function f() end
        extensions = {
            default = { [100] = f, ["_2X."] = f, include = { "b", "a" } },
            single = { include = "b" },
            nothing = 5,
        }
        hints = { office = { [500] = "PJSIP/500" } }
        """,
    )
    assert script.contexts == {
        "default": LuaContext({"100": 2, "_2X.": 2}, ["b", "a"]),
        "single": LuaContext({}, ["b"]),
        "office": LuaContext(hints={"500": "PJSIP/500"}),
    }
    assert script.warnings == []


def test_names_that_can_not_be_dialled_are_reported(tmp_path: Path) -> None:
    script = read(
        tmp_path,
        "local f = print extensions = { default = { ['a,b'] = f, ['${X}'] = f }, "
        "general = { s = f }, ['a]b'] = { s = f } }",
    )
    assert script.contexts == {"default": LuaContext()}
    assert set(script.warnings) == {
        "an extension can't be called 'a,b'",
        "an extension can't be called '${X}'",
        "a context can't be called 'general'",
        "a context can't be called 'a]b'",
    }


@pytest.mark.parametrize(
    ("source", "line", "reason"),
    [
        ("x = = 1", 1, "unexpected symbol near '='"),
        ("\nerror('no luck')", 2, "no luck"),
        ("x = 1", 0, "there is no table named extensions"),
        ("extensions = {}\napp.answer()", 2, "this needs a call"),
        ("extensions = {}\nchannel.X = 1", 2, "this needs a call"),
        ("extensions = {}\nwhile true do end", 0, "it runs for too long while it is loaded"),
        ("local t = {} while true do t[#t + 1] = ('x'):rep(9999) .. #t end", 0, "enough memory"),
        (b"\x1bLua\x54\x00", 0, "attempt to load a binary chunk"),
        (b"\xff\xfe", 1, "unexpected symbol"),
        ("extensions = setmetatable({}, {__pairs = function() while true do end end})", 0, "long"),
        ("extensions = {} hints = { a = 5 }", 0, ""),
    ],
)
def test_a_mistake_is_named_with_file_and_line(
    tmp_path: Path, source: str | bytes, line: int, reason: str
) -> None:
    with pytest.raises(ConfigError) as caught:
        read(tmp_path, source)
    assert reason in str(caught.value)
    assert caught.value.path == str(tmp_path / "extensions.lua")
    assert caught.value.line == line


def test_a_missing_script_is_said_to_be_missing(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="can't be read"):
        read_script(str(tmp_path / "none.lua"))
