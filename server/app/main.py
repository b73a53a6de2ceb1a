"""The process: event loop, signals, foreground or background, and the exit code."""

from __future__ import annotations

import asyncio
import contextlib
import grp
import logging
import os
import pwd
import resource
import signal
import sys
from pathlib import Path

import uvloop

from server.app.admin import Admin
from server.app.server import Server
from server.base.errors import ServerError
from server.base.log import LogService
from server.cli.options import Options
from server.config.loader import Configuration

logger = logging.getLogger(__name__)

EXIT_OK = 0
EXIT_FAILED = 1


def run(options: Options, configuration: Configuration) -> int:
    """Run the server until it is told to stop.

    :param options: the command line, merged with asterisk.conf.
    :return: the process's exit code.
    """
    try:
        _prepare_process(options, configuration)
    except (OSError, KeyError) as error:
        print(f"arion: {error}", file=sys.stderr)
        return EXIT_FAILED
    if not options.stays_in_foreground and not _go_to_background():
        return EXIT_OK
    log = LogService(
        configuration.logger,
        configuration.directories.astlogdir,
        console=sys.stderr if options.stays_in_foreground and not options.is_quiet else None,
        verbose=options.verbose,
        debug=options.debug,
        use_colour=sys.stderr.isatty() and not options.no_colour,
        timestamp_verbose=options.timestamp,
    )
    log.start()
    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            code, is_restart = runner.run(_serve(options, configuration, log))
    finally:
        log.close()
    if is_restart:
        os.execv(sys.executable, [sys.executable, *sys.orig_argv[1:]])
    return code


async def _serve(options: Options, configuration: Configuration, log: LogService) -> tuple[int, bool]:
    """Serve; return the exit code and whether to start again."""
    for warning in configuration.warnings:
        logger.warning("%s", warning)
    for letter, reason in options.ignored:
        logger.info("-%s has no effect: %s", letter, reason)
    server = Server(configuration, options, log)
    admin = Admin(server)
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, lambda: admin.stop(when="now", restart=False))
    loop.add_signal_handler(signal.SIGHUP, admin.reload_soon)
    try:
        await server.start()
        await admin.start()
        await admin.stopped.wait()
    except (ServerError, OSError) as error:
        logger.error("%s", error)
        print(f"arion: {error}", file=sys.stderr)
        return EXIT_FAILED, False
    finally:
        with contextlib.suppress(ServerError):
            await admin.close()
        await server.stop()
    return EXIT_OK, admin.is_restart


def _prepare_process(options: Options, configuration: Configuration) -> None:
    """Make the directories, take limits and priority, then give up privileges.

    :raises OSError: the system refuses.
    :raises KeyError: no such user or group.
    """
    directories = configuration.directories
    for name in (directories.astrundir, directories.astlogdir, directories.astspooldir,
                 directories.astdbdir):  # fmt: skip
        Path(name).mkdir(parents=True, exist_ok=True)
    if options.dump_core:
        resource.setrlimit(resource.RLIMIT_CORE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    if configuration.options.maxfiles:
        limit = configuration.options.maxfiles
        resource.setrlimit(resource.RLIMIT_NOFILE, (limit, limit))
    if options.realtime:
        os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(10))
    if options.group:
        os.setgid(grp.getgrnam(options.group).gr_gid)
    if options.user:
        user = pwd.getpwnam(options.user)
        os.initgroups(options.user, user.pw_gid)
        if not options.group:
            os.setgid(user.pw_gid)
        os.setuid(user.pw_uid)


def _go_to_background() -> bool:
    """Detach from the terminal; true in the process that goes on."""
    if os.fork():
        return False
    os.setsid()
    if os.fork():
        os._exit(EXIT_OK)
    null = os.open(os.devnull, os.O_RDWR)
    for descriptor in (0, 1, 2):
        os.dup2(null, descriptor)
    os.close(null)
    return True
