"""Loading grows with the file, finding does not."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable

import pytest

from server.config.ini import parse_text
from server.dialplan.loader import compile_plan
from server.dialplan.plan import Plan

FEW, MANY = 500, 10_000


def load(name: str, count: int) -> Plan:
    lines = (f"exten => {name.format(100_000 + each)},1,NoOp(x)\n" for each in range(count))
    return compile_plan(parse_text("[many]\n" + "".join(lines), path="extensions.conf"))


def best(work: Callable[[], object]) -> float:
    """Return the CPU seconds of the best of three runs."""
    taken = []
    gc.disable()
    try:
        for _ in range(3):
            begin = time.process_time()
            work()
            taken.append(time.process_time() - begin)
    finally:
        gc.enable()
    return min(taken)


@pytest.mark.parametrize(("name", "more"), [("{}", ""), ("_{}[0-4]X.", "123")])
def test_finding_costs_as_much_among_many_as_among_few(name: str, more: str) -> None:
    def find(plan: Plan) -> Callable[[], object]:
        numbers = [f"{100_000 + each}{more}" for each in range(FEW)]
        return lambda: [plan.find("many", each, 1, "", 0.0) for each in numbers]

    few, many = load(name, FEW), load(name, MANY)
    assert all(find(many)())  # type: ignore[call-overload]
    assert best(find(many)) < 5 * best(find(few))


def test_loading_grows_no_faster_than_the_file() -> None:
    few = best(lambda: load("{}", FEW))
    assert best(lambda: load("{}", MANY)) < 4 * few * MANY / FEW
