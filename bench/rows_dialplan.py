"""What the dialplan costs: a step, finding one among many, and loading many."""

from __future__ import annotations

import gc
import time

from host import running_server
from phones import phones
from results import Result

from server.app.main import GC_THRESHOLD
from server.config.ini import parse_text
from server.dialplan.loader import compile_plan

RTP = 9  # where nobody listens
ROUNDS, ROUNDS_QUICK = 20_000, 5_000
STEPS = 6  # of one round of the extension "steps"
EXTENSIONS = 100_000
LOOKUPS = 20_000


async def dialplan(*, is_quick: bool) -> list[Result]:
    """Run steps in a call; then match and load in this process."""
    steps = await _steps(ROUNDS_QUICK if is_quick else ROUNDS)
    gc.set_threshold(GC_THRESHOLD, 20, 50)  # as the server does
    return [steps, *_matching(), _loading()]


async def _steps(rounds: int) -> Result:
    async with running_server() as server, phones(server.sip) as crowd:
        calls = await crowd.call_all(["steps100"], [RTP])
        begin = server.cpu_s
        calls += await crowd.call_all([f"steps{rounds}"], [RTP])
        used = server.cpu_s - begin
        await crowd.hang_up_all(calls)
    what = "a step of NoOp, Set and GotoIf with expressions and functions: CPU"
    note = f"{rounds * STEPS} steps"
    return Result("dialplan", what, "µs", used * 1e6 / rounds / STEPS, 25, 15, note=note)


def _matching() -> list[Result]:
    found = []
    for what, name, number in (
        ("names", "{}", "{}"),
        ("patterns", "_{}[0-4]X.", "{}2345"),
    ):
        numbers = range(100_000, 100_000 + EXTENSIONS // 2)
        source = "[many]\n" + "".join(
            f"exten => {name.format(each)},1,NoOp(${{EXTEN}})\n" for each in numbers
        )
        plan = compile_plan(parse_text(source, path="extensions.conf"))
        wanted = [number.format(each) for each in numbers[:LOOKUPS]]
        begin = time.process_time()
        for each in wanted:
            plan.find("many", each, 1, "", 0.0)
        used = (time.process_time() - begin) * 1e6 / LOOKUPS
        text = f"finding one of {len(numbers)} {what}: CPU"
        found.append(Result("dialplan", text, "µs", used, 10, 5))
    return found


def _loading() -> Result:
    source = "[many]\n" + "".join(
        f"exten => {each},1,Dial(PJSIP/${{EXTEN}},30)\n"
        for each in range(100_000, 100_000 + EXTENSIONS)
    )
    begin = time.process_time()
    compile_plan(parse_text(source, path="extensions.conf"))
    used = time.process_time() - begin
    return Result("dialplan", f"loading {EXTENSIONS} extensions: CPU", "s", used, 3, 1.5)
