"""A FastAGI server for the load: ``talk`` says a few commands, ``hold`` only answers."""

from __future__ import annotations

import asyncio
import contextlib
import sys

import uvloop

COMMANDS = (
    b"ANSWER\n",
    b"GET VARIABLE CALLERID(num)\n",
    b'SET VARIABLE WHO "somebody"\n',
    b'VERBOSE "hello" 4\n',
)


async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Carry a session through."""
    with contextlib.suppress(OSError, asyncio.IncompleteReadError):
        environment = await reader.readuntil(b"\n\n")
        if b"agi_network_script: hold" in environment:
            writer.write(b"ANSWER\n")
            while b"HANGUP" not in await reader.readline():
                pass
        else:
            for command in COMMANDS:
                writer.write(command)
                await reader.readline()
    writer.close()


async def main(port: int) -> None:
    """Serve until killed."""
    server = await asyncio.start_server(serve, "127.0.0.1", port, backlog=4096)
    print(port, flush=True)
    async with server:
        await server.serve_forever()


with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
    runner.run(main(int(sys.argv[1])))
