"""``switch => Realtime/…``: extensions that are rows."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.base import suspension
from server.dialplan.realtime_switch import KEEP_S, RealtimeSwitch, Source, read_source
from server.dialplan.switches import Query
from server.tech.base import ExtensionMatch
from tests.support.dialplan import DialplanUnderTest
from tests.support.families import Families
from tests.support.node import settle


def row(exten: str, app: str = "NoOp", appdata: str = "", priority: int = 1) -> dict[str, str]:
    return {
        "context": "a", "exten": exten, "priority": str(priority), "app": app, "appdata": appdata
    }  # fmt: skip


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        ("", Source("extensions", "here")),
        ("ignored", Source("extensions", "here")),
        ("@", Source("extensions", "here")),
        ("there@", Source("extensions", "there")),
        ("@own", Source("own", "here")),
        ("there@own/p", Source("own", "there", has_patterns=False)),
        ("/p", Source("extensions", "here", has_patterns=False)),
    ],
)
def test_what_is_left_out_is_the_context_and_extensions(data: str, expected: Source) -> None:
    assert read_source(data, "here") == expected


@given(st.text(max_size=60))
def test_no_text_leaves_nothing_to_look_in(data: str) -> None:
    source = read_source(data, "here")
    assert source.family
    assert source.context


class World:
    def __init__(self, *rows: dict[str, str]) -> None:
        self.families = Families(extensions=list(rows))
        self.switch = RealtimeSwitch(lambda: self.families)
        self.wall = 0.0

    def query(self, exten: str, priority: int = 1) -> Query:
        return Query(None, "a", exten, priority, "", self.wall)  # type: ignore[arg-type]

    async def find(self, exten: str, data: str = "", priority: int = 1) -> str | None:
        place = await suspension.call(self.switch.find, self.query(exten, priority), data)
        return None if place is None else place.step.source

    async def can_continue(self, digits: str, data: str = "") -> bool:
        return await suspension.call(self.switch.can_continue, self.query(digits), data)


async def test_an_exact_row_comes_first_then_the_longest_pattern() -> None:
    world = World(
        row("_1X", appdata="short"), row("_1X!", appdata="long"), row("12", appdata="exact"),
        row("12", appdata="second;step", priority=2),
    )  # fmt: skip
    assert await world.find("12") == "exact"
    assert await world.find("13") == "long"
    assert await world.find("2") is None
    assert await world.find("12", priority=2) == "second;step"
    assert await world.find("12", priority=-1) is None
    assert await world.find("13", "@/p") is None
    assert await world.find("12", "other@") is None


async def test_more_digits_may_reach_a_row_or_a_pattern() -> None:
    world = World(row("123"), row("_9XX"))
    assert await world.can_continue("1")
    assert await world.can_continue("12")
    assert not await world.can_continue("123")
    assert await world.can_continue("9")
    assert await world.can_continue("91")
    assert not await world.can_continue("912")
    assert not await world.can_continue("9", "@/p")


async def test_an_answer_is_good_for_a_moment() -> None:
    world = World(row("1"))
    assert await world.find("1") == ""
    count = len(world.families.queries)
    assert await world.find("1") == ""
    assert len(world.families.queries) == count
    world.wall += KEEP_S
    assert await world.find("1") == ""
    assert len(world.families.queries) == count + 1


async def test_a_database_that_is_gone_and_a_family_that_is_none_have_nothing() -> None:
    world = World(row("1"))
    world.families.is_dead = True
    assert await world.find("1") is None
    assert await world.find("1", "@nothing") is None
    nowhere = RealtimeSwitch(lambda: None)
    assert nowhere.find(world.query("1"), "") is None


async def test_a_row_without_an_application_is_no_step() -> None:
    assert await World(row("1", app="")).find("1") is None


async def test_a_call_runs_rows_with_its_variables(dut: DialplanUnderTest) -> None:
    dut.dialplan.realtime = Families(
        extensions=[
            row("500", "Set", "GLOBAL(WHO)=${EXTEN} ${CALLERID(num)}"),
            row("500", "Wait", "60", priority=2),
        ]
    )
    dut.load("[default]\nswitch => Realtime/a@")
    assert dut.dialplan.match("default", "500", "") is ExtensionMatch.EXACT  # nobody can wait here
    channel = await dut.call("500")
    await settle()
    assert dut.dialplan.globals["WHO"].startswith("500 ")
    assert channel.app_name == "Wait"
    channel.hangup()


async def test_a_call_to_nothing_ends(dut: DialplanUnderTest) -> None:
    dut.dialplan.realtime = Families(extensions=[])
    dut.load("[default]\nswitch => Realtime/@")
    channel = await dut.call("500")
    await settle()
    assert channel.is_hungup
    assert channel.hangup_cause == 1  # unallocated number
