"""The spool directory: looking, reading, noting and taking away. Everything here may block."""

from __future__ import annotations

import contextlib
import os
import stat
from dataclasses import dataclass
from pathlib import Path

from server.callfiles.parser import (
    MAX_BYTES,
    START,
    CallFile,
    InvalidCallFile,
    note,
    parse_call_file,
    without_notes,
)

OUTGOING, DONE = "outgoing", "outgoing_done"


@dataclass(frozen=True, slots=True)
class Waiting:
    """A file that was found.

    :param due: when it is to be carried out, seconds since 1970: its modification time.
    """

    name: str
    due: float


class Spool:
    """The directories ``outgoing`` and ``outgoing_done``.

    :param directory: ``astspooldir``.
    :ivar outgoing: where call files are put.
    """

    def __init__(self, directory: Path) -> None:
        self.outgoing = directory / OUTGOING
        self._done = directory / DONE

    def prepare(self) -> None:
        """Make the directories.

        :raises OSError: it can't be done.
        """
        self.outgoing.mkdir(parents=True, exist_ok=True)
        self._done.mkdir(parents=True, exist_ok=True)

    def scan(self) -> list[Waiting]:
        """Return the files that are there, those that are due first in front."""
        found = []
        with os.scandir(self.outgoing) as entries:
            for entry in entries:
                with contextlib.suppress(OSError):
                    status = entry.stat()
                    if stat.S_ISREG(status.st_mode) and not entry.name.startswith("."):
                        found.append(Waiting(entry.name, status.st_mtime))
        return sorted(found, key=lambda waiting: waiting.due)

    def read(self, name: str) -> tuple[CallFile, float]:
        """Read a file; return its content and when it is due.

        :raises InvalidCallFile: its content is no call.
        :raises OSError: it can't be read.
        """
        path = self.outgoing / name
        with path.open("rb") as file:
            due = os.fstat(file.fileno()).st_mtime
            content = file.read(MAX_BYTES + 1)
        if len(content) > MAX_BYTES:
            raise InvalidCallFile(f"{path}: longer than {MAX_BYTES} bytes")
        return parse_call_file(content.decode("utf-8", "replace"), str(path)), due

    def note(self, name: str, kind: str, retries: int, now: float, until: float | None) -> float:
        """Note something of an attempt in the file, which must be on disk before it happens.

        :param until: the file's new modification time, ``None`` to leave it.
        :returns: the modification time that it has now, 0 if it is gone.
        """
        path = self.outgoing / name
        try:
            before = path.stat().st_mtime
            with path.open("r+b") as file:
                file.seek(0, os.SEEK_END)
                file.write(note(kind, os.getpid(), retries, now).encode())
                file.flush()
                os.fdatasync(file.fileno())
            os.utime(path, (now, before if until is None else until))
            return path.stat().st_mtime
        except OSError:
            return 0.0

    def renew(self, name: str, due: float) -> None:
        """Take back the note of an attempt that was not made after all.

        :param due: when the file is to be carried out then.
        """
        path = self.outgoing / name
        with contextlib.suppress(FileNotFoundError):
            text = path.read_text("utf-8", "surrogateescape")
            head, mark, _ = text.rpartition(f"\n{START}:")
            self._rewrite(path, head if mark else text, due)

    def finish(self, name: str, status: str, call: CallFile | None, own_mtime: float) -> None:
        """Take a file away, into ``outgoing_done`` if it says so.

        One that must not be deleted and that somebody has given another time meanwhile stays.

        :param status: ``Completed``, ``Expired`` or ``Failed``.
        :param own_mtime: the modification time that :meth:`note` gave it.
        """
        path = self.outgoing / name
        with contextlib.suppress(FileNotFoundError):
            if call is not None and not call.always_delete and self._is_kept(path, own_mtime):
                return
            if call is None or not call.is_archived:
                path.unlink()
                return
            with path.open("a", encoding="utf-8") as file:
                file.write(f"\nStatus: {status}\n")
            path.replace(self._done / name)

    def _is_kept(self, path: Path, own_mtime: float) -> bool:
        """Whether somebody gave the file another time; it is made as new then."""
        status = path.stat()
        if status.st_mtime == own_mtime:
            return False
        text = without_notes(path.read_text("utf-8", "surrogateescape"))
        self._rewrite(path, text, status.st_mtime)
        return True

    def _rewrite(self, path: Path, text: str, due: float) -> None:
        """Replace a file's text and time at once."""
        temporary = path.with_name(f".{path.name}.new")
        temporary.write_text(text, "utf-8", "surrogateescape")
        temporary.chmod(stat.S_IMODE(path.stat().st_mode))
        os.utime(temporary, (due, due))
        temporary.replace(path)
