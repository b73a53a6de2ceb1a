"""Whatever an action is given, it is answered in order, in well-formed lines, without a fault."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.support.ami import AmiUnderTest, Client, parse
from tests.support.calls import until

ACTIONS = json.loads((Path(__file__).parents[2] / "data/ami/actions.json").read_text())
NAMES = sorted(name for name in ACTIONS if name not in ("Login", "Logoff", "WaitEvent"))
VALUES = [
    "",
    "x",
    "x" * 8000,
    "-1",
    "99999999999999999999",
    "../../../../etc/passwd",
    "/(/",
    "/^.*$/",
    "${SHELL(id)}",
    'a=b,c=(d,"e',
    "\u2028\u00e9\U0001f600",
    "PJSIP/alice",
    "Local/s@default",
    "yes",
]


@pytest.mark.parametrize("name", NAMES)
async def test_hostile_values_are_answered(ami: AmiUnderTest, client: Client, name: str) -> None:
    ami.load("exten => s,1,Wait(60)")
    channel = await ami.call()
    params = [each for each in ACTIONS[name]["params"] if each != "ActionID"]
    for number, value in enumerate([*VALUES, channel.name]):
        headers = [(param, value) for param in params]
        if "Channel" in params and number % 2:
            headers = [(p, channel.name if p == "Channel" else value) for p in params]
        await client.ask(name, *headers, ActionID=str(number))
        await until(lambda: client.text.endswith("\r\n\r\n") and "Response: " in client.text)
        blocks = parse(client.text)
        assert "Internal error" not in client.text, (name, value)
        assert blocks, (name, value)
        assert all("Response" in block or "Event" in block for block in blocks), client.text
        assert client.text.endswith("\r\n\r\n")
