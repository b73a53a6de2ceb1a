"""How a step is found through patterns, callers and includes."""

from __future__ import annotations

import pytest

from server.config.ini import parse_text
from server.dialplan.loader import compile_plan
from server.dialplan.plan import Plan

MONDAY_NOON = 1_704_110_400.0  # 2024-01-01 12:00 UTC


def load(source: str) -> Plan:
    return compile_plan(parse_text(source, path="extensions.conf"))


def find(plan: Plan, exten: str, priority: int = 1, caller: str = "", wall: float = 0.0) -> str:
    place = plan.find("ctx", exten, priority, caller, wall)
    return "" if place is None else place.step.source


@pytest.mark.parametrize(
    ("caller", "found"),
    [("555", "exact"), ("566", "pattern"), ("777", "all"), ("", "none given")],
)
def test_callers_come_before_everybody(caller: str, found: str) -> None:
    plan = load(
        "[ctx]\nexten => 1,1,A(all)\nexten => 1/_5X.,1,A(pattern)\nexten => 1/555,1,A(exact)\n"
        "exten => 1/,1,A(none given)\n"
    )
    assert find(plan, "1", caller=caller) == found


def test_the_context_itself_comes_before_its_includes_whatever_the_pattern() -> None:
    plan = load("[ctx]\ninclude => b\nexten => _.,1,A(own)\n[b]\nexten => 1,1,A(included)\n")
    assert find(plan, "1") == "own"


def test_includes_are_tried_in_order_and_in_depth() -> None:
    plan = load(
        "[ctx]\ninclude => b\ninclude => c\n[b]\ninclude => d\n[c]\nexten => 1,1,A(c)\n"
        "[d]\nexten => 1,1,A(d)\n"
    )
    assert find(plan, "1") == "d"


def test_includes_in_a_circle_end() -> None:
    plan = load("[ctx]\ninclude => b\n[b]\ninclude => ctx\ninclude => b\nexten => 2,1,A(b)\n")
    assert find(plan, "1") == ""
    assert find(plan, "2") == "b"


def test_an_include_counts_at_its_times_only() -> None:
    plan = load(
        "[ctx]\ninclude => day,9:00-17:00,mon-fri,*,*,UTC\ninclude => night\n"
        "[day]\nexten => 1,1,A(day)\n[night]\nexten => 1,1,A(night)\n"
    )
    assert find(plan, "1", wall=MONDAY_NOON) == "day"
    assert find(plan, "1", wall=MONDAY_NOON + 6 * 3600) == "night"
    assert find(plan, "1", wall=MONDAY_NOON + 5 * 86_400) == "night"


def test_a_missing_priority_falls_into_the_next_pattern_and_the_include() -> None:
    plan = load(
        "[ctx]\ninclude => all\nexten => 12,1,A(exact)\nexten => _1X,2,A(pattern)\n"
        "[all]\nexten => _.,3,A(included)\n"
    )
    assert [find(plan, "12", priority) for priority in (1, 2, 3, 4)] == [
        "exact", "pattern", "included", ""
    ]  # fmt: skip


def test_only_the_first_match_may_be_kept_for_the_next_step() -> None:
    plan = load("[ctx]\nexten => 12,1,A(x)\nexten => _1X,2,A(y)\n")
    first = plan.find("ctx", "12", 1, "", 0.0)
    second = plan.find("ctx", "12", 2, "", 0.0)
    assert first is not None
    assert first.is_first
    assert second is not None
    assert not second.is_first


def test_labels_are_found_through_includes() -> None:
    plan = load("[ctx]\ninclude => b\nexten => 1,1(a),A()\n[b]\nexten => _X,7(b),A()\n")
    assert plan.find_label("ctx", "1", "a", "", 0.0) == 1
    assert plan.find_label("ctx", "1", "b", "", 0.0) == 7
    assert plan.find_label("ctx", "1", "c", "", 0.0) is None


def test_hints_are_found_by_pattern_and_include() -> None:
    plan = load("[ctx]\ninclude => b\n[b]\nexten => _1XX,hint,PJSIP/${EXTEN}\n")
    assert plan.find_hint("ctx", "100", 0.0) == "PJSIP/${EXTEN}"
    assert plan.find_hint("ctx", "200", 0.0) is None


def test_more_digits_are_wanted_through_includes_until_one_decides() -> None:
    plan = load("[ctx]\ninclude => b\nexten => 1,1,A()\n[b]\nexten => 12,1,A()\n")
    assert plan.can_continue("ctx", "1", "", 0.0)
    assert not plan.can_continue("ctx", "12", "", 0.0)
    decided = load("[ctx]\ninclude => b\nexten => _1!,1,A()\n[b]\nexten => 12,1,A()\n")
    assert not decided.can_continue("ctx", "1", "", 0.0)
