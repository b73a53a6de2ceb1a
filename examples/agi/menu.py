#!/usr/bin/env python3
"""AGI(menu.py), or a FastAGI server with --serve: plays until a key, says it, leaves it in KEY."""

from __future__ import annotations

import re
import socketserver
import sys
from typing import IO

PORT = 4573


class Call:
    """A call: what is known about it, and the way to steer it."""

    def __init__(self, source: IO[str], sink: IO[str]) -> None:
        self._source, self._sink = source, sink
        self.facts: dict[str, str] = {}
        for line in iter(source.readline, ""):
            name, _, value = line.strip().partition(": ")
            if not name:
                break
            self.facts[name] = value

    def ask(self, command: str) -> int:
        """Send a command and return its result.

        :raises EOFError: the call is over.
        """
        self._sink.write(f"{command}\n")
        self._sink.flush()
        reply = self._source.readline()
        match = re.match(r"200 result=(-?\d+)", reply)
        if match is None:
            raise EOFError(reply)
        return int(match[1])


def menu(call: Call) -> None:
    """Be the menu."""
    call.ask("ANSWER")
    key = call.ask('STREAM FILE hello-world "0123456789"') or call.ask("WAIT FOR DIGIT 5000")
    if key > 0:
        call.ask(f'SAY DIGITS {chr(key)} ""')
        call.ask(f"SET VARIABLE KEY {chr(key)}")


class Handler(socketserver.StreamRequestHandler):
    """One connection: one call."""

    def handle(self) -> None:
        with self.connection.makefile("rw", encoding="utf-8", newline="\n") as stream:
            menu(Call(stream, stream))


def main() -> None:
    """Serve, or be a script."""
    if "--serve" in sys.argv:
        socketserver.ThreadingTCPServer.allow_reuse_address = True
        port = int(sys.argv[2]) if len(sys.argv) > 2 else PORT
        with socketserver.ThreadingTCPServer(("127.0.0.1", port), Handler) as server:
            print(server.server_address[1], flush=True)
            server.serve_forever()
    menu(Call(sys.stdin, sys.stdout))


if __name__ == "__main__":
    main()
