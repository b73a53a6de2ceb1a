"""queue_log: one line for each thing that happens in a queue."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING

from server.base.errors import Unavailable

if TYPE_CHECKING:
    from server.dialplan.port import Dialplan


class QueueLog:
    """The file that logger.conf names, opened for each line, so that others may rotate it."""

    def __init__(self, dialplan: Dialplan) -> None:
        self._dialplan = dialplan
        self._clock = dialplan.node.clock

    async def write(
        self, queue: str, unique_id: str, agent: str, event: str, info: str = ""
    ) -> None:
        """Append a line; fields of *info* are separated by ``|``.

        :raises Unavailable: the file can't be written.
        """
        path = self._dialplan.settings.queue_log
        if path is None:
            return
        fields = (str(int(self._clock.wall())), unique_id, queue, agent, event, info)
        line = "|".join(" ".join(field.splitlines()) for field in fields) + "\n"
        try:
            await asyncio.to_thread(_append, path, line)
        except OSError as error:
            raise Unavailable(f"{path}: {error.strerror}") from None


def _append(path: Path, line: str) -> None:
    with path.open("a", encoding="utf-8", errors="replace") as file:
        file.write(line)
