"""Every function with texts that nobody meant: an error of ours at most, never another."""

from __future__ import annotations

import random
from collections.abc import Awaitable
from typing import cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.base import suspension
from server.base.errors import ServerError
from server.dialplan.functions import fields, times
from server.dialplan.scope import Scope
from tests.support.dialplan import DialplanUnderTest

# they would ask the network, run programs, change the process, or wait for others
NOT_HERE = {"CURL", "ENUMLOOKUP", "ENUMQUERY", "ENV", "EVAL_SUB", "FILE", "LOCK", "SHELL",
            "SRVQUERY", "TXTCIDNAME"}  # fmt: skip
PIECES = [
    *"0123456789abcxyzABC", ",", ",", "-", "&", ":", "?", "(", ")", "[", "]", "{", "}", "$", "%",
    '"', "'", "\\", "/", "@", "=", "<", ">", "|", ".", "*", "#", "+", "!", "~", " ", "\n", "\0",
    "\u00fc", "\U0001f600", "99999999999999999999", "-1", "1e400", "%s", "%d", "all", "name",
    "UTC", "num", "set", "CHANNEL", "X", "s,1", "default,s,1",
]  # fmt: skip
ROUNDS = 200


class Memory(Scope):
    """Variables without a channel."""

    def __init__(self) -> None:
        self.values: dict[str, str] = {}

    def get(self, name: str) -> str | None:
        return self.values.get(name)

    def set(self, name: str, value: str) -> None:
        self.values[name] = value


def texts(seed: str) -> list[str]:
    chance = random.Random(seed)
    return ["".join(chance.choices(PIECES, k=chance.randrange(9))) for _ in range(ROUNDS)]


async def test_no_text_breaks_a_function(dut: DialplanUnderTest) -> None:
    channel = await dut.run("WaitDigit()")
    scope = Scope(dut.dialplan, channel)
    for name, function in sorted(dut.dialplan.registry.functions.items()):
        if name in NOT_HERE:
            continue
        for text in texts(name):
            scope.set("X", text)
            try:
                if function.read is not None:
                    result = await suspension.call(scope.evaluate_function, name, text)
                    assert result is None or isinstance(result, str), name
                if function.write is not None:
                    await suspension.call(scope.write_function, name, text, text[::-1])
            except ServerError:
                continue
            except Exception as error:
                pytest.fail(f"{name}({text!r}) raised {error!r}")


@given(st.lists(st.text(alphabet="ab -", min_size=1), min_size=1))
def test_what_is_shifted_off_a_list_is_its_fields_in_order(values: list[str]) -> None:
    scope = Memory()
    for value in values:
        cast(Awaitable[None] | None, fields.push(scope, "X", value))
    taken = [fields.shift(scope, "X") for _ in values]
    assert taken == values
    assert scope.values["X"] == ""


@given(st.integers(0, 2_000_000_000), st.sampled_from(["UTC", "America/Chicago", "Asia/Kolkata"]))
def test_a_time_that_is_printed_is_parsed_again(epoch: int, zone: str) -> None:
    printed = times.format_time(Memory(), f"{epoch},{zone},%Y-%m-%d %H:%M:%S %z")
    assert times.parse_time(Memory(), f"{printed},,%Y-%m-%d %H:%M:%S %z") == str(epoch)
