"""Outgoing calls: originate, create and dial, Dial events, Local channels."""

from __future__ import annotations

import pytest

from server.base.errors import Conflict, InvalidArgument, NotFound, Unavailable
from server.resources.dialing import DialAttempt
from server.resources.originate import follow, parse_caller_id
from server.resources.stasis_calls import split_args
from server.tech.base import Party
from tests.support.node import NodeUnderTest, settle


async def test_originate_to_an_app_follows_the_call_from_its_making(node: NodeUnderTest) -> None:
    app = node.connect()
    node.channels.originate(
        endpoint="PJSIP/bob", app="test", app_args="x", caller_id='"Me" <1>', channel_id="out"
    )
    await settle()
    leg = node.phones.legs[0]
    assert leg.said[0][:2] == ("dial", Party("Me", "1"))
    assert leg.listener is not None
    leg.listener.on_ringing()
    leg.listener.on_answered()
    await settle()
    assert app.types == [
        "ChannelDialplan", "Dial", "ChannelStateChange", "Dial", "ChannelStateChange", "Dial",
        "ChannelDialplan", "StasisStart",
    ]  # fmt: skip
    named = [(e["dialplan_app"], e["dialplan_app_data"]) for e in app.of("ChannelDialplan")]
    assert named == [("AppDial2", "(Outgoing Line)"), ("Stasis", "test,x")]
    assert [e["dialstatus"] for e in app.of("Dial")] == ["", "RINGING", "ANSWER"]
    assert app.of("StasisStart")[0]["args"] == ["x"]


async def test_originate_to_an_extension_runs_the_dialplan(node: NodeUnderTest) -> None:
    app = node.connect()
    node.channels.originate(endpoint="PJSIP/bob", extension="stasis", channel_id="out")
    await settle()
    node.phones.legs[0].listener.on_answered()  # type: ignore[union-attr]
    await settle()
    assert app.of("StasisStart")[0]["channel"]["id"] == "out"


@pytest.mark.parametrize(
    ("cause", "status"), [(17, "BUSY"), (19, "NOANSWER"), (1, "CHANUNAVAIL"), (38, "CONGESTION")]
)
async def test_refused_call_reports_status_and_cause(
    node: NodeUnderTest, cause: int, status: str
) -> None:
    app = node.connect()
    node.channels.originate(endpoint="PJSIP/bob", app="test", channel_id="out")
    await settle()
    node.phones.legs[0].far_end_hangs_up(cause, 486)
    await settle()
    assert [e["dialstatus"] for e in app.of("Dial")] == ["", status]
    destroyed = app.of("ChannelDestroyed")[0]
    assert (destroyed["cause"], destroyed["tech_cause"]) == (cause, 486)
    assert "StasisStart" not in app.types


async def test_timeout_gives_up_with_no_answer(node: NodeUnderTest) -> None:
    app = node.connect()
    node.channels.create(endpoint="PJSIP/bob", app="test", channel_id="c")
    await settle()
    attempt = DialAttempt(node.channels.find("c"), None, "bob")
    attempt.start()
    await follow(attempt, 0.01)
    await settle()
    assert [e["dialstatus"] for e in app.of("Dial")] == ["", "NOANSWER"]
    assert app.of("ChannelDestroyed")[0]["cause"] == 19


async def test_create_enters_stasis_and_dial_calls(node: NodeUnderTest) -> None:
    app = node.connect()
    caller = await node.call()
    node.channels.create(endpoint="PJSIP/bob", app="test", app_args="b", channel_id="c")
    await settle()
    assert app.of("StasisStart")[-1]["channel"]["state"] == "Down"
    node.channels.dial("c", caller=caller.id, timeout=5)
    with pytest.raises(Conflict):
        node.channels.dial("c")
    leg = node.phones.legs[-1]
    assert leg.said[0][0] == "dial"
    leg.listener.on_answered()  # type: ignore[union-attr]
    await settle()
    dials = app.of("Dial")
    assert [e["dialstatus"] for e in dials] == ["", "ANSWER"]
    assert dials[0]["caller"]["id"] == caller.id
    assert dials[0]["dialstring"] == "bob"


@pytest.mark.parametrize(
    ("options", "error"),
    [
        ({"endpoint": "PJSIP/nobody", "app": "test"}, InvalidArgument),
        ({"endpoint": "Nothing/bob", "app": "test"}, InvalidArgument),
        ({"endpoint": "bob", "app": "test"}, InvalidArgument),
        ({"endpoint": "PJSIP/bob"}, InvalidArgument),
        ({"endpoint": "PJSIP/bob", "app": "a", "extension": "1"}, InvalidArgument),
        ({"endpoint": "PJSIP/bob", "extension": "1", "label": "x"}, NotFound),
        ({"endpoint": "PJSIP/bob", "app": "a", "channel_id": "x" * 150}, InvalidArgument),
        ({"endpoint": "PJSIP/bob", "app": "a", "originator": "nobody"}, InvalidArgument),
        ({"endpoint": "Local/1@default/q", "app": "a"}, InvalidArgument),
        ({"endpoint": "Local/@default", "app": "a"}, InvalidArgument),
    ],
)
async def test_bad_originate_makes_nothing(
    node: NodeUnderTest, options: dict[str, str], error: type[Exception]
) -> None:
    node.connect()
    with pytest.raises(error):
        node.channels.originate(**options)
    assert len(node.registry) == 0


async def test_id_in_use_is_a_conflict(node: NodeUnderTest) -> None:
    node.connect()
    channel = await node.call()
    with pytest.raises(Conflict):
        node.channels.originate(endpoint="PJSIP/bob", app="test", channel_id=channel.id)


async def test_stopping_node_takes_no_calls(node: NodeUnderTest) -> None:
    node.node.is_stopping = True
    with pytest.raises(Unavailable):
        node.phones.call(node.incoming, "alice", "stasis")
    with pytest.raises(Unavailable):
        node.channels.originate(endpoint="PJSIP/bob", app="test")


async def test_variables_are_inherited_from_the_originator(node: NodeUnderTest) -> None:
    node.connect()
    caller = await node.call()
    caller.variables.set("_ONCE", "1")
    caller.variables.set("__ALWAYS", "2")
    caller.variables.set("OWN", "3")
    node.channels.originate(
        endpoint="PJSIP/bob", app="test", originator=caller.id, channel_id="out",
        variables={"X": "4"},
    )  # fmt: skip
    made = node.channels.find("out")
    assert dict(made.variables.items()) == {"ONCE": "1", "ALWAYS": "2", "X": "4"}
    assert made.variables.inheritable() == {"__ALWAYS": "2"}
    assert made.linkedid == caller.linkedid


async def test_local_channel_runs_the_dialplan_at_its_other_end(node: NodeUnderTest) -> None:
    app = node.connect()
    inside: list[str] = []

    async def extension(channel: object) -> None:
        inside.append(channel.name)  # type: ignore[attr-defined]
        channel.ring()  # type: ignore[attr-defined]
        channel.answer()  # type: ignore[attr-defined]
        await channel.wait_hangup()  # type: ignore[attr-defined]

    node.dialplan.extensions["200"] = extension
    node.channels.originate(
        endpoint="Local/200@default/n", app="test", channel_id="one", other_channel_id="two"
    )
    await settle()
    assert inside == ["Local/200@default-00000000;2"]
    assert app.of("StasisStart")[0]["channel"]["id"] == "one"
    assert [e["dialstatus"] for e in app.of("Dial")] == ["", "RINGING", "ANSWER"]
    assert "two" in node.registry
    node.channels.hangup("one")
    await settle()
    assert len(node.registry) == 0


async def test_local_channel_without_extension_is_unavailable(node: NodeUnderTest) -> None:
    app = node.connect()
    node.channels.originate(endpoint="Local/nowhere@default", app="test")
    await settle()
    assert [e["dialstatus"] for e in app.of("Dial")] == ["", "CHANUNAVAIL"]
    assert app.of("ChannelDestroyed")[0]["cause"] == 3


@pytest.mark.parametrize(
    ("text", "party"),
    [
        ('"Ann Lee" <100>', Party("Ann Lee", "100")),
        ("Ann <100>", Party("Ann", "100")),
        ("<100>", Party("", "100")),
        ("100", Party("", "100")),
        ("+4930", Party("", "+4930")),
        ("Ann", Party("Ann", "")),
        ("", Party("", "")),
    ],
)
def test_caller_id_forms(text: str, party: Party) -> None:
    assert parse_caller_id(text) == party


@pytest.mark.parametrize(
    ("text", "args"),
    [
        (None, []),
        ("", []),
        ("a", ["a"]),
        ("a,b,,c", ["a", "b", "", "c"]),
        ('"a,b",c', ["a,b", "c"]),
    ],
)
def test_app_args_are_split_at_commas(text: str | None, args: list[str]) -> None:
    assert split_args(text) == args


async def test_a_channel_with_more_shown_variables_than_allowed_is_not_made(
    node: NodeUnderTest,
) -> None:
    node.connect()
    many = {f"V{number}": {"value": "x", "report_events": True} for number in range(65)}
    with pytest.raises(Unavailable, match="at most 64"):
        node.channels.originate(endpoint="PJSIP/bob", app="test", variables=many)
    assert len(node.registry) == 0
