"""Scripts as processes of their own: started without a shell, watched by a pidfd."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import signal
from collections.abc import Mapping, Sequence

from server.agi.peer import LinePeer
from server.agi.protocol import MAX_LINE

logger = logging.getLogger(__name__)

AUDIO_FD = 3  # where EAGI's scripts read what the caller says
# Python ignores these; a script expects what a shell would give it
_RESET_SIGNALS = (signal.SIGPIPE, signal.SIGHUP, signal.SIGINT, signal.SIGTERM, signal.SIGXFSZ)


class ScriptProcess(LinePeer):
    """A running program whose standard output gives lines and whose standard input takes them.

    :ivar ended: settled with its exit code, negative for a signal.
    """

    def __init__(self, pid: int, max_line: int = MAX_LINE) -> None:
        super().__init__(max_line, is_duplex=False)
        self.pid = pid
        loop = asyncio.get_running_loop()
        self.ended: asyncio.Future[int] = loop.create_future()
        self._pidfd = os.pidfd_open(pid)
        loop.add_reader(self._pidfd, self._on_exit)

    def notify_hangup(self) -> None:
        """Send SIGHUP, which ends a script that doesn't care for it."""
        self.kill(signal.SIGHUP)

    def kill(self, number: signal.Signals) -> None:
        """Send it a signal, if it still runs."""
        if not self.ended.done():
            with contextlib.suppress(ProcessLookupError):
                signal.pidfd_send_signal(self._pidfd, number)

    def _on_exit(self) -> None:
        loop = asyncio.get_running_loop()
        loop.remove_reader(self._pidfd)
        os.close(self._pidfd)
        try:
            _pid, status = os.waitpid(self.pid, 0)
            code = os.waitstatus_to_exitcode(status)
        except ChildProcessError:  # somebody else has waited for it
            code = 0
        if not self.ended.done():
            self.ended.set_result(code)


class _Writer(asyncio.BaseProtocol):
    """Tells a script's peer how its standard input fares."""

    def __init__(self, peer: LinePeer) -> None:
        self._peer = peer

    def pause_writing(self) -> None:
        self._peer.pause_writing()

    def resume_writing(self) -> None:
        self._peer.resume_writing()


async def start_process(
    command: Sequence[str],
    environment: Mapping[str, str],
    *,
    audio: int | None = None,
    max_line: int = MAX_LINE,
    errors: asyncio.Protocol | None = None,
) -> ScriptProcess:
    """Start a program.

    :param command: its full path and its arguments.
    :param environment: added to the server's own.
    :param audio: a descriptor that becomes its descriptor 3.
    :param errors: gets what it writes to its standard error; else that is the server's own.
    :raises OSError: it can't be started.
    :raises ValueError: there is a NUL in an argument.
    """
    with contextlib.ExitStack() as ours, contextlib.ExitStack() as theirs:
        their_input, our_output = _pipe(theirs, ours)
        our_input, their_output = _pipe(ours, theirs)
        inherited = {0: their_input, 1: their_output}
        if audio is not None:
            inherited[AUDIO_FD] = audio
        our_errors = -1
        if errors is not None:
            our_errors, inherited[2] = _pipe(ours, theirs)
        process = ScriptProcess(_spawn(command, environment, inherited), max_line)
        ours.pop_all()  # the transports close them
    loop = asyncio.get_running_loop()
    await loop.connect_read_pipe(lambda: process, os.fdopen(our_input, "rb", 0))
    transport, _ = await loop.connect_write_pipe(
        lambda: _Writer(process), os.fdopen(our_output, "wb", 0)
    )
    process.set_writer(transport)
    if errors is not None:
        await loop.connect_read_pipe(lambda: errors, os.fdopen(our_errors, "rb", 0))
    return process


def _pipe(readers: contextlib.ExitStack, writers: contextlib.ExitStack) -> tuple[int, int]:
    """Make a pipe whose ends are closed with these stacks; return where to read and to write."""
    reader, writer = os.pipe2(os.O_CLOEXEC)
    readers.callback(os.close, reader)
    writers.callback(os.close, writer)
    return reader, writer


def _spawn(
    command: Sequence[str], environment: Mapping[str, str], inherited: Mapping[int, int]
) -> int:
    """Start a program with these descriptors, theirs to ours."""
    return os.posix_spawn(
        command[0],
        list(command),
        {**os.environ, **environment},
        file_actions=[(os.POSIX_SPAWN_DUP2, ours, theirs) for theirs, ours in inherited.items()],
        setsigdef=_RESET_SIGNALS,
        setsigmask=(),
    )
