"""MP3Player(): files and streams that mpg123 decodes."""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import tempfile
from pathlib import Path

from server.base.errors import Unavailable
from server.dialplan.executor import Call
from server.dialplan.media import ALL_DIGITS, play_interruptibly
from server.dialplan.registry import application
from server.media.streams import FileSource

PROGRAM = "mpg123"
OPTIONS = ("-q", "-s", "-r", "8000", "--mono")  # raw samples to standard output
CHUNK = 160_000  # bytes: ten seconds; what is decoded ahead stays in the pipe
START_TIMEOUT = 30.0  # seconds until the first sound


@application("MP3Player")
async def mp3_player(call: Call, data: str) -> None:
    """MP3Player(location): play an MP3 file or URL until it ends or a digit is pressed.

    :raises Unavailable: mpg123 is not installed, or has nothing to play.
    """
    location = data.strip()
    if not location or location.startswith("-") or "\0" in location:
        call.report("MP3Player requires a file or URL")
        return
    program = await call.channel.wait(asyncio.to_thread(shutil.which, PROGRAM))
    if program is None:
        raise Unavailable(f"MP3Player needs {PROGRAM}, which is not installed")
    folder = await asyncio.to_thread(lambda: Path(tempfile.mkdtemp(prefix="mp3player-")))
    process = None
    try:
        process = await asyncio.create_subprocess_exec(
            program,
            *OPTIONS,
            location,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
        )
        assert process.stdout is not None
        await _play(call, process.stdout, folder, location)
    finally:
        if process is not None:
            await _end(process)
        await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)


async def _play(call: Call, sound: asyncio.StreamReader, folder: Path, location: str) -> None:
    """Play chunk by chunk: each is a file, for the media engine plays files."""
    number = 0
    while chunk := await call.channel.wait(_read(sound)):
        number += 1
        path = folder / f"{number}.sln"
        await asyncio.to_thread(path.write_bytes, chunk)
        _, digit = await play_interruptibly(call, [FileSource(str(path))], ALL_DIGITS)
        await asyncio.to_thread(path.unlink)
        if digit:
            return
    if not number:
        raise Unavailable(f"{PROGRAM} found nothing to play in {location}")


async def _read(sound: asyncio.StreamReader) -> bytes:
    """Return the next chunk, shorter at the end; nothing if it is silent for too long."""
    try:
        return await asyncio.wait_for(sound.readexactly(CHUNK), START_TIMEOUT)
    except asyncio.IncompleteReadError as error:
        return error.partial
    except TimeoutError:
        return b""


async def _end(process: asyncio.subprocess.Process) -> None:
    with contextlib.suppress(ProcessLookupError):
        process.kill()
    await process.wait()
