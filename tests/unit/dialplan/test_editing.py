"""Changes to the running dialplan."""

from __future__ import annotations

import asyncio

import pytest

from server.base.errors import Conflict, InvalidArgument, NotFound
from server.dialplan import editing
from server.dialplan.editing import HINT
from server.dialplan.executor import Call
from tests.support.dialplan import DialplanUnderTest
from tests.support.node import settle


async def test_a_running_call_finds_what_was_added_before_its_next_step(
    dut: DialplanUnderTest,
) -> None:
    gate = asyncio.Event()

    async def wait_at_gate(call: Call, data: str) -> None:
        await call.channel.wait(gate.wait())

    dut.dialplan.registry.add_application("Gate", wait_at_gate)
    dut.load("exten => _X,1,Gate()\nsame => n,Set(FROM=pattern)\nsame => n,Wait(9)\n")
    channel = await dut.call("5")
    editing.add_extension(dut.dialplan, "default", "5", 2, "Set(FROM=added)")
    gate.set()
    await settle()
    assert dut.value(channel, "FROM") == "added"
    channel.hangup()


async def test_steps_are_added_replaced_and_removed(dut: DialplanUnderTest) -> None:
    dialplan = dut.dialplan
    editing.add_extension(dialplan, "new", "1", 1, "NoOp(a)", label="begin")
    editing.add_extension(dialplan, "new", "1", 2, "NoOp(b)")
    with pytest.raises(Conflict, match="already exists"):
        editing.add_extension(dialplan, "new", "1", 1, "NoOp(c)")
    editing.add_extension(dialplan, "new", "1", 1, "NoOp(c)", replace=True)
    place = dialplan.plan.find("new", "1", 1, "", 0)
    assert place is not None
    assert place.step.source == "c"
    assert dialplan.find_label("new", "1", "begin", "") is None
    editing.remove_extension(dialplan, "new", "1", 1)
    assert not dialplan.has("new", "1", 1, "")
    assert dialplan.has("new", "1", 2, "")
    editing.remove_extension(dialplan, "new", "1")
    assert len(dialplan.plan.contexts["new"]) == 0
    editing.remove_context(dialplan, "new")
    assert "new" not in dialplan.plan.contexts


async def test_extensions_for_callers_are_their_own(dut: DialplanUnderTest) -> None:
    dialplan = dut.dialplan
    editing.add_extension(dialplan, "c", "_1X", 1, "NoOp(all)")
    editing.add_extension(dialplan, "c", "_1X", 1, "NoOp(one)", caller="100")
    assert _source(dut, "100") == "one"
    editing.remove_extension(dialplan, "c", "_1X", 1, caller="100")
    assert _source(dut, "100") == "all"
    editing.add_extension(dialplan, "c", "_1X", 1, "NoOp(one)", caller="100")
    editing.remove_extension(dialplan, "c", "_1X")
    assert not dialplan.has("c", "11", 1, "100")


def _source(dut: DialplanUnderTest, caller: str) -> str:
    place = dut.dialplan.plan.find("c", "11", 1, caller, 0)
    assert place is not None
    return place.step.source


async def test_hints_come_and_go(dut: DialplanUnderTest) -> None:
    editing.add_extension(dut.dialplan, "h", "1", HINT, "Custom:a")
    assert [hint.text for hint in dut.dialplan.hints.all()] == ["Custom:a"]
    with pytest.raises(Conflict):
        editing.add_extension(dut.dialplan, "h", "1", HINT, "Custom:b")
    editing.remove_extension(dut.dialplan, "h", "1", HINT)
    assert dut.dialplan.hints.all() == []
    assert len(dut.dialplan.plan.contexts["h"]) == 0


async def test_includes_and_ignore_patterns(dut: DialplanUnderTest) -> None:
    dialplan = dut.dialplan
    dut.load("[b]\nexten => 1,1,NoOp()\n")
    editing.add_include(dialplan, "a", "b")
    assert dialplan.has("a", "1", 1, "")
    with pytest.raises(Conflict):
        editing.add_include(dialplan, "a", "b")
    editing.remove_include(dialplan, "a", "b")
    assert not dialplan.has("a", "1", 1, "")
    editing.add_ignore_pattern(dialplan, "a", "9")
    assert dialplan.plan.ignores("a", "9", 0)
    with pytest.raises(Conflict):
        editing.add_ignore_pattern(dialplan, "a", "9")
    editing.remove_ignore_pattern(dialplan, "a", "9")
    assert not dialplan.plan.ignores("a", "9", 0)


async def test_what_is_not_there_cannot_be_removed(dut: DialplanUnderTest) -> None:
    dialplan = dut.dialplan
    dut.load("[a]\nexten => 1,1,NoOp()\n")
    for remove in (
        lambda: editing.remove_extension(dialplan, "a", "2"),
        lambda: editing.remove_extension(dialplan, "a", "1", 2),
        lambda: editing.remove_extension(dialplan, "a", "1", HINT),
        lambda: editing.remove_extension(dialplan, "none", "1"),
        lambda: editing.remove_include(dialplan, "a", "b"),
        lambda: editing.remove_ignore_pattern(dialplan, "a", "9"),
        lambda: editing.remove_context(dialplan, "none"),
    ):
        with pytest.raises(NotFound):
            remove()


@pytest.mark.parametrize(
    ("context", "exten", "priority", "call"),
    [
        ("", "1", 1, "NoOp()"),
        ("a", "", 1, "NoOp()"),
        ("a", "1", 0, "NoOp()"),
        ("a", "1", 10_000_000, "NoOp()"),
        ("a", "1", 1, ""),
        ("a", "x" * 81, 1, "NoOp()"),
        ("a\n[b]", "1", 1, "NoOp()"),
    ],
)
async def test_nonsense_changes_nothing(
    dut: DialplanUnderTest, context: str, exten: str, priority: int, call: str
) -> None:
    with pytest.raises(InvalidArgument):
        editing.add_extension(dut.dialplan, context, exten, priority, call)
    assert not dut.dialplan.plan.contexts
