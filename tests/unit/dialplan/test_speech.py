"""Speech recognition: what there is without an engine, and with a small one."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from server.base.errors import Conflict, InvalidArgument
from server.media.streams import Stream
from server.resources.channel import Channel
from server.resources.speech import SpeechEngines, SpeechResult, SpeechState
from tests.support.dialplan import DialplanUnderTest
from tests.support.node import settle


class TinyRecognizer:
    """Recognises what the test says."""

    def __init__(self) -> None:
        self.results: list[SpeechResult] = []
        self.said: list[tuple[str, ...]] = []
        self.settings = {"language": "en"}
        self.on_state: Callable[[SpeechState], None] | None = None
        self.is_closed = False

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
        self.settings[name] = value

    def get_setting(self, name: str) -> str:
        return self.settings[name]

    def set_results_type(self, kind: str) -> None:
        self.said.append(("results", kind))

    def start(self, stream: Stream, on_state: Callable[[SpeechState], None]) -> None:
        assert not stream.is_closed
        self.on_state = on_state

    def stop(self) -> None:
        self.said.append(("stop",))

    def close(self) -> None:
        self.is_closed = True

    async def hear(self, *results: SpeechResult) -> None:
        assert self.on_state is not None
        self.on_state(SpeechState.SPOKEN)
        await settle()
        self.results = list(results)
        self.on_state(SpeechState.DONE)
        await settle()


class TinyEngine:
    name = "tiny"

    def __init__(self) -> None:
        self.made: list[TinyRecognizer] = []

    def create(self) -> TinyRecognizer:
        self.made.append(TinyRecognizer())
        return self.made[-1]


@pytest.fixture
def engine(dut: DialplanUnderTest) -> TinyEngine:
    made = TinyEngine()
    dut.under.node.speech.add(made)
    return made


async def test_without_an_engine_creating_sets_error(dut: DialplanUnderTest) -> None:
    channel = await dut.run("SpeechCreate(lumenvox)\nSet(A=${ERROR}-${SPEECH(status)})")
    assert channel.variables.get("A") == "1-0"


@pytest.mark.parametrize(
    "step",
    ["SpeechStart()", "SpeechBackground(menu)", "SpeechDestroy()", "SpeechLoadGrammar(a,b)",
     "SpeechUnloadGrammar(a)", "SpeechActivateGrammar(a)", "SpeechDeactivateGrammar(a)",
     "SpeechProcessingSound(beep)"],
)  # fmt: skip
async def test_without_a_recognizer_the_others_end_the_call(
    dut: DialplanUnderTest, step: str
) -> None:
    channel = await dut.run(f"{step}\nSet(A=1)")
    assert channel.is_hungup
    assert channel.variables.get("A") is None


async def test_prompts_fall_silent_when_the_caller_speaks(
    dut: DialplanUnderTest, engine: TinyEngine
) -> None:
    channel = await dut.run(
        "SpeechCreate(tiny)\nSpeechProcessingSound(beep)\nSpeechBackground(menu,5)\n"
        "Set(A=${SPEECH(results)}-${SPEECH(spoke)}-${SPEECH_TEXT(0)}-${SPEECH_SCORE(0)})\n"
        "Set(B=${SPEECH_GRAMMAR(1/0)}-${SPEECH_TEXT(7)})\nWaitDigit()"
    )
    prompt = dut.under.engine.players[-1]
    await engine.made[0].hear(
        SpeechResult("yes", 900, "answers"), SpeechResult("yet", 300, "others", 1)
    )
    assert channel.variables.get("A") == "2-1-yes-900"
    assert channel.variables.get("B") == "others-"
    assert not prompt.is_running
    assert len(dut.under.engine.players) == 2
    assert not dut.under.engine.players[-1].is_running


async def test_keys_stand_in_for_speech(dut: DialplanUnderTest, engine: TinyEngine) -> None:
    channel = await dut.run(
        "Set(SPEECH_DTMF_MAXLEN=2)\nSpeechCreate()\nSpeechBackground(menu)\n"
        "Set(A=${SPEECH_TEXT(0)}/${SPEECH_SCORE(0)})\nWaitDigit()"
    )
    for digit in "12":
        channel.on_dtmf(digit, 100)
        await settle()
    assert channel.variables.get("A") == "12/1000"


async def test_nothing_said_ends_at_the_timeout(dut: DialplanUnderTest, engine: TinyEngine) -> None:
    channel = await dut.run(
        "SpeechCreate(tiny)\nSpeechBackground(menu,0.003)\nSet(A=${SPEECH(spoke)})\nWaitDigit()"
    )
    dut.under.engine.players[-1].finish()
    await asyncio.sleep(0.01)
    await settle()
    assert channel.variables.get("A") == "0"
    assert ("stop",) in engine.made[0].said


async def test_grammars_and_settings_reach_the_engine(
    dut: DialplanUnderTest, engine: TinyEngine
) -> None:
    channel = await dut.run(
        "SpeechCreate(tiny)\nSpeechLoadGrammar(g,/etc/g)\nSpeechActivateGrammar(g)\n"
        "SpeechDeactivateGrammar(g)\nSpeechUnloadGrammar(g)\nSet(SPEECH_ENGINE(language)=de)\n"
        "Set(SPEECH_RESULTS_TYPE()=NBest)\nSet(A=${SPEECH_ENGINE(language)})\nWaitDigit()"
    )
    assert channel.variables.get("A") == "de"
    assert engine.made[0].said == [
        ("load", "g", "/etc/g"), ("activate", "g"), ("deactivate", "g"), ("unload", "g"),
        ("results", "nbest"),
    ]  # fmt: skip


async def test_what_the_engine_refuses_ends_the_call(
    dut: DialplanUnderTest, engine: TinyEngine
) -> None:
    channel = await dut.run("SpeechCreate(tiny)\nSpeechLoadGrammar(g)\nSet(A=1)")
    assert channel.is_hungup


@pytest.mark.parametrize("end", ["SpeechDestroy()\nWaitDigit()", "SpeechCreate(tiny)\nWaitDigit()",
                                 "Hangup()"])  # fmt: skip
async def test_a_recognizer_is_closed(dut: DialplanUnderTest, engine: TinyEngine, end: str) -> None:
    await dut.run(f"SpeechCreate(tiny)\n{end}")
    assert engine.made[0].is_closed


async def _hang_up(dut: DialplanUnderTest, channel: Channel) -> None:
    dut.leg(channel).far_end_hangs_up()
    await settle()


async def test_hanging_up_while_listening_closes_it(
    dut: DialplanUnderTest, engine: TinyEngine
) -> None:
    channel = await dut.run("SpeechCreate(tiny)\nSpeechBackground(menu)")
    await _hang_up(dut, channel)
    assert engine.made[0].is_closed


def test_a_name_is_taken_once() -> None:
    engines = SpeechEngines()
    engines.add(TinyEngine())
    with pytest.raises(Conflict):
        engines.add(TinyEngine())
