"""Texts in the dialplan: MESSAGE(), MESSAGE_DATA() and MessageSend()."""

from __future__ import annotations

from dataclasses import replace

import pytest

from server.base.errors import InvalidArgument
from server.tech.base import TextMessage
from tests.support.dialplan import DialplanUnderTest
from tests.support.node import settle

TEXT = TextMessage(
    technology="PJSIP",
    endpoint="alice",
    context="texts",
    exten="100",
    sender="<sip:alice@127.0.0.1>",
    recipient="pjsip:100@127.0.0.1",
    body="hello",
    variables={"X-Mood": "urgent"},
)
RELAY = """
[texts]
exten => 100,1,Set(MESSAGE(body)=${MESSAGE(body)}, ${MESSAGE_DATA(X-Mood)}${MESSAGE_DATA(X-None)})
 same => n,Set(MESSAGE_DATA(X-To)=${MESSAGE(to)})
 same => n,MessageSend(pjsip:bob,${MESSAGE(from)})
 same => n,Set(GLOBAL(SENT)=${MESSAGE_SEND_STATUS})
 same => n,Stasis(watcher)
 same => n,Set(GLOBAL(STASIS)=${STASISSTATUS})
"""


async def test_a_text_is_relayed_and_nobody_sees_a_channel(dut: DialplanUnderTest) -> None:
    watcher = dut.under.connect("watcher", subscribe_all=True)
    dut.load(RELAY)
    assert dut.under.messages.on_message(TEXT)
    await settle()
    assert dut.under.phones.sent == [
        ("message", "bob", "<sip:alice@127.0.0.1>", "hello, urgent", {"X-To": TEXT.recipient})
    ]
    assert dut.dialplan.globals["SENT"] == "SUCCESS"
    assert dut.dialplan.globals["STASIS"] == "FAILED"
    assert watcher.types == ["TextMessageReceived"]
    assert dut.under.registry.total == 0
    assert dut.under.engine.counters()["streams_live"] == 0


async def test_a_text_without_an_extension_is_not_taken(dut: DialplanUnderTest) -> None:
    dut.load(RELAY)
    assert not dut.under.messages.on_message(replace(TEXT, exten="200"))


async def test_only_so_many_texts_are_in_the_dialplan_at_a_time(dut: DialplanUnderTest) -> None:
    dut.load("[texts]\nexten => 100,1,Wait(0.05)\n")
    taken = [dut.under.messages.on_message(TEXT) for _ in range(101)]
    assert taken == [True] * 100 + [False]
    while dut.under.messages._running:
        await settle()
    assert dut.under.messages.on_message(TEXT)
    while dut.under.messages._running:
        await settle()


@pytest.mark.parametrize(
    ("destination", "status"),
    [
        ("pjsip:bob", "SUCCESS"),
        ("pjsip:nobody", "INVALID_URI"),
        ("xmpp:bob", "INVALID_PROTOCOL"),
        ("local:100", "INVALID_PROTOCOL"),
        ("bob", "INVALID_PROTOCOL"),
        ("", "INVALID_PROTOCOL"),
    ],
)
async def test_how_sending_went_is_told(
    dut: DialplanUnderTest, destination: str, status: str
) -> None:
    channel = await dut.run(f"Set(MESSAGE(body)=hi)\nMessageSend({destination})\nWaitDigit()")
    assert channel.variables.get("MESSAGE_SEND_STATUS") == status
    channel.hangup()


async def test_a_text_has_three_fields(dut: DialplanUnderTest) -> None:
    channel = await dut.run("WaitDigit()")
    assert dut.dialplan.read(channel, "MESSAGE(body)") == ""
    with pytest.raises(InvalidArgument):
        dut.dialplan.read(channel, "MESSAGE(colour)")
    channel.hangup()
