"""SPEECH commands with a small engine."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from server.base.errors import InvalidArgument
from server.media.streams import Stream
from server.resources.speech import SpeechResult, SpeechState
from tests.support.agi import AgiUnderTest
from tests.support.node import settle


class Engine:
    """An engine that recognises what the test says; it is its own only recognizer."""

    name = "tiny"

    def __init__(self) -> None:
        self.results: list[SpeechResult] = []
        self.said: list[tuple[str, ...]] = []
        self.on_state: Callable[[SpeechState], None] = lambda _state: None
        self.is_closed = False

    def create(self) -> Engine:
        return self

    def load_grammar(self, name: str, path: str) -> None:
        if not path:
            raise InvalidArgument("path", "a grammar is a file")
        self.said.append(("load", name, path))

    def unload_grammar(self, name: str) -> None:
        self.said.append(("unload", name))

    def activate_grammar(self, name: str) -> None:
        self.said.append(("activate", name))

    def deactivate_grammar(self, name: str) -> None:
        self.said.append(("deactivate", name))

    def change_setting(self, name: str, value: str) -> None:
        self.said.append(("set", name, value))

    def get_setting(self, name: str) -> str:
        return ""

    def set_results_type(self, kind: str) -> None: ...

    def start(self, stream: Stream, on_state: Callable[[SpeechState], None]) -> None:
        self.on_state = on_state

    def stop(self) -> None: ...

    def close(self) -> None:
        self.is_closed = True


@pytest.fixture
async def engine(agi: AgiUnderTest) -> Engine:
    made = Engine()
    agi.under.node.speech.add(made)
    await agi.begin()
    assert await agi.say("SPEECH CREATE tiny") == "200 result=1"
    return made


async def test_grammars_and_settings_reach_the_engine(agi: AgiUnderTest, engine: Engine) -> None:
    assert await agi.say("SPEECH CREATE tiny") == "200 result=0"
    for command in ("LOAD GRAMMAR a /b", "ACTIVATE GRAMMAR a", "DEACTIVATE GRAMMAR a",
                    "UNLOAD GRAMMAR a", "SET x y"):  # fmt: skip
        assert await agi.say(f"SPEECH {command}") == "200 result=1"
    assert await agi.say('SPEECH LOAD GRAMMAR a ""') == "200 result=0"
    assert engine.said == [
        ("load", "a", "/b"), ("activate", "a"), ("deactivate", "a"), ("unload", "a"),
        ("set", "x", "y"),
    ]  # fmt: skip
    assert await agi.say("SPEECH DESTROY") == "200 result=1"
    assert engine.is_closed
    assert await agi.say("SPEECH DESTROY") == "200 result=0"


async def test_what_was_said_is_told_with_its_score(agi: AgiUnderTest, engine: Engine) -> None:
    await agi.script.begin("SPEECH RECOGNIZE hello 60000")
    engine.on_state(SpeechState.SPOKEN)
    await settle()
    engine.results = [SpeechResult("yes", 900, "answers"), SpeechResult("jes", 100, "answers", 1)]
    engine.on_state(SpeechState.DONE)
    await settle()
    assert agi.script.replies[-1] == (
        '200 result=1 (speech) endpos=0 results=2 score0=900 text0="yes" grammar0=answers '
        'score1=100 text1="jes" grammar1=answers'
    )


async def test_a_key_ends_it(agi: AgiUnderTest, engine: Engine) -> None:
    await agi.script.begin("SPEECH RECOGNIZE hello 60000")
    await agi.press("5")
    assert agi.script.replies[-1].startswith("200 result=1 (digit) digit=5 endpos=")


async def test_the_time_runs_from_the_end_of_the_prompt(agi: AgiUnderTest, engine: Engine) -> None:
    await agi.script.begin("SPEECH RECOGNIZE hello 1")
    await asyncio.sleep(0.01)
    assert len(agi.script.replies) == 1
    await agi.finish("finished", 1000)
    for _ in range(100):
        await asyncio.sleep(0.001)
    assert agi.script.replies[-1] == "200 result=1 (timeout) endpos=8000"


async def test_a_hangup_ends_it_and_the_engine(agi: AgiUnderTest, engine: Engine) -> None:
    await agi.script.begin("SPEECH RECOGNIZE hello 60000")
    agi.leg(agi.channel).far_end_hangs_up()
    await settle()
    assert agi.script.replies[-1].startswith("200 result=1 (hangup) endpos=")
    assert engine.is_closed


async def test_nothing_understood_and_a_missing_prompt(agi: AgiUnderTest, engine: Engine) -> None:
    assert await agi.say("SPEECH RECOGNIZE missing 1000") == "200 result=0 endpos=0"
    await agi.script.begin("SPEECH RECOGNIZE hello 60000")
    engine.on_state(SpeechState.DONE)
    await settle()
    assert agi.script.replies[-1].startswith("200 result=0 endpos=")
