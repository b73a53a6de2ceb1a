"""Recording names and files. A name from outside never leaves the recording directory."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from server.base.errors import InvalidArgument

FORMATS = ("wav", "sln16", "sln", "ulaw", "alaw", "gsm")  # what the player reads, best first
RECORD_FORMATS = frozenset({"wav", "ulaw", "alaw", "sln"})
MAX_NAME_LENGTH = 240


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
