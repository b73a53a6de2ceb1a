"""What is done with files of recordings."""

from __future__ import annotations

import wave
from pathlib import Path

import pytest

from server.resources.recording_files import cut_end


@pytest.mark.parametrize(
    ("file_format", "size", "left"),
    [("ulaw", 16_000, 12_000), ("sln", 16_000, 8_000), ("sln16", 16_000, 0), ("gsm", 3_300, 2_475),
     ("alaw", 100, 0)],
)  # fmt: skip
def test_the_end_is_cut_off_in_whole_pieces(
    tmp_path: Path, file_format: str, size: int, left: int
) -> None:
    path = tmp_path / f"memo.{file_format}"
    path.write_bytes(bytes(size))
    cut_end(path, file_format, 500)
    assert path.stat().st_size == left


@pytest.mark.parametrize(("cut_ms", "frames"), [(0, 8_000), (250, 6_000), (5_000, 0)])
def test_a_wav_file_is_as_long_as_its_header_says_afterwards(
    tmp_path: Path, cut_ms: int, frames: int
) -> None:
    path = tmp_path / "memo.wav"
    with wave.open(str(path), "wb") as writer:
        writer.setnchannels(1)
        writer.setsampwidth(2)
        writer.setframerate(8_000)
        writer.writeframes(b"\1\0" * 8_000)
    cut_end(path, "wav", cut_ms)
    assert path.stat().st_size == 44 + frames * 2
    with wave.open(str(path), "rb") as reader:
        assert reader.readframes(10_000) == b"\1\0" * frames


@pytest.mark.parametrize("data", [b"", b"RIFF", b"RIFF\0\0\0\0WAVE" + b"junk\0\0\0\0" * 40])
def test_what_is_no_wav_file_stays_as_it_is(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "memo.wav"
    path.write_bytes(data)
    cut_end(path, "wav", 500)
    assert path.read_bytes() == data
