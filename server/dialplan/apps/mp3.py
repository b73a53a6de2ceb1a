"""MP3Player(): files that mpg123 decodes."""

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
DECODE_TIMEOUT = 60.0  # seconds
MAX_FRAMES = "140000"  # an hour


@application("MP3Player")
async def mp3_player(call: Call, data: str) -> None:
    """MP3Player(file): play an MP3 file until it ends or a digit is pressed.

    :raises Unavailable: mpg123 is not installed, or can't decode it.
    """
    location = data.strip()
    if not location:
        call.report("MP3Player requires a file")
        return
    if "://" in location:
        raise Unavailable("MP3Player plays files only, not streams of the network")
    program = await call.channel.wait(asyncio.to_thread(shutil.which, PROGRAM))
    if program is None:
        raise Unavailable(f"MP3Player needs {PROGRAM}, which is not installed")
    folder = await asyncio.to_thread(lambda: Path(tempfile.mkdtemp(prefix="mp3player-")))
    try:
        decoded = folder / "decoded.wav"
        await call.channel.wait(_decode(program, location, decoded))
        await play_interruptibly(call, [FileSource(str(decoded))], ALL_DIGITS)
    finally:
        await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)


async def _decode(program: str, location: str, target: Path) -> None:
    arguments = ("-q", "-n", MAX_FRAMES, "-r", "8000", "--mono", "-w", str(target))
    process = await asyncio.create_subprocess_exec(
        program,
        *arguments,
        "--",
        location,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        status = await asyncio.wait_for(process.wait(), DECODE_TIMEOUT)
    except TimeoutError:
        status = -1
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
    if status:
        raise Unavailable(f"{PROGRAM} can't decode {location}")
