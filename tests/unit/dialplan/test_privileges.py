"""What interfaces may not do without being trusted."""

from __future__ import annotations

import pytest

from server.base.errors import Forbidden
from server.dialplan.privileges import is_dangerous
from server.dialplan.registry import Function, Registry
from tests.support.dialplan import DialplanUnderTest


@pytest.mark.parametrize(
    ("application", "data", "expected"),
    [
        ("System", "rm -rf /", True),
        ("TrySystem", "", True),
        ("execif", "", True),
        ("EAGI", "x", True),
        ("MixMonitor", "a.wav,,rm", True),
        ("ExternalIVR", "", True),
        ("Originate", "", True),
        ("NoOp", "${SHELL(id)}", True),
        ("NoOp", "${EVAL(${X})}", True),
        ("NoOp", "${Danger(x)}", True),
        ("NoOp", "Danger", False),
        ("Playback", "hello", False),
        ("Dial", "PJSIP/alice,30,tT", False),
    ],
)
def test_what_could_run_programs_is_dangerous(application: str, data: str, expected: bool) -> None:
    registry = Registry.standard()
    registry.add_function(Function("DANGER", lambda scope, data: "", escalates_read=True))
    assert is_dangerous(registry, application, data) is expected


async def test_a_harmless_function_does_not_smuggle_in_a_harmful_one(
    dut: DialplanUnderTest,
) -> None:
    registry = dut.dialplan.registry
    ran: list[str] = []

    def harm(scope: object, data: str) -> str:
        ran.append(data)
        return "harm"

    registry.add_function(Function("HARM", harm, escalates_read=True))
    with pytest.raises(Forbidden):
        dut.dialplan.read(None, "HARM(x)")
    assert dut.dialplan.read(None, "EVAL(${HARM(x)})") == ""
    assert dut.dialplan.read(None, "IF(1?${HARM(x)}:2)") == "${HARM(x)}"
    assert ran == []
