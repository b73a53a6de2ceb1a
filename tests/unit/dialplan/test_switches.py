"""``switch`` lines: Loopback, and switches that other layers add."""

from __future__ import annotations

import pytest

from server.base import suspension
from server.base.errors import Conflict, Unavailable
from server.config.ini import parse_text
from server.dialplan.loader import compile_plan, make_step
from server.dialplan.plan import Context, Extension, Place, Plan
from server.dialplan.switches import Query
from server.tech.base import ExtensionMatch
from tests.support.dialplan import DialplanUnderTest
from tests.support.node import settle


def load(source: str) -> Plan:
    return compile_plan(parse_text(source, path="extensions.conf"))


def found(plan: Plan, exten: str, context: str = "a") -> str | None:
    place = plan.find(context, exten, 1, "", 0.0)
    return None if place is None else f"{place.context.name}:{place.step.source}"


def test_a_switch_is_asked_after_the_contexts_own_extensions_and_before_its_includes() -> None:
    plan = load("""
[a]
exten => 1,1,NoOp(own)
lswitch => Loopback/@b
include => c
[b]
exten => 1,1,NoOp(b)
exten => 2,1,NoOp(b)
[c]
exten => 2,1,NoOp(c)
exten => 3,1,NoOp(c)
""")
    assert [found(plan, exten) for exten in "1234"] == ["a:own", "b:b", "c:c", None]


@pytest.mark.parametrize(
    ("data", "exten", "expected"),
    [
        ("Loopback/@b", "22", "b:22"),
        ("Loopback/9${EXTEN}@b", "1", "b:91"),
        ("Loopback/${EXTEN:1}@b", "891", "b:91"),
        ("Loopback/@b/_2X", "22", "b:22"),
        ("Loopback/@b/_3X", "22", None),
        ("Loopback/@b:2", "22", "b:second"),
        ("Loopback/${CONTEXT}-${PRIORITY}@b", "x", "b:a-1"),
        ("Loopback/22@a", "7", None),
        ("Loopback/22", "7", None),
        ("Loopback/22@nowhere", "7", None),
        ("loopback/@b", "22", "b:22"),
        ("Nothing/@b", "22", None),
    ],
)
def test_loopback_looks_elsewhere(data: str, exten: str, expected: str | None) -> None:
    plan = load(f"""
[a]
lswitch => {data}
[b]
exten => 22,1,NoOp(22)
same => n,NoOp(second)
exten => 91,1,NoOp(91)
exten => a-1,1,NoOp(a-1)
""")
    assert found(plan, exten) == expected


def test_loopbacks_in_a_circle_find_nothing() -> None:
    plan = load("[a]\nlswitch => Loopback/@b\n[b]\nlswitch => Loopback/@a\n")
    assert found(plan, "1") is None
    assert not plan.can_continue("a", "1", "", 0.0)


def test_loopback_tells_whether_more_digits_could_come() -> None:
    plan = load("[a]\nlswitch => Loopback/@b\n[b]\nexten => 123,1,NoOp()\n")
    assert plan.can_continue("a", "12", "", 0.0)
    assert not plan.can_continue("a", "123", "", 0.0)


def test_switch_takes_global_variables_at_load_time_and_lswitch_none() -> None:
    plan = load("""
[globals]
WHERE=b
[a]
switch => Loopback/${WHERE}${EXTEN}@b
lswitch => Loopback/${EXTEN}@b
[b]
""")
    assert [use.data for use in plan.contexts["a"].switches] == ["b@b", "${EXTEN}@b"]


async def test_a_call_moves_to_where_a_loopback_found_its_step(dut: DialplanUnderTest) -> None:
    dut.load("""
[default]
exten => 5,1,Set(FIRST=${CONTEXT})
eswitch => Loopback/y${CALLERID(num)}@${TARGET}
[globals]
TARGET=other
[other]
exten => _y.,2,Set(SECOND=${CONTEXT}-${EXTEN})
same => n,Set(THIRD=${PRIORITY})
same => n,Wait(10)
""")
    channel = await dut.call("5")
    number = channel.caller.number
    assert dut.value(channel, "FIRST") == "default"
    assert dut.value(channel, "SECOND") == f"other-y{number}"
    assert dut.value(channel, "THIRD") == "3"
    channel.hangup()


class Slow:
    """Knows extension 7, and has to wait for it."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, int, str]] = []

    def find(self, query: Query, data: str) -> Place | None:
        suspension.wait(self._nothing())
        self.asked.append((query.exten, query.priority, data))
        if query.exten != "7" or query.priority > 1:
            return None
        step = make_step(1, "Set(SLOW=${EXTEN})", [])
        return Place(step, Extension("7"), Context("slow"), is_first=False)

    def can_continue(self, query: Query, data: str) -> bool:
        suspension.wait(self._nothing())
        return False

    async def _nothing(self) -> None: ...


async def test_a_switch_that_waits_lets_calls_in_and_answers_once_they_run(
    dut: DialplanUnderTest,
) -> None:
    slow = Slow()
    dut.dialplan.registry.add_switch("Slow", slow)
    with pytest.raises(Conflict):
        dut.dialplan.registry.add_switch("SLOW", slow)
    dut.load("[default]\nswitch => Slow/some,data\n")
    assert dut.dialplan.match("default", "7", "") is ExtensionMatch.EXACT
    channel = await dut.call("7")
    for _ in range(20):
        await settle()
    assert dut.value(channel, "SLOW") == "7"
    assert slow.asked[0] == ("7", 1, "some,data")
    assert channel.is_hungup


async def test_a_call_that_a_switch_let_in_for_nothing_ends_as_unallocated(
    dut: DialplanUnderTest,
) -> None:
    dut.dialplan.registry.add_switch("Slow", Slow())
    dut.load("[default]\nswitch => Slow/x\n")
    channel = await dut.call("8")
    for _ in range(20):
        await settle()
    assert channel.is_hungup
    assert channel.hangup_cause == 1


async def test_a_switch_that_is_not_there_is_reported_when_the_plan_is_loaded(
    dut: DialplanUnderTest,
) -> None:
    assert dut.load("[a]\nswitch => DUNDi/e164\n") == [
        "extensions.conf:1: context a: no switch 'DUNDi'"
    ]


class Broken:
    """Fails in one way or another."""

    def __init__(self, error: Exception) -> None:
        self._error = error

    def find(self, query: Query, data: str) -> Place | None:
        raise self._error

    def can_continue(self, query: Query, data: str) -> bool:
        raise self._error


@pytest.mark.parametrize("error", [Unavailable("no database"), RuntimeError("a mistake")])
async def test_a_switch_that_fails_is_reported_and_the_search_goes_on(
    dut: DialplanUnderTest, caplog: pytest.LogCaptureFixture, error: Exception
) -> None:
    dut.dialplan.registry.add_switch("Broken", Broken(error))
    dut.load("""
        [default]
        switch => Broken/x
        include => more
        [more]
        exten => 5,1,Set(FOUND=1)
        same => n,Wait(5)
        """)
    assert dut.dialplan.match("default", "5", "") is ExtensionMatch.EXACT
    assert dut.dialplan.match("default", "6", "") is ExtensionMatch.NONE
    channel = await dut.call("5")
    assert dut.value(channel, "FOUND") == "1"
    assert "switch Broken/x" in caplog.text
    channel.hangup()
