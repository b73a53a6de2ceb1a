"""Many manager clients in a process of their own: ``ami_clients.py PORT COUNT``.

Prints ``ready`` when all are logged in; for each line of input the number of events since the last.
"""

from __future__ import annotations

import asyncio
import sys
from typing import cast

import uvloop

LOGIN = b"Action: Login\r\nUsername: bench\r\nSecret: bench\r\n\r\n"


class Dashboard(asyncio.Protocol):
    """A client that counts what it hears."""

    events = 0  # of all together
    logged_in = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's transports are no subclasses of asyncio's.
        cast(asyncio.WriteTransport, transport).write(LOGIN)

    def data_received(self, data: bytes) -> None:
        Dashboard.events += data.count(b"\nEvent: ")
        Dashboard.logged_in += data.count(b"Authentication accepted")


async def main(port: int, count: int) -> None:
    """Connect, then answer questions until there are none."""
    loop = asyncio.get_running_loop()
    for _ in range(count):
        await loop.create_connection(Dashboard, "127.0.0.1", port)
    while Dashboard.logged_in < count:
        await asyncio.sleep(0.01)
    print("ready", flush=True)
    while await asyncio.to_thread(sys.stdin.readline):
        print(Dashboard.events, flush=True)
        Dashboard.events = 0


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(main(int(sys.argv[1]), int(sys.argv[2])))
