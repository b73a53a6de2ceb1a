"""Applications that wait for a condition, a moment, a signal or more digits."""

from __future__ import annotations

import asyncio

import pytest

from tests.support.dialplan import DialplanUnderTest
from tests.support.node import settle

NOW = 1_700_000_000


class TestWaitForCondition:
    async def test_it_goes_on_when_the_condition_holds(self, dut: DialplanUnderTest) -> None:
        channel = await dut.run(
            'WaitForCondition(#,#["#{GLOBAL(G)}"="1"],60,0.001)\nSet(AFTER=1)\nWaitDigit()'
        )
        assert channel.variables.get("AFTER") is None
        dut.dialplan.globals["G"] = "1"
        for _ in range(200):
            if channel.variables.get("AFTER"):
                break
            await _pause()
        assert channel.variables.get("WAITFORCONDITIONSTATUS") == "TRUE"

    @pytest.mark.parametrize(
        ("arguments", "status"),
        [("#,1", "TRUE"), ("#,0,0.001,0.001", "TIMEOUT"), ("#", "FAILURE"), ("##,1", "FAILURE"),
         ("#,1,1,-1", "FAILURE"), ("#,#[1=1]", "TRUE")],
    )  # fmt: skip
    async def test_it_says_how_it_ended(
        self, dut: DialplanUnderTest, arguments: str, status: str
    ) -> None:
        channel = await dut.run(f"WaitForCondition({arguments})\nSet(AFTER=1)\nWaitDigit()")
        for _ in range(200):
            if channel.variables.get("AFTER"):
                break
            await _pause()
        assert channel.variables.get("WAITFORCONDITIONSTATUS") == status

    async def test_a_hangup_is_seen(self, dut: DialplanUnderTest) -> None:
        channel = await dut.run("WaitForCondition(#,0)")
        channel.hangup()
        await settle()
        assert channel.variables.get("WAITFORCONDITIONSTATUS") == "HANGUP"


async def _pause() -> None:
    await asyncio.sleep(0.002)


@pytest.mark.parametrize(
    ("epoch", "status"),
    [(str(NOW - 1), "PAST"), ("", "FAILURE"), ("soon", "FAILURE"), (str(NOW + 0.2501), "OK")],
)
async def test_waituntil_says_how_it_ended(dut: DialplanUnderTest, epoch: str, status: str) -> None:
    channel = await dut.run(f"WaitUntil({epoch})\nWaitDigit()")
    for _ in range(100):
        if channel.variables.get("WAITUNTILSTATUS"):
            break
        await _pause()
    assert channel.variables.get("WAITUNTILSTATUS") == status


async def test_waituntil_ends_with_the_call(dut: DialplanUnderTest) -> None:
    channel = await dut.run(f"WaitUntil({NOW + 60})")
    channel.hangup()
    await settle()
    assert channel.variables.get("WAITUNTILSTATUS") == "HANGUP"


async def test_waitforring_ends_with_the_call(dut: DialplanUnderTest) -> None:
    channel = await dut.run("WaitForRing(0.001)\nSet(AFTER=1)")
    await _pause()
    channel.hangup()
    await settle()
    assert channel.variables.get("AFTER") is None


class TestSignals:
    async def test_all_who_wait_are_woken_with_the_payload(self, dut: DialplanUnderTest) -> None:
        dut.load(
            """
            exten => w,1,WaitForSignal(go)
            same => n,WaitDigit()
            exten => s,1,Signal(go,a,b)
            same => n,WaitDigit()
            """
        )
        waiting = [await dut.call("w") for _ in range(2)]
        sender = await dut.call("s")
        await settle()
        assert sender.variables.get("SIGNALSTATUS") == "SUCCESS"
        for channel in waiting:
            assert channel.variables.get("WAITFORSIGNALSTATUS") == "SIGNALED"
            assert channel.variables.get("WAITFORSIGNALPAYLOAD") == "a,b"

    async def test_a_signal_that_nobody_waits_for_is_lost(self, dut: DialplanUnderTest) -> None:
        channel = await dut.run("Signal(go)\nWaitForSignal(go,0.001)\nSet(AFTER=1)\nWaitDigit()")
        for _ in range(100):
            if channel.variables.get("AFTER"):
                break
            await _pause()
        assert channel.variables.get("SIGNALSTATUS") == "FAILURE"
        assert channel.variables.get("WAITFORSIGNALSTATUS") == "TIMEOUT"

    async def test_who_hangs_up_waits_no_more(self, dut: DialplanUnderTest) -> None:
        channel = await dut.run("WaitForSignal(go)")
        channel.hangup()
        await settle()
        assert channel.variables.get("WAITFORSIGNALSTATUS") == "HANGUP"
        sender = await dut.run("Signal(go)\nWaitForSignal()\nSet(AFTER=1)")
        assert sender.variables.get("SIGNALSTATUS") == "FAILURE"
        assert sender.variables.get("AFTER") == "1"


class TestIncomplete:
    SOURCE = """
    exten => _5!,1,Set(LOG=${LOG}${EXTEN}.)
    same => n,GotoIf($[${LEN(${EXTEN})} < 3]?more)
    same => n,WaitDigit()
    same => n(more),Incomplete()
    exten => t,1,Set(LOG=${LOG}t)
    exten => i,1,Set(LOG=${LOG}i${INVALID_EXTEN})
    """

    async def test_digits_that_follow_are_added(self, dut: DialplanUnderTest) -> None:
        dut.load(self.SOURCE)
        channel = await dut.call("5")
        assert channel.state == "Up"
        for digit in "12":
            channel.on_dtmf(digit, 100)
            await settle()
        assert channel.variables.get("LOG") == "5.51.512."

    async def test_n_does_not_answer(self, dut: DialplanUnderTest) -> None:
        dut.load(self.SOURCE.replace("Incomplete()", "Incomplete(n)"))
        channel = await dut.call("5")
        assert channel.state == "Ring"

    async def test_a_timeout_goes_to_t(self, dut: DialplanUnderTest) -> None:
        dut.load(
            "exten => _5!,1,Set(TIMEOUT(digit)=0.001)\nsame => n,Incomplete()\n"
            "exten => t,1,Set(LOG=t)\nsame => n,WaitDigit()"
        )
        channel = await dut.call("5")
        for _ in range(100):
            if channel.variables.get("LOG"):
                break
            await _pause()
        assert channel.variables.get("LOG") == "t"

    async def test_digits_that_lead_nowhere_are_invalid(self, dut: DialplanUnderTest) -> None:
        dut.load(
            "exten => 5,1,Incomplete()\nexten => i,1,Set(LOG=${INVALID_EXTEN})\n"
            "same => n,WaitDigit()"
        )
        channel = await dut.call("5")
        channel.on_dtmf("9", 100)
        await settle()
        assert channel.variables.get("LOG") == "59"


async def test_proceeding_goes_on(dut: DialplanUnderTest) -> None:
    channel = await dut.run("Proceeding()\nSet(AFTER=1)\nWaitDigit()")
    assert (channel.variables.get("AFTER"), channel.state) == ("1", "Ring")


@pytest.mark.parametrize(
    ("arguments", "digits", "status", "result"),
    [("", "5", "DTMF", "5"), (",12", "52", "DTMF", "2"), ("-1", "", "ERROR", None),
     ("0.001", "", "TIMEOUT", None)],
)  # fmt: skip
async def test_waitdigit_says_how_it_ended(
    dut: DialplanUnderTest, arguments: str, digits: str, status: str, result: str | None
) -> None:
    channel = await dut.run(f"WaitDigit({arguments})\nWaitForRing(60)")
    for digit in digits:
        channel.on_dtmf(digit, 100)
        await settle()
    for _ in range(100):
        if channel.variables.get("WAITDIGITSTATUS"):
            break
        await _pause()
    assert channel.variables.get("WAITDIGITSTATUS") == status
    assert channel.variables.get("WAITDIGITRESULT") == result


async def test_waitdigit_is_cancelled_by_a_hangup(dut: DialplanUnderTest) -> None:
    channel = await dut.run("WaitDigit()")
    channel.hangup()
    await settle()
    assert channel.variables.get("WAITDIGITSTATUS") == "CANCEL"
