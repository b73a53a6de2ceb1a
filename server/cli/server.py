"""The control socket: remote consoles connect here.

Who may connect is decided twice: by the socket file's owner and permissions (asterisk.conf's
``[files]``), and by the peer's credentials, which the kernel vouches for.
"""

from __future__ import annotations

import asyncio
import errno
import grp
import logging
import os
import pwd
import socket
import stat
import struct
from pathlib import Path
from typing import Any

from server.base.errors import (
    ConfigError,
    InvalidArgument,
    RemoteProtocolError,
    ServerError,
    Unavailable,
)
from server.base.log import Console, LogService, log_verbose
from server.base.log_sinks import Line, render_console, render_plain
from server.base.tasks import TaskScope
from server.cli.context import CliContext
from server.cli.protocol import MAX_REQUEST, decode, encode
from server.cli.registry import Identity, Registry
from server.config.sections.asterisk import ControlFiles

logger = logging.getLogger(__name__)

MAX_CONSOLES = 128  # as in Asterisk
MAX_PATH = 107  # bytes, of a Unix socket on Linux
MAX_UNSENT = 256 * 1024  # bytes of log lines that may wait for a console
WRITE_TIMEOUT = 30.0  # seconds that a console may take to read an answer
PROBE_TIMEOUT = 2.0  # seconds
DEFAULT_MODE = 0o600
MAX_LEVEL = 1000
_CREDENTIALS = struct.Struct("3i")  # pid, uid, gid


class ControlServer:
    """Serves remote consoles.

    :param path: of the socket; a file that is left over from a dead server is replaced.
    :param files: owner, group and permissions of the socket.
    """

    def __init__(
        self, context: CliContext, registry: Registry, path: str, files: ControlFiles
    ) -> None:
        self._context = context
        self._registry = registry
        self._path = path
        self._files = files
        self._server: asyncio.Server | None = None
        self._identity: tuple[int, int, int] | None = None
        self._scope = TaskScope("control")
        self._sessions: set[_Session] = set()
        self.refused = 0

    async def start(self) -> None:
        """Listen.

        :raises Unavailable: another server listens there, or the socket can't be made.
        :raises ConfigError: the configured owner or group does not exist.
        """
        self._scope = TaskScope("control")
        listener = _bind(self._path, self._files)
        self._identity = _identity(self._path)
        self._server = await asyncio.start_unix_server(
            self._on_connected, sock=listener, limit=MAX_REQUEST
        )

    async def close(self) -> None:
        """Disconnect everybody and remove the socket. May be called again."""
        server, self._server = self._server, None
        if server is None:
            return
        server.close()
        for session in list(self._sessions):
            session.abort()
        await self._scope.close()
        await server.wait_closed()
        self._remove_socket()

    @property
    def session_count(self) -> int:
        """How many consoles are connected."""
        return len(self._sessions)

    def _remove_socket(self) -> None:
        """Remove the file if it is still ours, not that of a server started since."""
        try:
            if _identity(self._path) == self._identity:
                Path(self._path).unlink()
        except OSError:
            pass

    def _on_connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        pid, uid, gid = peer_credentials(writer.get_extra_info("socket"))
        if not may_connect(uid, self._files) or len(self._sessions) >= MAX_CONSOLES:
            self.refused += 1
            logger.warning("control socket: refused process %d of user %d", pid, uid)
            writer.transport.abort()
            return
        session = _Session(self._context, self._registry, reader, writer, Identity(uid, gid))
        self._sessions.add(session)
        self._scope.spawn(self._serve(session, pid, uid), f"console {pid}")

    async def _serve(self, session: _Session, pid: int, uid: int) -> None:
        is_shown = not self._context.configuration.options.hideconnect
        if is_shown:
            log_verbose(logger, 3, "Remote UNIX connection (process %d, user %d)", pid, uid)
        try:
            await session.run()
        finally:
            self._sessions.discard(session)
            session.end()
            if is_shown:
                log_verbose(logger, 3, "Remote UNIX connection disconnected")


class _Session:
    """One remote console."""

    def __init__(
        self,
        context: CliContext,
        registry: Registry,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        user: Identity,
    ) -> None:
        self._context = context
        self._user = user
        self._log: LogService = context.log
        self._registry = registry
        self._reader = reader
        self._writer = writer
        self._loop = asyncio.get_running_loop()
        self._console = Console(self._on_line, levels=context.log.console_levels())
        self._is_watching = False
        self._is_ended = False
        self._lost_lines = 0
        date_format = context.log.settings.date_format
        self._render = render_plain(date_format, show_call_ids=True)

    async def run(self) -> None:
        """Serve until the peer leaves or breaks the protocol."""
        options = self._context.configuration.options
        hello = {
            "hostname": socket.gethostname(),
            "system_name": options.systemname,
            "pid": os.getpid(),
            "version": self._context.version,
            "may_use_shell": not options.disable_remote_console_shell,
        }
        try:
            await self._send({"hello": hello})
            # half a line is what was left of a peer that went away: it is not obeyed
            while (line := await self._reader.readline()).endswith(b"\n"):
                await self._handle(decode(line))
                await asyncio.sleep(0)  # a flood of quick commands must not starve the calls
        except (RemoteProtocolError, ValueError) as error:
            logger.warning("control socket: %s", error)
        except (ConnectionError, TimeoutError):
            pass

    def end(self) -> None:
        """Let go of everything."""
        self._is_ended = True
        self._log.remove_console(self._console)
        self._writer.close()

    def abort(self) -> None:
        """Cut the connection."""
        self._is_ended = True
        self._writer.close()

    async def _handle(self, request: dict[str, Any]) -> None:
        match request:
            case {"command": str(line)}:
                once = request.get("once") is True
                await self._execute(line, None if once else self._console)
            case {"complete": str(line)}:
                names = self._registry.complete(self._context, line)
                await self._send({"completions": names, "line": line})
            case {"verbose": int(verbose), "debug": int(debug), "mute": bool(is_muted)}:
                self._watch(verbose, debug, is_muted)
            case _:
                raise RemoteProtocolError("unknown request")

    async def _execute(self, line: str, console: Console | None) -> None:
        """Run a command and answer with what it prints, a long list piece by piece."""
        piece = None
        status = 0
        try:
            async for following in self._registry.stream(self._context, line, console, self._user):
                if piece is not None:
                    await self._send({"output": piece, "more": True})
                piece = following
        except ServerError as error:
            piece, status = str(error), 1
        except (ConnectionError, TimeoutError):
            raise
        except Exception:
            logger.exception("command %r failed", line)
            piece, status = "the command failed; see the log", 1
        await self._send({"output": piece or "", "status": status})

    def _watch(self, verbose: int, debug: int, is_muted: bool) -> None:
        self._console.verbose_level = max(0, min(verbose, MAX_LEVEL))
        self._console.debug_level = max(0, min(debug, MAX_LEVEL))
        self._console.is_muted = is_muted
        if not self._is_watching:
            self._is_watching = True
            self._log.add_console(self._console)
        else:
            self._log.console_changed()

    def _on_line(self, line: Line) -> None:
        """Take a log line, in whatever thread it arose."""
        text = render_console(line, self._render, use_colour=False, timestamp_verbose=False)
        try:
            self._loop.call_soon_threadsafe(self._push, {"log": text, "level": line.level})
        except RuntimeError:  # the loop has been closed
            pass

    def _push(self, message: dict[str, Any]) -> None:
        if self._is_ended or self._writer.is_closing():
            return
        if self._writer.transport.get_write_buffer_size() > MAX_UNSENT:
            self._lost_lines += 1
            return
        if self._lost_lines:
            text = f"{self._lost_lines} lines were not shown: this console is too slow"
            self._writer.write(encode({"log": text, "level": "WARNING"}))
            self._lost_lines = 0
        self._writer.write(encode(message))

    async def _send(self, message: dict[str, Any]) -> None:
        self._writer.write(encode(message))
        async with asyncio.timeout(WRITE_TIMEOUT):
            await self._writer.drain()


def peer_credentials(connection: socket.socket) -> tuple[int, int, int]:
    """Return the peer's process, user and group id."""
    raw = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)
    pid, uid, gid = _CREDENTIALS.unpack(raw)
    return pid, uid, gid


def may_connect(uid: int, files: ControlFiles) -> bool:
    """Tell whether a user may use the console: root, the server's user, and the configured ones."""
    if uid in (0, os.geteuid()):
        return True
    mode = DEFAULT_MODE if files.astctlpermissions is None else files.astctlpermissions
    if mode & 0o006 == 0o006:
        return True
    try:
        if files.astctlowner and pwd.getpwnam(files.astctlowner).pw_uid == uid:
            return True
        if mode & 0o060 != 0o060:
            return False
        user = pwd.getpwuid(uid)
        gid = grp.getgrnam(files.astctlgroup).gr_gid if files.astctlgroup else os.getegid()
    except KeyError:
        return False
    return gid in os.getgrouplist(user.pw_name, user.pw_gid)


def is_served(path: str) -> bool:
    """Tell whether a server listens at this socket."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.settimeout(PROBE_TIMEOUT)
        try:
            probe.connect(path)
        except OSError as error:
            return error.errno in (errno.EAGAIN, errno.EACCES) or isinstance(error, TimeoutError)
        return True


def _identity(path: str) -> tuple[int, int, int]:
    """Tell one socket file from another; inode numbers alone are used again at once."""
    status = os.stat(path)  # noqa: PTH116
    return status.st_dev, status.st_ino, status.st_ctime_ns


def _bind(path: str, files: ControlFiles) -> socket.socket:
    if len(os.fsencode(path)) > MAX_PATH:
        raise InvalidArgument("astctl", f"{path} is longer than {MAX_PATH} bytes")
    owner = _find_id(files.astctlowner, "astctlowner")
    group = _find_id(files.astctlgroup, "astctlgroup")
    mode = DEFAULT_MODE if files.astctlpermissions is None else files.astctlpermissions
    try:
        if stat.S_ISSOCK(os.stat(path).st_mode):  # noqa: PTH116
            if is_served(path):
                raise Unavailable(f"a server is already running on {path}; connect with -r")
            Path(path).unlink()
    except FileNotFoundError:
        pass
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    former = os.umask(0o777 & ~DEFAULT_MODE)  # nobody else may slip in before chmod
    try:
        listener.bind(path)
        if owner != -1 or group != -1:
            os.chown(path, owner, group)
        Path(path).chmod(mode)
        listener.listen(MAX_CONSOLES)
    except OSError as error:
        listener.close()
        raise Unavailable(f"control socket {path}: {error.strerror}") from None
    finally:
        os.umask(former)
    listener.setblocking(False)
    return listener


def _find_id(name: str, option: str) -> int:
    if not name:
        return -1
    try:
        if option == "astctlowner":
            return pwd.getpwnam(name).pw_uid
        return grp.getgrnam(name).gr_gid
    except KeyError:
        raise ConfigError("asterisk.conf", 0, f"{option}: there is no {name!r}") from None
