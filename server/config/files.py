"""Writing configuration files, so that a reader sees the old one or the new one whole."""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Mapping
from pathlib import Path

NEW_FILE_MODE = 0o640  # it may hold passwords


def create_file(path: str) -> None:
    """Make an empty file.

    :raises OSError: it exists, or can't be made.
    """
    os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC, NEW_FILE_MODE))


def replace_files(texts: Mapping[str, str]) -> None:
    """Write files by path; all are written beside their places before any is replaced.

    :raises OSError: one can't be written; none has been replaced, unless the last step failed.
    """
    written: dict[str, str] = {}
    try:
        for path, text in texts.items():
            written[path] = _write_beside(Path(path), text)
        for path in list(written):
            os.replace(written[path], path)  # noqa: PTH105
            del written[path]
    finally:
        for leftover in written.values():
            with contextlib.suppress(OSError):
                os.unlink(leftover)  # noqa: PTH108


def _write_beside(path: Path, text: str) -> str:
    """Write a file of the same owner and mode; return its name."""
    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(text.encode("utf-8", "surrogateescape"))
            file.flush()
            os.fsync(file.fileno())
        _take_after(path, name)
    except BaseException:
        os.unlink(name)  # noqa: PTH108
        raise
    return name


def _take_after(path: Path, name: str) -> None:
    try:
        former = path.stat()
    except FileNotFoundError:
        os.chmod(name, NEW_FILE_MODE)  # noqa: PTH101
        return
    os.chmod(name, former.st_mode & 0o7777)  # noqa: PTH101
    with contextlib.suppress(PermissionError):  # only root may give files away
        os.chown(name, former.st_uid, former.st_gid)
