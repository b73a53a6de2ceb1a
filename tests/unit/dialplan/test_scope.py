"""Names that are always there, and texts that are evaluated again."""

from __future__ import annotations

import pytest

from tests.support.dialplan import DialplanUnderTest


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("EXTEN", "s"),
        ("CONTEXT", "default"),
        ("PRIORITY", "2"),
        ("CHANNEL", "PJSIP/alice-00000001"),
        ("UNIQUEID", "1700000000.0"),
        ("EPOCH", "1700000000"),
        ("HANGUPCAUSE", "0"),
        ("SYSTEMNAME", "test-node"),
        ("ENTITYID", "test-node"),
        ("HINT", "Custom:lamp,CustomPresence:alice"),
        ("HINTNAME", "Alice"),
        ("CALLINGPRES", "0"),
        ("CALLINGTON", "0"),
        ("EXTEN:0:1", "s"),
        ("CONTEXT:-3", "ult"),
        ("NOTHING", ""),
    ],
)
async def test_names_that_are_always_there(dut: DialplanUnderTest, name: str, value: str) -> None:
    dut.load(f"""
        exten => s,1,NoOp()
        same => n,Set(RESULT=${{{name}}})
        same => n,Wait(5)
        exten => s,hint,Custom:lamp,CustomPresence:alice(Alice)
        """)
    channel = await dut.call("s")
    assert dut.value(channel, "RESULT") == value
    channel.hangup()


async def test_a_channels_variable_hides_a_global_one_but_no_built_in(
    dut: DialplanUnderTest,
) -> None:
    dut.load("""
        [globals]
        A=global
        [default]
        exten => s,1,Set(A=own)
        same => n,Set(EXTEN=mine)
        same => n,Set(RESULT=${A}-${GLOBAL(A)}-${EXTEN})
        same => n,Wait(5)
        """)
    channel = await dut.call("s")
    assert dut.value(channel, "RESULT") == "own-global-s"
    channel.hangup()


async def test_a_text_that_evaluates_itself_ends_as_empty_and_the_call_goes_on(
    dut: DialplanUnderTest, caplog: pytest.LogCaptureFixture
) -> None:
    dut.dialplan.globals["LOOP"] = "x${EVAL(${LOOP})}"
    channel = await dut.run("""
        Set(RESULT=${EVAL(${LOOP})})
        Set(DONE=1)
        Wait(5)
        """)
    assert dut.value(channel, "RESULT") == "x" * 20
    assert "evaluations inside each other" in caplog.text
    assert dut.value(channel, "DONE") == "1"
    channel.hangup()
