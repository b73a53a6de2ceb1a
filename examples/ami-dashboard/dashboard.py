"""Shows the calls of a server in a terminal, by the manager interface alone.

usage: AMI_SECRET=… dashboard.py [--host 127.0.0.1] [--port 5038] [--user admin] [--once]

The user needs ``read = call`` and ``write = reporting`` in manager.conf.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

Block = dict[str, str]


class Ami:
    """A connection to the manager interface."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    @classmethod
    async def connect(cls, host: str, port: int) -> Ami:
        """Connect, and read who is there."""
        made = cls(*await asyncio.open_connection(host, port))
        await made._reader.readline()
        return made

    def send(self, action: str, **headers: str) -> None:
        """Send an action."""
        pairs = {"Action": action, **headers}
        lines = "".join(f"{name}: {value}\r\n" for name, value in pairs.items())
        self._writer.write(f"{lines}\r\n".encode())

    async def blocks(self) -> AsyncIterator[Block]:
        """Yield responses and events as they come, until the server closes."""
        block: Block = {}
        while line := (await self._reader.readline()).decode("utf-8", "replace"):
            name, _, value = line.rstrip("\r\n").partition(":")
            if name:
                block.setdefault(name, value.strip())
            elif block:
                yield block
                block = {}

    def close(self) -> None:
        """Disconnect."""
        self._writer.close()


@dataclass
class Call:
    """A channel, as far as people care."""

    name: str
    state: str
    caller: str
    exten: str
    application: str = ""
    bridge: str = ""
    begun: float = field(default_factory=time.monotonic)

    def row(self, now: float) -> str:
        """Write it as a line of the table."""
        seconds = int(now - self.begun)
        return (
            f"{self.name[:32]:<32} {self.state:<10} {self.caller[:16]:<16} {self.exten[:12]:<12} "
            f"{self.application[:14]:<14} {self.bridge[:8]:<8} {seconds // 60:3}:{seconds % 60:02}"
        )


class Calls:
    """All channels, kept up to date by events."""

    def __init__(self) -> None:
        self.live: dict[str, Call] = {}
        self.ended = 0

    def take(self, block: Block) -> bool:
        """Take an event or an item of CoreShowChannels; tell whether anything changed."""
        event, number = block.get("Event"), block.get("Uniqueid", "")
        if event == "Hangup":
            self.ended += self.live.pop(number, None) is not None
            return True
        if event not in ("Newchannel", "CoreShowChannel") and number not in self.live:
            return False
        call = self.live.get(number) or Call("", "", "", "")
        call.name, call.state = block["Channel"], block["ChannelStateDesc"]
        call.caller, call.exten = block["CallerIDNum"], block["Exten"]
        call.application = block.get("Application", call.application)
        if event == "BridgeLeave":
            call.bridge = ""
        elif event in ("BridgeEnter", "CoreShowChannel"):
            call.bridge = block.get("BridgeUniqueid") or block.get("BridgeId", "")
        if event == "CoreShowChannel":
            hours, minutes, seconds = map(int, block["Duration"].split(":"))
            call.begun = time.monotonic() - (hours * 60 + minutes) * 60 - seconds
        self.live[number] = call
        return True

    def table(self) -> str:
        """Write the table."""
        now = time.monotonic()
        head = f"{len(self.live)} channels, {self.ended} ended since\n"
        titles = ("channel", "state", "caller", "extension", "application", "bridge")
        widths = (32, 10, 16, 12, 14, 8)
        head += " ".join(f"{t:<{w}}" for t, w in zip(titles, widths, strict=True)) + " length\n"
        return head + "".join(f"{call.row(now)}\n" for call in self.live.values())


async def watch(ami: Ami, user: str, secret: str, *, once: bool = False) -> Calls:
    """Show the calls; with *once* the present ones only.

    :raises PermissionError: the server does not let us in.
    """
    calls = Calls()
    ami.send("Login", Username=user, Secret=secret, Events="off" if once else "call,dialplan")
    ami.send("CoreShowChannels", ActionID="first")
    async for block in ami.blocks():
        if block.get("Response") == "Error":
            raise PermissionError(block.get("Message", "refused"))
        is_first_list_over = block.get("Event") == "CoreShowChannelsComplete"
        if calls.take(block) or is_first_list_over:
            clear = "" if once else "\x1b[H\x1b[2J"
            if is_first_list_over or not once:
                print(clear + calls.table(), end="", flush=True)
        if once and is_first_list_over:
            break
    return calls


async def main() -> int:
    """Read the arguments, connect, watch."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=5038)
    parser.add_argument("--user", default="admin")
    parser.add_argument("--once", action="store_true", help="print the table once")
    arguments = parser.parse_args()
    try:
        ami = await Ami.connect(arguments.host, arguments.port)
        secret = os.environ.get("AMI_SECRET", "")
        await watch(ami, arguments.user, secret, once=arguments.once)
    except (OSError, PermissionError) as error:
        print(f"dashboard: {error}", file=sys.stderr)
        return 1
    ami.close()
    return 0


if __name__ == "__main__":
    try:
        sys.exit(asyncio.run(main()))
    except KeyboardInterrupt:
        sys.exit(0)
