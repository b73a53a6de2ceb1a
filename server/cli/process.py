"""What the process does with itself before it serves: user, limits, background."""

from __future__ import annotations

import grp
import os
import pwd
import resource
import sys
from collections.abc import Iterable
from pathlib import Path

from server.base.errors import ConfigError, Unavailable
from server.cli.options import Options

REALTIME_PRIORITY = 10  # SCHED_RR, as in Asterisk


def prepare_directories(paths: Iterable[str], options: Options) -> None:
    """Make the directories that the server writes to; they go to the user it will run as.

    :raises Unavailable: one can't be made.
    """
    uid, gid, _name = _identity(options)
    for path in paths:
        try:
            if Path(path).is_dir():
                continue
            Path(path).mkdir(parents=True, mode=0o755)
            if uid is not None or gid is not None:
                os.chown(path, -1 if uid is None else uid, -1 if gid is None else gid)
        except OSError as error:
            raise Unavailable(f"directory {path}: {error.strerror}") from None


def apply_limits(options: Options, max_files: int) -> list[str]:
    """Set core size, number of open files, and real-time priority.

    :return: what could not be set, for the log.
    """
    problems = []
    if options.dump_core:
        problems += _set_limit(resource.RLIMIT_CORE, resource.RLIM_INFINITY, "core files")
    if max_files:
        problems += _set_limit(resource.RLIMIT_NOFILE, max_files, f"{max_files} open files")
    if options.realtime:
        try:
            os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(REALTIME_PRIORITY))
        except OSError as error:
            problems.append(f"no real-time priority: {error.strerror}")
    return problems


def become(options: Options) -> None:
    """Change to the user and group that the server is to run as.

    :raises ConfigError: there is no such user or group.
    :raises Unavailable: this process may not.
    """
    uid, gid, name = _identity(options)
    if uid is None and gid is None:
        return
    if uid in (None, os.geteuid()) and gid in (None, os.getegid()):
        return
    try:
        if gid is not None:
            os.setgid(gid)
        if uid is not None:
            os.initgroups(name, os.getgid())
            os.setuid(uid)
    except OSError as error:
        raise Unavailable(
            f"can't run as {options.user or options.group}: {error.strerror}"
        ) from None


def daemonize() -> None:
    """Go to the background: the caller's process ends here, with success."""
    sys.stdout.flush()
    sys.stderr.flush()
    if os.fork():
        os._exit(0)
    os.setsid()
    if os.fork():
        os._exit(0)
    os.chdir("/")
    null = os.open(os.devnull, os.O_RDWR)
    for descriptor in range(3):
        os.dup2(null, descriptor)
    if null > 2:
        os.close(null)


class PidFile:
    """``asterisk.pid`` in astrundir, for as long as the server runs."""

    def __init__(self, directory: str) -> None:
        self._path = Path(directory) / "asterisk.pid"

    def __enter__(self) -> PidFile:
        try:
            self._path.write_text(f"{os.getpid()}\n")
        except OSError as error:
            raise Unavailable(f"{self._path}: {error.strerror}") from None
        return self

    def __exit__(self, *_: object) -> None:
        try:
            if self._path.read_text().strip() == str(os.getpid()):
                self._path.unlink()
        except OSError:
            pass


def _identity(options: Options) -> tuple[int | None, int | None, str]:
    uid: int | None = None
    gid: int | None = None
    name = ""
    try:
        if options.user:
            user = pwd.getpwnam(options.user)
            uid, gid, name = user.pw_uid, user.pw_gid, user.pw_name
        if options.group:
            gid = grp.getgrnam(options.group).gr_gid
    except KeyError:
        missing = f"no such user or group: {options.user or ''} {options.group or ''}".rstrip()
        raise ConfigError("asterisk.conf", 0, missing) from None
    return uid, gid, name


def _set_limit(kind: int, wish: int, what: str) -> list[str]:
    _soft, hard = resource.getrlimit(kind)
    is_raised = hard != resource.RLIM_INFINITY and (wish == resource.RLIM_INFINITY or wish > hard)
    try:
        resource.setrlimit(kind, (wish, wish if is_raised else hard))
    except (OSError, ValueError) as error:
        return [f"no {what}: {error}"]
    return []
