"""The operator's side of a server: its life cycle, reloads, and what the console works on."""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import Sequence
from typing import TYPE_CHECKING

from server.ami.events.agi import AgiEvents
from server.ami.server import AmiServer
from server.app.console import console_context
from server.app.manager import manager_context, mount
from server.app.manager_console import ManagerConsole
from server.app.reloads import ACL, RELOADABLE, apply, needs_restart
from server.base.errors import Conflict, NotFound, ServerError
from server.base.tasks import TaskScope
from server.cli.commands import load_commands
from server.cli.context import CliContext
from server.cli.registry import Registry
from server.cli.server import ControlServer
from server.config.objects import Remark
from server.resources.modules import SUFFIX

if TYPE_CHECKING:
    from server.app.server import Server
    from server.cli.console import LocalConsole

logger = logging.getLogger(__name__)

MANAGER = "manager"  # no module of Asterisk's, but reloaded like one


class Admin:
    """Starts, reloads and stops a server, and shows it to the console."""

    def __init__(self, server: Server) -> None:
        self.stopped = asyncio.Event()
        self.is_restart = False
        self._server = server
        self._scope = TaskScope("admin")
        self._context: CliContext | None = None
        self._control: ControlServer | None = None
        self._manager: AmiServer | None = None
        self._waiting_stop: asyncio.Task[None] | None = None
        self._reloaded_at = server.started_at
        self._started_with = server.configuration
        self._turn = asyncio.Lock()
        self._next: dict[str | None, asyncio.Task[list[str] | ServerError]] = {}  # that wait

    async def start(self) -> None:
        """Open the control socket, and the console of ``-c``.

        :raises Unavailable: it can't be made, or another server has it.
        """
        server = self._server
        server.modules.set_reloader(self.reload)
        self._context = context = console_context(server, self)
        commands = load_commands()
        path = str(server.options.socket_path)
        self._control = ControlServer(context, commands, path, server.configuration.files)
        await self._control.start()
        settings = server.configuration.manager
        self._manager = AmiServer(
            settings,
            manager_context(server, self, lambda line: commands.execute(context, line, None)),
            server.configuration.options.systemname,
        )
        server.agi.monitor.listener = AgiEvents()
        await self._manager.start()
        mount(server.http, self._manager.http)
        context.manager = ManagerConsole(self._manager)
        self._scope.spawn(self._run_startup_commands(commands, context), "startup commands")
        if server.options.has_console:
            from server.cli.console import LocalConsole  # costs 0.1 s that -f need not wait

            console = LocalConsole(context, commands, server.options, socket.gethostname())
            self._scope.spawn(self._run_console(console), "console")

    async def close(self) -> None:
        """Close the control socket and give up what waits."""
        if self._manager is not None:
            self._manager.stream.tell(
                "Shutdown", [("Shutdown", "Cleanly"), ("Restart", str(self.is_restart))]
            )
            await self._manager.close()
        if self._control is not None:
            await self._control.close()
        await self._scope.close()

    # Lifecycle

    @property
    def started_at(self) -> float:
        """Seconds since the Unix epoch."""
        return self._server.started_at

    @property
    def reloaded_at(self) -> float:
        """Of the last reload, or of the start."""
        return self._reloaded_at

    @property
    def is_fully_booted(self) -> bool:
        """Whether everything is up."""
        return self._server.is_fully_booted.is_set()

    async def wait_fully_booted(self) -> None:
        """Return once everything is up."""
        await self._server.is_fully_booted.wait()

    def stop(self, *, when: str, restart: bool) -> None:
        """Stop, or start again; see :class:`server.cli.context.Lifecycle`."""
        self.is_restart = restart
        if when == "now":
            self.stopped.set()
            return
        if self._waiting_stop is None:
            if when == "gracefully":
                self._server.node.is_stopping = True
            self._waiting_stop = self._scope.spawn(self._stop_when_idle(), "stop")

    def abort_shutdown(self) -> bool:
        """Give up a stop that waits; ``False`` if none does."""
        if self._waiting_stop is None:
            return False
        self._waiting_stop.cancel()
        self._waiting_stop = None
        self._server.node.is_stopping = False
        return True

    def reload_soon(self) -> None:
        """Reload everything, and log what there is to say."""
        self._scope.spawn(self._reload_and_log(), "reload")

    async def reload(self, module: str | None = None) -> Sequence[str]:
        """Read the configuration again; see :class:`server.cli.context.Lifecycle`.

        One reload runs at a time. Of those that wait for it, equal ones are one.
        """
        if module is not None:
            module = module.removesuffix(SUFFIX)
            self._check_reloadable(module)
        waiting = self._next.get(module)
        if waiting is None:
            waiting = self._scope.spawn(self._reload_in_turn(module), "reload")
            self._next[module] = waiting
        result = await asyncio.shield(waiting)
        if isinstance(result, ServerError):
            raise result
        return result

    # private

    def _check_reloadable(self, module: str) -> None:
        if module in RELOADABLE or module == MANAGER:
            return
        if self._server.modules.find(module) is None:
            raise NotFound(f"no module {module}")
        raise Conflict(f"module {module} does not support reloading")

    async def _reload_in_turn(self, module: str | None) -> list[str] | ServerError:
        async with self._turn:
            del self._next[module]  # files may change from now on: who asks now waits for another
            try:
                return await self._reload(module)
            except ServerError as error:
                return error

    async def _reload(self, module: str | None) -> list[str]:
        server = self._server
        fresh = await asyncio.to_thread(server.configuration.reread)
        lines = [str(warning) for warning in fresh.warnings if warning.kind is not Remark.NO_EFFECT]
        lines += await apply(server, fresh, module)
        if module in (None, MANAGER, ACL) and self._manager is not None:
            lines += self._manager.configure(fresh.manager)
        lines += needs_restart(self._started_with, fresh)
        server.configuration = fresh
        if self._context is not None:
            self._context.configuration = fresh
        self._reloaded_at = server.clock.wall()
        server.asterisk.reloaded(self._reloaded_at)
        server.node.notices.tell("Reload", None, {"Module": module or "All", "Status": 0})
        return lines

    async def _run_console(self, console: LocalConsole) -> None:
        """Stop the server when its own console is left, as Asterisk does."""
        await console.run()
        self.stop(when="now", restart=False)

    async def _run_startup_commands(self, commands: Registry, context: CliContext) -> None:
        """Run what cli.conf says, once everything is up."""
        await self.wait_fully_booted()
        for line in context.configuration.cli.startup:
            try:
                output = await commands.execute(context, line, None)
            except ServerError as error:
                logger.warning("cli.conf: %s: %s", line, error)
            else:
                logger.info("cli.conf: %s\n%s", line, output)

    async def _reload_and_log(self) -> None:
        try:
            for line in await self.reload():
                logger.warning("%s", line)
        except ServerError as error:
            logger.error("reload failed, nothing was changed: %s", error)

    async def _stop_when_idle(self) -> None:
        await self._server.registry.wait_empty()
        self.stopped.set()
