"""What Lua extensions do when a call runs them."""

from __future__ import annotations

import asyncio
from pathlib import Path
from textwrap import dedent

import pytest

from server.config.ini import parse_text
from server.dialplan.loader import compile_plan
from server.dialplan.lua import runner
from server.dialplan.lua.limits import Limits
from server.dialplan.lua.script import read_script
from server.dialplan.lua.switch import switch_to_lua
from server.resources.channel import Channel
from tests.support.dialplan import DialplanUnderTest

PATIENCE = 10.0  # seconds
SMALL = Limits(instructions=2_000_000, memory=4_000_000, interval=10_000)


def load(
    dut: DialplanUnderTest,
    tmp_path: Path,
    script: str,
    conf: str = "",
    limits: Limits | None = None,
) -> list[str]:
    path = tmp_path / "extensions.lua"
    path.write_text(dedent(script))
    config = parse_text(dedent(conf), path="extensions.conf")
    found = read_script(str(path), [str(tmp_path / "lib")], limits)
    lua = switch_to_lua([config], found)
    return dut.dialplan.install(compile_plan(config, (lua, "pbx_lua")), found)


async def ended(channel: Channel) -> Channel:
    """Wait, since a thread has to get its turn, until a call is over."""
    async with asyncio.timeout(PATIENCE):
        while not channel.is_destroyed:
            await asyncio.sleep(0.001)
    return channel


async def run(
    dut: DialplanUnderTest, tmp_path: Path, body: str, exten: str = "s", **options: object
) -> Channel:
    """Run *body* as the function of extension ``s``."""
    script = f"extensions = {{ default = {{ s = function(context, exten) {body} end }} }}"
    load(dut, tmp_path, script, **options)  # type: ignore[arg-type]
    return await ended(await dut.call(exten))


@pytest.mark.parametrize(
    ("body", "value"),
    [
        ("channel.R = context .. '/' .. exten", "default/s"),
        ("channel.R = 'a b'", "a b"),
        ("channel['R'] = 5", "5"),
        ("channel.R:set(10 / 2)", "5"),
        ("channel.R = 2.5", "2.5"),
        ("channel.X = 'x' channel.R = channel.X:get() .. '!'", "x!"),
        ("channel.X = 'x' channel.R = 'is ' .. channel.X", "is x"),
        ("channel.R = tostring(channel.MISSING:get())", "nil"),
        ("channel.R = 1 channel.R = nil channel.R = tostring(channel.R:get())", "nil"),
        ("channel.R = channel.LEN('four'):get()", "4"),
        ("channel['LEN(four)']:get() channel.R = channel['LEN(four)']", "4"),
        ("channel.CALLERID('name'):set('Bob') channel.R = channel.CALLERID('name'):get()", "Bob"),
        ("channel['CALLERID(name)'] = 'Al' channel.R = channel['CALLERID(name)']:get()", "Al"),
        ("channel.R = tostring(channel.NO_SUCH_FUNCTION('x'):get())", "nil"),
        ("app.set('R=' .. 1)", "1"),
        ("app.SeT('R=a', 'b', nil, 'c')", "a,b,,c"),
        ("local set = app.set set('R=later')", "later"),
        ("app.answer() channel.R = channel.CHANNEL('state'):get()", "Up"),
        ("channel.R = tostring(autoservice_status())", "true"),
        ("autoservice_stop() channel.R = tostring(autoservice_status())", "false"),
        ("channel.R = tostring(check_hangup())", "false"),
        ("local ok, e = pcall(app.nonsense, 1) channel.R = e", "application 'nonsense' not found"),
        ("channel.R = tostring(pcall(error, 'x')) .. select(2, pcall(error, 'x', 0))", "falsex"),
        (("local f = coroutine.wrap(function() coroutine.yield(1) return 2 end) "
          "channel.R = f() .. f()"), "12"),
        (("local _, a = pcall(app.noop, {}) local _, b = pcall(function() channel.R = print end) "
          "channel.R = a .. b"),
         "a table can't be given to the servera function can't be given to the server"),
        ("channel.R = true", "true"),
        ("channel.R = 'h\\u{e9}' channel.R = channel.R:get() .. #channel.R:get()", "hé3"),
        ("channel.R = '\\xff'", "�"),
        (("channel.R = table.concat({type(os.exit), type(python), type(debug.getinfo), "
          "type(package.loadlib), type(load('\\27Lua')), type(os.time)}, ' ')"),
         "nil nil nil nil nil function"),
    ],
)  # fmt: skip
async def test_scripts_work_on_their_call(
    dut: DialplanUnderTest, tmp_path: Path, body: str, value: str
) -> None:
    channel = await run(dut, tmp_path, body)
    assert dut.value(channel, "R") == value


async def test_globals_live_as_long_as_the_call(dut: DialplanUnderTest, tmp_path: Path) -> None:
    load(
        dut,
        tmp_path,
        """
        count = 0
        local function step(next)
            return function()
                count = count + 1
                channel.COUNT = count
                if next then app["goto"]("default", next, 1) error("never reached") end
            end
        end
        extensions = { default = { [1] = step(2), ["2"] = step(), h = step() } }
        """,
    )
    first = await ended(await dut.call("1"))
    second = await ended(await dut.call("2"))
    assert [dut.value(c, "COUNT") for c in (first, second)] == ["3", "2"]


async def test_extensions_conf_and_lua_reach_each_other(
    dut: DialplanUnderTest, tmp_path: Path
) -> None:
    load(
        dut,
        tmp_path,
        """
        extensions = { lua = { ["_1X"] = function(c, e)
            channel.PATH = channel.PATH .. " lua:" .. e
            app["goto"]("default", "back", "here")
        end } }
        """,
        conf="""
        [default]
        exten => s,1,Set(PATH=conf)
         same => n,Goto(lua,12,1)
        exten => back,1,NoOp()
         same => n(here),Set(PATH=${PATH} back)
        """,
    )
    channel = await ended(await dut.call())
    assert dut.value(channel, "PATH") == "conf lua:12 back"


async def test_lua_comes_after_the_contexts_own_extensions_and_before_its_includes(
    dut: DialplanUnderTest, tmp_path: Path
) -> None:
    load(
        dut,
        tmp_path,
        """
        local function say(word) return function(context) channel.R = word .. " " .. context end end
        extensions = {
            default = { ["1"] = say("lua"), ["3"] = say("lua"), include = { "more" } },
            more = { ["3"] = say("more"), ["4"] = say("more"), ["5"] = say("more") },
            switched = { ["6"] = say("switched") },
        }
        """,
        conf="""
        [default]
        exten => _[12],1,Set(R=conf)
        include => other
        include => switched
        [other]
        exten => _[3-6],1,Set(R=other)
        exten => _[67],1,Set(R=other)
        [switched]
        switch => Lua/
        """,
    )
    found = {exten: dut.value(await ended(await dut.call(exten)), "R") for exten in "1234567"}
    assert found == {
        "1": "conf", "2": "conf", "3": "lua default", "4": "more default", "5": "more default",
        "6": "other", "7": "other",
    }  # fmt: skip


async def test_a_script_hears_the_context_that_was_looked_in(
    dut: DialplanUnderTest, tmp_path: Path
) -> None:
    load(
        dut,
        tmp_path,
        """
        extensions = {
            entry = { include = { "inner" } },
            inner = { s = function(context, exten) channel.R = context .. " " .. exten end },
        }
        """,
        conf="[default]\ninclude => entry\n[entry]\nswitch => Lua/whatever\n",
    )
    channel = await ended(await dut.call())
    assert dut.value(channel, "R") == "entry s"
    assert [use.source for use in dut.dialplan.plan.contexts["entry"].switches] == ["Lua/entry"]


async def test_more_digits_are_waited_for_as_long_as_lua_could_want_them(
    dut: DialplanUnderTest, tmp_path: Path
) -> None:
    load(dut, tmp_path, "extensions = { default = { ['123'] = print, ['_9X'] = print } }")
    plan = dut.dialplan.plan
    answers = [plan.can_continue("default", digits, "", 0.0) for digits in ("12", "123", "9", "5")]
    assert answers == [True, False, True, False]
    assert plan.find("default", "123", 2, "", 0.0) is None


async def test_hints_are_part_of_the_dialplan(dut: DialplanUnderTest, tmp_path: Path) -> None:
    load(dut, tmp_path, 'extensions = {} hints = { default = { ["100"] = "PJSIP/alice" } }')
    assert dut.dialplan.plan.find_hint("default", "100", 0.0) == "PJSIP/alice"


async def test_a_failing_script_says_where_and_the_call_goes_to_e(
    dut: DialplanUnderTest, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    load(
        dut,
        tmp_path,
        """
        extensions = { default = {
            s = function()
                local nothing
                nothing()
            end,
            e = function() channel.R = "e" end,
        } }
        """,
    )
    channel = await ended(await dut.call())
    assert dut.value(channel, "R") == "e"
    assert "extensions.lua:5: attempt to call a nil value" in caplog.text
    assert "in function <extensions.lua:3>" in caplog.text
    assert "xpcall" not in caplog.text


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ("while true do end", "more than 2000000 instructions without a call"),
        ("while true do pcall(function() while true do end end) end", "instructions"),
        ("coroutine.wrap(function() while true do end end)()", "instructions"),
        ("local t = {} while true do t[#t + 1] = ('x'):rep(10000) .. #t end", "not enough memory"),
        ("local function f() return f() + 1 end f()", "not enough memory"),
    ],
)
async def test_a_script_that_uses_too_much_is_ended(
    dut: DialplanUnderTest,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    body: str,
    reason: str,
) -> None:
    channel = await run(dut, tmp_path, f"{body} channel.R = 'survived'", limits=SMALL)
    assert dut.value(channel, "R") is None
    assert reason in caplog.text


async def test_calls_to_the_server_renew_the_allowance(
    dut: DialplanUnderTest, tmp_path: Path
) -> None:
    body = "for i = 1, 6 do for j = 1, 300000 do end channel.R = i end"
    channel = await run(dut, tmp_path, body, limits=SMALL)
    assert dut.value(channel, "R") == "6"


async def test_a_busy_script_holds_up_nobody_else(dut: DialplanUnderTest, tmp_path: Path) -> None:
    load(
        dut,
        tmp_path,
        """
        extensions = { default = {
            busy = function() channel.R = "busy" while true do end end,
            quick = function() channel.R = "quick" end,
        } }
        """,
    )
    busy = await dut.call("busy")
    for _ in range(5):
        quick = await ended(await dut.call("quick"))
        assert dut.value(quick, "R") == "quick"
    assert not busy.is_hungup
    assert dut.dialplan.lua.running == 1
    busy.hangup()
    await ended(busy)
    assert dut.dialplan.lua.running == 0


async def test_a_hangup_is_raised_at_the_next_call_and_h_runs(
    dut: DialplanUnderTest, tmp_path: Path
) -> None:
    load(
        dut,
        tmp_path,
        """
        extensions = { default = {
            s = function()
                channel.READY = "yes"
                local ok, message = pcall(app.wait, 1000)
                channel.SAID = tostring(ok) .. " " .. message .. " " .. tostring(check_hangup())
                app.wait(1)
                channel.SAID = "survived"
            end,
            h = function() app.set("H=ran") end,
        } }
        """,
    )
    channel = await dut.call()
    async with asyncio.timeout(PATIENCE):
        while dut.value(channel, "READY") is None:
            await asyncio.sleep(0.001)
    channel.hangup()
    await ended(channel)
    assert dut.value(channel, "SAID") == "false hangup true"
    assert dut.value(channel, "H") == "ran"


async def test_a_call_that_is_taken_elsewhere_leaves_its_script(
    dut: DialplanUnderTest, tmp_path: Path
) -> None:
    load(
        dut,
        tmp_path,
        """
        first = true
        extensions = { default = {
            s = function()
                first = false
                channel.READY = "yes"
                pcall(app.wait, 1000)
                channel.R = "went on"
            end,
            other = function() channel.R = tostring(first) end,
        } }
        """,
    )
    channel = await dut.call()
    async with asyncio.timeout(PATIENCE):
        while dut.value(channel, "READY") is None:
            await asyncio.sleep(0.001)
    channel.set_position("default", "other", 1)
    dut.dialplan.start(channel)
    await ended(channel)
    assert dut.value(channel, "R") == "false", "the state is the same"
    assert dut.dialplan.lua.running == 0


async def test_a_script_goes_on_after_an_application_that_ends_at_the_next_step(
    dut: DialplanUnderTest, tmp_path: Path
) -> None:
    dut.under.connect("test")
    load(
        dut,
        tmp_path,
        """extensions = { default = { s = function()
            app.stasis("test")
            channel.R = channel.STASISSTATUS:get()
        end } }""",
    )
    channel = await dut.call()
    async with asyncio.timeout(PATIENCE):
        while channel.stasis is None:
            await asyncio.sleep(0.001)
    dut.under.channels.continue_in_dialplan(channel.id)
    await ended(channel)
    assert dut.value(channel, "R") == "SUCCESS"


async def test_a_digit_ends_the_script_and_dials(dut: DialplanUnderTest, tmp_path: Path) -> None:
    load(
        dut,
        tmp_path,
        """
        extensions = { default = {
            s = function() app.answer() app.background("hello") channel.R = "went on" end,
            ["5"] = function() channel.R = "five" end,
        } }
        """,
    )
    channel = await dut.call()
    async with asyncio.timeout(PATIENCE):
        while channel.app_name.lower() != "background":
            await asyncio.sleep(0.001)
    channel.on_dtmf("5", 100)
    await ended(channel)
    assert dut.value(channel, "R") == "five"


async def test_more_scripts_than_there_is_room_for_are_refused(
    dut: DialplanUnderTest,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr(runner, "MAX_SCRIPTS", 1)
    load(dut, tmp_path, "extensions = { default = { s = function() app.wait(1000) end } }")
    first = await dut.call()
    second = await ended(await dut.call())
    assert second.is_hungup
    assert not first.is_hungup
    assert "1 Lua scripts run already" in caplog.text
    first.hangup()
    await ended(first)


async def test_modules_come_from_the_configured_places_only(
    dut: DialplanUnderTest, tmp_path: Path
) -> None:
    (tmp_path / "lib/deep").mkdir(parents=True)
    (tmp_path / "lib/deep/init.lua").write_text("return { word = 'deep', name = ... }")
    (tmp_path / "beside.lua").write_text("beside = (beside or 0) + 1")
    outside = tmp_path.parent / "outside.lua"
    outside.write_text("return 'outside'")
    (tmp_path / "link.lua").symlink_to(outside)
    body = """
        require("beside") require("beside") dofile("beside.lua")
        local found = { require("deep").word, require("deep").name, beside }
        for _, name in ipairs({"../outside", "outside", "link", "deep/init", ""}) do
            found[#found + 1] = tostring(pcall(require, name))
        end
        found[#found + 1] = tostring(pcall(dofile, "../outside.lua"))
        found[#found + 1] = tostring(pcall(dofile, "/etc/passwd"))
        channel.R = table.concat(found, " ")
    """
    channel = await run(dut, tmp_path, body)
    assert dut.value(channel, "R") == "deep deep 2" + " false" * 7


async def test_a_call_keeps_the_script_that_it_began_with(
    dut: DialplanUnderTest, tmp_path: Path
) -> None:
    source = """
        extensions = { default = {
            s = function() channel.READY = "yes" app.waitexten(1000) end,
            ["5"] = function() channel.R = "%s" end,
        } }
    """
    load(dut, tmp_path, source % "old")
    first = await dut.call()
    async with asyncio.timeout(PATIENCE):
        while dut.value(first, "READY") is None:
            await asyncio.sleep(0.001)
    load(dut, tmp_path, source % "new")
    second = await dut.call("5")
    first.on_dtmf("5", 100)
    assert [dut.value(await ended(c), "R") for c in (first, second)] == ["old", "new"]


async def test_a_script_can_not_run_inside_of_itself(
    dut: DialplanUnderTest, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    await run(dut, tmp_path, "app.lua('default,default,s')")
    assert "a Lua extension of this channel waits for this one to end" in caplog.text


async def test_print_goes_to_the_log(
    dut: DialplanUnderTest, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level("INFO"):
        await run(dut, tmp_path, "print('hello', 5, nil)")
    assert "lua: hello\t5\tnil" in caplog.text
