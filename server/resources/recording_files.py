"""Recording names and files. A name from outside never leaves the recording directory."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from server.base.errors import InvalidArgument

FORMATS = ("wav", "sln16", "sln", "ulaw", "alaw", "gsm")  # what the player reads, best first
RECORD_FORMATS = frozenset({"wav", "ulaw", "alaw", "sln"})
MAX_NAME_LENGTH = 240
# bytes of a piece that can't be divided, and its length in ms
_PIECES = {"ulaw": (8, 1), "alaw": (8, 1), "sln": (16, 1), "sln16": (32, 1), "gsm": (33, 20)}
_MAX_CHUNKS = 16  # of a WAV file before its audio


def check_name(name: str, field: str = "name") -> str:
    """Return *name* if it is a relative path below the recording directory.

    :raises InvalidArgument: it is empty, too long, absolute, or climbs out.
    """
    parts = name.split("/")
    is_bad = (
        not name
        or len(name) > MAX_NAME_LENGTH
        or any(part in ("", ".", "..") for part in parts)
        or any(ord(letter) < 32 or letter == "\\" for letter in name)
    )
    if is_bad:
        raise InvalidArgument(field, "not a name for a recording")
    return name


def recording_path(directory: Path, name: str, file_format: str) -> Path:
    """Return where a recording of this name and format is, or will be.

    :raises InvalidArgument: the name would leave *directory*, by itself or by a link.
    """
    path = directory / f"{check_name(name)}.{file_format}"
    if not path.resolve().is_relative_to(directory.resolve()):
        raise InvalidArgument("name", "not a name for a recording")
    return path


def find_recording(directory: Path, name: str) -> Path | None:
    """Return the file of a stored recording in the best format there is, else ``None``."""
    for file_format in FORMATS:
        try:
            path = recording_path(directory, name, file_format)
        except InvalidArgument:
            return None
        if path.is_file():
            return path
    return None


def list_recordings(directory: Path) -> Iterator[tuple[str, str]]:
    """Yield name and format of every stored recording, sorted by path. Reads the disk."""
    for path in sorted(directory.rglob("*")):
        file_format = path.suffix[1:]
        if file_format in FORMATS and path.is_file():
            yield str(path.relative_to(directory).with_suffix("")), file_format


def cut_end(path: Path, file_format: str, cut_ms: int) -> None:
    """Take the last *cut_ms* off a recording that is complete. Waits for the disk.

    :raises OSError: it can't be changed.
    """
    with path.open("r+b") as file:
        if file_format == "wav":
            _cut_wav(file, cut_ms)
        elif file_format in _PIECES:
            size, length_ms = _PIECES[file_format]
            file.truncate(max(0, file.seek(0, 2) - cut_ms // length_ms * size))


def _cut_wav(file: BinaryIO, cut_ms: int) -> None:
    """Shorten the audio, and correct the two sizes in the header."""
    bytes_a_second, end = 0, file.seek(0, 2)
    at = 12  # behind "RIFF", its size, and "WAVE"
    for _ in range(_MAX_CHUNKS):
        file.seek(at)
        head = file.read(8)
        if len(head) < 8:
            return
        name, size = struct.unpack("<4sI", head)
        if name == b"fmt ":
            (bytes_a_second,) = struct.unpack("<8xI", file.read(12))
        elif name == b"data":
            kept = max(0, end - at - 8 - cut_ms * bytes_a_second // 1000) & ~1
            file.truncate(at + 8 + kept)
            file.seek(at + 4)
            file.write(struct.pack("<I", kept))
            file.seek(4)
            file.write(struct.pack("<I", at + kept))
            return
        at += 8 + size
