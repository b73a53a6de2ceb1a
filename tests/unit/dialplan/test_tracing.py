"""Following a call that is never made."""

from __future__ import annotations

from server.config.ini import parse_text
from server.dialplan.loader import compile_plan
from server.dialplan.registry import Function, Registry
from server.dialplan.tracing import MAX_STEPS, trace
from server.tech.base import Party
from tests.support.node import FixedClock


async def follow(
    source: str,
    exten: str = "s",
    *,
    registry: Registry | None = None,
    caller: str = "100",
    **variables: str,
) -> list[str]:
    output: list[str] = []
    await trace(
        compile_plan(parse_text(source, path="e.conf")),
        "c",
        exten,
        registry=registry or Registry.standard(),
        clock=FixedClock(),
        report=output.append,
        caller=Party("", caller),
        variables=variables,
    )
    return [" ".join(line.split()) for line in output]


async def test_flow_runs_and_everything_else_is_only_named() -> None:
    assert await follow(
        """
[c]
exten => s,1,Set(X=$[${N} * 2])
 same => n,GotoIf($[${X} > 5]?big)
 same => n,Playback(small)
 same => n(big),Gosub(sub,s,1(${X}))
 same => n,Dial(PJSIP/${GOSUB_RETVAL},${CALLERID(num)})
 same => n,ExecIf(1?Playback(bye):Playback(no))
[sub]
exten => s,1,Return(phone${ARG1})
""",
        N="4",
    ) == [
        "s@c 1. Set(X=8) [e.conf:3]",
        "s@c 2. GotoIf(1?big) [e.conf:4]",
        "s@c 4. Gosub(sub,s,1(8)) [e.conf:6]",
        "s@sub 1. Return(phone8) [e.conf:10]",
        "» s@c 5. Dial(PJSIP/phone8,100) [e.conf:7]",
        "s@c 6. ExecIf(1?Playback(bye):Playback(no)) [e.conf:8]",
        "would run Playback(bye)",
        "no priority 7 in s@c: the call ends (autofallthrough)",
    ]


async def test_functions_that_touch_anything_are_not_called() -> None:
    called: list[str] = []
    registry = Registry.standard()
    registry.add_function(
        Function("TOUCH", lambda s, d: called.append(d), lambda s, d, v: called.append(v))  # type: ignore[arg-type, return-value]
    )
    output = await follow(
        "[c]\nexten => s,1,Set(TOUCH(a)=b)\n same => n,NoOp(${TOUCH(c)}-${TOUCH(d)})\n",
        registry=registry,
        **{"TOUCH(d)": "given"},
    )
    assert called == []
    assert "? TOUCH(a) is not written" in output
    assert "s@c 2. NoOp(-given) [e.conf:3]" in output


async def test_where_a_call_would_not_get_further_is_said() -> None:
    assert await follow("[c]\nexten => 1,1,NoOp()\n", "2") == ["there is no extension s@default"]
    assert (await follow("[c]\nexten => s,1,Nonsense()\n"))[1:] == [
        "! no application 'Nonsense'; the call ends",
        "the call ends",
    ]
    assert (await follow("[c]\nexten => s,1,Hangup()\n"))[-1] == "the call ends"


async def test_an_endless_loop_ends() -> None:
    output = await follow("[c]\nexten => s,1,Goto(1)\n")
    assert len(output) == MAX_STEPS + 2


async def test_a_loopback_is_followed() -> None:
    output = await follow("[c]\nlswitch => Loopback/x@d\n[d]\nexten => x,1,Answer()\n", "7")
    assert output[0] == "» x@d 1. Answer() [e.conf:4]"
