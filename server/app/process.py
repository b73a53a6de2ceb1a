"""What the process does to itself before it serves: directories, limits, user, background."""

from __future__ import annotations

import contextlib
import grp
import os
import pwd
import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from server.base.errors import Unavailable
from server.cli.options import Options
from server.config.loader import Configuration

PID_FILE = "asterisk.pid"  # in astrundir, where service managers of such set-ups look


def prepare(options: Options, configuration: Configuration) -> None:
    """Make the directories, take limits and priority, then give up privileges.

    :raises Unavailable: the system refuses, or there is no such user or group.
    """
    try:
        _make_directories(options, configuration)
        _take_limits(options, configuration.options.maxfiles)
        _become(options)
    except OSError as error:
        raise Unavailable(f"{error.filename or 'process'}: {error.strerror}") from None
    except KeyError as error:
        raise Unavailable(str(error.args[0])) from None


def go_to_background() -> bool:
    """Detach from the terminal; true in the process that goes on."""
    if os.fork():
        return False
    os.setsid()
    if os.fork():
        os._exit(0)
    null = os.open(os.devnull, os.O_RDWR)
    for descriptor in (0, 1, 2):
        os.dup2(null, descriptor)
    os.close(null)
    return True


@contextmanager
def pid_file(directory: str) -> Iterator[None]:
    """Keep this process's id in a file for as long as it serves."""
    path = Path(directory) / PID_FILE
    with contextlib.suppress(OSError):
        path.write_text(f"{os.getpid()}\n", encoding="ascii")
    try:
        yield
    finally:
        with contextlib.suppress(OSError):
            path.unlink()


def _make_directories(options: Options, configuration: Configuration) -> None:
    directories = configuration.directories
    recordings = str(Path(directories.astspooldir) / "recording")
    for name in (directories.astrundir, directories.astlogdir, directories.astdbdir, recordings):
        path = Path(name)
        is_new = not path.exists()
        path.mkdir(parents=True, exist_ok=True)
        if is_new and options.user:
            user = pwd.getpwnam(options.user)
            os.chown(path, user.pw_uid, user.pw_gid)


def _take_limits(options: Options, max_files: int) -> None:
    if options.dump_core:
        unlimited = (resource.RLIM_INFINITY, resource.RLIM_INFINITY)
        resource.setrlimit(resource.RLIMIT_CORE, unlimited)
    if max_files:
        resource.setrlimit(resource.RLIMIT_NOFILE, (max_files, max_files))
    if options.realtime:
        os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(10))


def _become(options: Options) -> None:
    user = pwd.getpwnam(options.user) if options.user else None
    if options.group:
        os.setgid(grp.getgrnam(options.group).gr_gid)
    elif user is not None:
        os.setgid(user.pw_gid)
    if user is not None:
        os.initgroups(user.pw_name, os.getgid())
        os.setuid(user.pw_uid)
