"""The remote console: ``arion -r``, and single commands: ``arion -rx "core show channels"``.

A single command needs nothing but a socket, so that scripts get their answer at once.
"""

from __future__ import annotations

import os
import socket
import struct
import sys

from server.base.errors import RemoteProtocolError, ServerError, Unavailable
from server.cli.options import Options
from server.cli.protocol import MAX_RESPONSE, decode, encode

TYPE_CHECKING = False  # as in typing, whose import would take a tenth of the time of a command
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import IO, Any

CONNECT_TIMEOUT = 10.0  # seconds


class Connection:
    """A blocking connection to a server's control socket.

    :raises Unavailable: nobody listens there, or this user may not.
    """

    def __init__(self, path: str) -> None:
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._socket.settimeout(CONNECT_TIMEOUT)
        try:
            self._socket.connect(path)
        except OSError as error:
            self._socket.close()
            reason = error.strerror or "no answer"
            raise Unavailable(
                f"unable to connect to the server ({reason}: does {path} exist?)"
            ) from None
        self._file: IO[bytes] = self._socket.makefile("rb")
        try:
            self.hello: dict[str, Any] = self.receive("hello")["hello"]
        except ServerError:
            self.close()
            raise
        self._socket.settimeout(None)  # a command takes as long as it takes

    @property
    def server_pid(self) -> int:
        """The process at the other end (SO_PEERCRED, unix(7))."""
        size = struct.calcsize("3i")
        credentials = self._socket.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, size)
        return int(struct.unpack("3i", credentials)[0])

    def set_timeout(self, seconds: float) -> None:
        """Wait no longer for an answer from now on; a server that is silent has gone away."""
        self._socket.settimeout(seconds)

    def execute(self, line: str, *, once: bool) -> tuple[str, int]:
        """Run a command.

        :return: its output, and 0 if it succeeded.
        """
        pieces: list[str] = []
        status = self.stream(line, pieces.append, once=once)
        return "".join(pieces), status

    def stream(self, line: str, write: Callable[[str], object], *, once: bool) -> int:
        """Run a command.

        :param write: gets its output, piece by piece.
        :return: 0 if it succeeded.
        """
        self._send({"command": line, "once": once})
        while True:
            answer = self.receive("output")
            write(str(answer["output"]))
            if not answer.get("more"):
                return int(answer.get("status", 0))

    def receive(self, key: str) -> dict[str, Any]:
        """Return the next message that has this member.

        :raises Unavailable: the server went away.
        """
        while True:
            try:
                line = self._file.readline(MAX_RESPONSE)
            except OSError:
                line = b""
            if not line.endswith(b"\n"):
                raise Unavailable("the server closed the connection")
            message = decode(line)
            if key in message:
                return message

    def close(self) -> None:
        """Disconnect."""
        self._file.close()
        self._socket.close()

    def _send(self, message: dict[str, Any]) -> None:
        try:
            self._socket.sendall(encode(message))
        except OSError:
            raise Unavailable("the server closed the connection") from None


def run_command(path: str, line: str) -> int:
    """Run one command in the server and print what it says.

    :return: the exit code: 0, or 1 if the command failed or there is no server.
    """
    try:
        connection = Connection(path)
    except (Unavailable, RemoteProtocolError) as error:
        print(f"arion: {error}", file=sys.stderr)
        return 1
    try:
        return _print_output(connection, line)
    except BrokenPipeError:  # whoever reads has enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except (Unavailable, RemoteProtocolError) as error:
        # "core stop now" may win against its own answer
        if line.split()[:2] in (["core", "stop"], ["core", "restart"]):
            return 0
        print(f"arion: {error}", file=sys.stderr)
        return 1
    finally:
        connection.close()


def _print_output(connection: Connection, line: str) -> int:
    """Print as it comes, and end the last line."""
    last = ""

    def write(text: str) -> None:
        nonlocal last
        last = text or last
        sys.stdout.write(text)

    status = connection.stream(line, write, once=True)
    if last and not last.endswith("\n"):
        sys.stdout.write("\n")
    return status


def run_remote(path: str, options: Options) -> int:
    """Run ``-r``, ``-R`` and ``-x``; without a terminal, commands come from standard input.

    :return: the exit code.
    """
    if options.command is not None:
        return run_command(path, options.command)
    if not sys.stdin.isatty():
        return max((run_command(path, line) for line in sys.stdin if line.strip()), default=0)
    from server.cli.console import run_remote_console  # needs prompt_toolkit: 0.1 s

    return run_remote_console(path, options)
