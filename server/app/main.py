"""The process after the command line was read: event loop, signals, console and exit code."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import logging
import os
import signal
import sys

import uvloop

from server.app import process
from server.app.admin import Admin
from server.app.modules import RequiredModuleError
from server.app.server import Server
from server.app.service_manager import ServiceManager
from server.base.errors import ServerError
from server.base.log import LogService, log_verbose
from server.cli.options import Options
from server.config.loader import Configuration
from server.config.objects import Remark

logger = logging.getLogger(__name__)

EXIT_OK = 0
EXIT_FAILED = 1
EXIT_REQUIRED_MODULE = 2  # modules.conf requires what can't be loaded
GC_THRESHOLD = 20_000  # container objects more than at the last look; Python's own is 700


def run(options: Options, configuration: Configuration) -> int:
    """Run the server until it is told to stop.

    :param options: the command line, merged with asterisk.conf.
    :return: the process's exit code.
    :raises Unavailable: the process can't become what the options ask for.
    """
    process.prepare(options, configuration)
    if not options.stays_in_foreground and not process.go_to_background():
        return EXIT_OK
    with process.pid_file(configuration.directories.astrundir):
        code, is_restart = _serve_with_log(options, configuration)
    if is_restart:
        os.execv(sys.executable, [sys.executable, *sys.orig_argv[1:]])
    return code


def _serve_with_log(options: Options, configuration: Configuration) -> tuple[int, bool]:
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
            return runner.run(_serve(options, configuration, log))
    finally:
        log.close()


async def _serve(
    options: Options, configuration: Configuration, log: LogService
) -> tuple[int, bool]:
    """Serve; return the exit code and whether to start again."""
    for warning in configuration.warnings:
        if warning.kind is Remark.NO_EFFECT:
            log_verbose(logger, 1, "%s", warning)
        else:
            logger.warning("%s", warning)
    server = Server(configuration, options, log)
    admin = Admin(server)
    manager = ServiceManager()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, lambda: admin.stop(when="now", restart=False))
    loop.add_signal_handler(signal.SIGHUP, admin.reload_soon)
    try:
        await server.start()
        await admin.start()
        _tune_collector()
        manager.ready()
        await admin.stopped.wait()
    except (ServerError, OSError) as error:
        logger.error("%s", error)
        if options.is_quiet or not options.stays_in_foreground:
            print(f"arion: {error}", file=sys.stderr)
        is_required = isinstance(error, RequiredModuleError)
        return EXIT_REQUIRED_MODULE if is_required else EXIT_FAILED, False
    finally:
        manager.stopping(is_restart=admin.is_restart)
        with contextlib.suppress(ServerError):
            await admin.close()
        await server.stop()
    return EXIT_OK, admin.is_restart


def _tune_collector() -> None:
    """Spare calls the price of cycle collection.

    What a running server is made of never becomes garbage, so it is taken out of the collector's
    sight; calls end without cycles for the most part, so the rest is looked at less often.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(GC_THRESHOLD, 20, 50)
