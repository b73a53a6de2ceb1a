"""The extension agrees with its stub and with the .def files; handles; many idle streams."""

import asyncio
import re
from pathlib import Path

import pytest

from server.base.errors import InvalidArgument
from server.media import _media
from server.media.codecs import CODECS
from server.media.engine import EngineSettings, MediaEngine
from server.media.streams import SilenceSource
from tests.media.conftest import leaks
from tests.media.rtp_phone import until
from tests.support.fake_engine import COMMANDS, FakeEngine

CORE = Path(_media.__file__).parent / "core"
STUB = Path(_media.__file__).parent / "_media.pyi"


def names_of(file: str, macro: str) -> list[str]:
    return re.findall(rf"^{macro}\((\w+),", (CORE / file).read_text(), re.MULTILINE)


def test_constants_number_the_def_files_and_are_in_the_stub():
    commands, events = names_of("cmd.def", "MP_CMD"), names_of("event.def", "MP_EVENT")
    assert [getattr(_media, name) for name in commands] == list(range(len(commands)))
    assert [getattr(_media, f"EVENT_{name}") for name in events] == list(range(len(events)))
    stub = re.findall(r"^(\w+): int$", STUB.read_text(), re.MULTILINE)
    assert stub == commands + [f"EVENT_{name}" for name in events]
    assert sorted(COMMANDS.values()) == sorted(commands)


def test_every_event_has_a_handler():
    engine = FakeEngine()
    assert sorted(engine._handlers) == list(range(len(names_of("event.def", "MP_EVENT"))))


def test_codec_numbers_are_those_of_the_core():
    text = (CORE / "codec.h").read_text()
    order = re.findall(r"^\tMP_CODEC_(\w+),", text, re.MULTILINE)
    assert [order[codec.number].lower() for codec in CODECS.values()] == list(CODECS)


def test_malformed_commands_are_type_errors():
    engine = _media.Engine(10000, 10100, 1, 1, 4, 150, 5000, 1, 0)
    for command in [(), (0,), (999, 0, 0), (_media.STREAM_MUTE, 0, 1), ("x", 0, 0), 5]:
        with pytest.raises(TypeError):
            engine.submit([command])  # type: ignore[list-item]
    assert engine.submit([(_media.STREAM_OPEN, 0, 12345)]) == (1, [(0, 116)])  # ESTALE
    engine.close()
    with pytest.raises(RuntimeError):
        engine.counters()


async def test_commands_to_what_is_gone_settle_their_futures(engine):
    stream = engine.open_null()
    handle = stream.handle
    stream.close()
    await until(lambda: engine.counters()["streams_live"] == 0)
    future = engine.request(_media.STREAM_SEND_DTMF, handle, "1", 0, 0, 100, 0)
    with pytest.raises(Exception, match="tale"):
        await asyncio.wait_for(future, 2)


async def test_two_thousand_idle_streams(make_phone):
    engine = MediaEngine(EngineSettings(rtp_start=40000, rtp_end=49999, workers=1))
    await engine.start()
    phone = make_phone()
    streams = [engine.open_rtp("127.0.0.1") for _ in range(2000)]
    for stream in streams:
        phone.connect(stream)
    assert (await streams[-1].play([SilenceSource(40)]).done).reason == "finished"
    for stream in streams:
        stream.close()
    await until(lambda: not leaks(engine))
    await engine.close()


@pytest.mark.parametrize("kind", ["real", "fake"])
async def test_what_both_engines_promise(kind, tmp_path):
    settings = EngineSettings(rtp_start=33000, rtp_end=33099, workers=1)
    engine = FakeEngine(settings) if kind == "fake" else MediaEngine(settings)
    await engine.start()
    stream, bridge = engine.open_rtp("127.0.0.1"), engine.create_bridge()
    bridge.add(stream)
    assert bridge.members == [stream]
    player = stream.play([SilenceSource(60000)])
    recorder = stream.record(str(tmp_path / "x.wav"), "wav")
    await recorder.opened
    player.stop()
    assert (await player.done).reason == "stopped"
    stream.close()
    assert (await recorder.done).reason == "stream_closed"
    assert bridge.members == []
    bridge.close()
    await until(lambda: not leaks(engine))
    await engine.close()


async def test_a_text_with_nul_is_refused_and_later_commands_are_carried_out(engine: MediaEngine):
    bridge = engine.create_bridge()
    with pytest.raises(InvalidArgument):
        bridge.set_music("a\0b")
    await engine.request(_media.BRIDGE_HOLDING, bridge.handle, 1)
    bridge.close()
