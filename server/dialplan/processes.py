"""Shell commands for SHELL() and System(), which never outlive their call by much."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal

from server.base.errors import InvalidArgument, Unavailable

TIMEOUT = 300.0  # seconds; in the h extension nobody could end a command that hangs
MAX_OUTPUT = 65_536  # bytes kept; the rest is read and dropped
CHUNK = 65_536  # bytes


async def run_shell(command: str, *, keeps_output: bool) -> tuple[int, bytes]:
    """Run a command by the system's shell and wait for it.

    It is killed, with all it started, when the caller is cancelled or :data:`TIMEOUT` is over.

    :returns: the exit status, negative for a signal, and what it wrote to its standard output.
    :raises InvalidArgument: the command is empty, or has a NUL in it.
    :raises Unavailable: no process could be started, or it took too long.
    """
    if not command.strip() or "\0" in command:
        raise InvalidArgument("command", "a command without NUL is needed")
    null = asyncio.subprocess.DEVNULL
    try:
        process = await asyncio.create_subprocess_shell(
            command,
            stdin=null,
            stdout=asyncio.subprocess.PIPE if keeps_output else null,
            start_new_session=True,
        )
    except OSError as error:
        raise Unavailable(f"no process could be started: {error.strerror}") from None
    try:
        async with asyncio.timeout(TIMEOUT):
            output = await _read(process.stdout)
            return await process.wait(), output
    except TimeoutError:
        raise Unavailable(f"the command took more than {TIMEOUT:.0f} seconds") from None
    finally:
        if process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            await process.wait()


async def _read(stream: asyncio.StreamReader | None) -> bytes:
    kept = bytearray()
    while stream is not None and (chunk := await stream.read(CHUNK)):
        kept += chunk[: MAX_OUTPUT - len(kept)]
    return bytes(kept)
