"""The prompt, remote (``-r``) and local (``-c``): history, completion, colour."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from pathlib import Path
from typing import Any

from prompt_toolkit import PromptSession
from prompt_toolkit.completion import CompleteEvent, Completer, Completion
from prompt_toolkit.document import Document
from prompt_toolkit.formatted_text import ANSI
from prompt_toolkit.history import FileHistory, History, InMemoryHistory
from prompt_toolkit.patch_stdout import patch_stdout

from server.base.errors import RemoteProtocolError, ServerError, Unavailable
from server.base.log import Console, LogService
from server.base.log_sinks import Line, render_console, render_plain
from server.base.tasks import TaskScope
from server.cli.context import CliContext
from server.cli.options import Options
from server.cli.prompt import Surroundings, render_prompt, template
from server.cli.protocol import MAX_RESPONSE, decode, encode
from server.cli.registry import Registry

HISTORY_FILE = "~/.arion_history"
MAX_ANSWERS = 16  # unread; more would stop the reading from the server
RECONNECT_DELAY = 2.0  # seconds
COLOURS = {"ERROR": "\033[1;31m", "WARNING": "\033[1;33m", "NOTICE": "\033[1;36m"}
RESET = "\033[0m"

Complete = Callable[[str], Awaitable[list[str]]]


class WordCompleter(Completer):
    """Completes the last word of the line by asking the server."""

    def __init__(self, ask: Complete) -> None:
        self._ask = ask

    def get_completions(self, document: Document, complete_event: CompleteEvent) -> Any:
        """Not used: completion is asynchronous."""
        return ()

    async def get_completions_async(
        self, document: Document, complete_event: CompleteEvent
    ) -> AsyncGenerator[Completion, None]:
        """Yield what the server proposes."""
        line = document.text_before_cursor
        last = "" if not line or line[-1].isspace() else line.split()[-1]
        names = await self._ask(line)
        ending = " " if len(names) == 1 else ""  # go on with the next word
        for name in names:
            yield Completion(name + ending, start_position=-len(last), display=name)


class RemoteConsole:
    """One connection of an interactive console."""

    def __init__(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, options: Options
    ) -> None:
        self._reader = reader
        self._writer = writer
        self._options = options
        self._outputs: asyncio.Queue[dict[str, Any]] = asyncio.Queue(MAX_ANSWERS)
        self._completions: asyncio.Queue[dict[str, Any]] = asyncio.Queue(MAX_ANSWERS)
        self.hello: dict[str, Any] = {}

    async def run(self) -> bool:
        """Talk until the user leaves.

        :return: whether the user left, rather than the server.
        """
        self.hello = (await self._read())["hello"]
        host = self.hello["system_name"] or self.hello["hostname"]
        version, pid = self.hello["version"], self.hello["pid"]
        print(f"Connected to Arion {version} currently running on {host} (pid = {pid})")
        self._send(
            verbose=self._options.verbose,
            debug=self._options.debug,
            mute=self._options.is_muted,
        )
        scope = TaskScope("console")
        around = Surroundings(str(self.hello["hostname"]), str(self.hello["system_name"]))
        talk = scope.spawn(self._talk(around), "prompt")
        listen = scope.spawn(self._listen(), "listen")
        await asyncio.wait({talk, listen}, return_when=asyncio.FIRST_COMPLETED)
        has_left = talk.done()
        await scope.close()
        self._writer.close()
        if not has_left:
            print("\nDisconnected from the server")
        return has_left

    async def _talk(self, around: Surroundings) -> None:
        session = make_session(self._complete)
        while (line := await ask_line(session, around)) is not None:
            if line.startswith("!"):
                self._run_shell(line[1:])
            elif line:
                self._send(command=line, once=False)
                await self._print_output()

    async def _print_output(self) -> None:
        """Print the answer to a command as it comes, and end the last line."""
        last = ""
        while True:
            answer = await self._outputs.get()
            text = str(answer["output"])
            last = text or last
            print(text, end="")
            if not answer.get("more"):
                break
        if last and not last.endswith("\n"):
            print()

    async def _listen(self) -> None:
        try:
            while True:
                message = await self._read()
                if "log" in message:
                    print(self._coloured(str(message["log"]), str(message.get("level"))))
                elif "completions" in message:
                    await self._completions.put(message)
                elif "output" in message:
                    await self._outputs.put(message)
        except (Unavailable, RemoteProtocolError):
            return

    async def _complete(self, line: str) -> list[str]:
        self._send(complete=line)
        while (answer := await self._completions.get())["line"] != line:
            pass  # of a completion that the user did not wait for
        return [str(name) for name in answer["completions"]]

    async def _read(self) -> dict[str, Any]:
        try:
            line = await self._reader.readline()
        except (OSError, ValueError):
            line = b""
        if not line:
            raise Unavailable("the server closed the connection")
        return decode(line)

    def _send(self, **message: Any) -> None:
        self._writer.write(encode(message))

    def _run_shell(self, command: str) -> None:
        if self.hello.get("may_use_shell"):
            run_shell(command)
        else:
            print("the shell is disabled (disable_remote_console_shell)")

    def _coloured(self, text: str, level: str) -> str:
        colour = "" if self._options.no_colour else COLOURS.get(level, "")
        return f"{colour}{text}{RESET}" if colour else text


def run_remote_console(path: str, options: Options) -> int:
    """Connect and talk; with ``-R`` again and again.

    :return: the exit code.
    """
    while True:
        has_left = False
        try:
            has_left = asyncio.run(_converse(path, options))
        except (Unavailable, RemoteProtocolError) as error:
            print(f"arion: {error}", file=sys.stderr)
            if not options.reconnects:
                return 1
        if has_left or not options.reconnects:
            return 0
        try:
            asyncio.run(asyncio.sleep(RECONNECT_DELAY))
        except KeyboardInterrupt:
            return 0


async def _converse(path: str, options: Options) -> bool:
    try:
        reader, writer = await asyncio.open_unix_connection(path, limit=MAX_RESPONSE)
    except OSError as error:
        raise Unavailable(
            f"unable to connect to the server ({error.strerror}: does {path} exist?)"
        ) from None
    with patch_stdout(raw=True):
        return await RemoteConsole(reader, writer, options).run()


class LocalConsole:
    """The prompt of a server that was started with ``-c``.

    :param hostname: what the prompt begins with.
    """

    def __init__(
        self, context: CliContext, registry: Registry, options: Options, hostname: str
    ) -> None:
        self._context = context
        self._registry = registry
        self._options = options
        self._hostname = hostname

    async def run(self) -> None:
        """Talk until the user ends it with Ctrl-C or Ctrl-D."""
        log: LogService = self._context.log
        render = render_plain(log.settings.date_format, show_call_ids=True)

        def show(line: Line) -> None:
            print(
                render_console(
                    line,
                    render,
                    use_colour=not self._options.no_colour,
                    timestamp_verbose=self._options.timestamp,
                )
            )

        console = Console(
            show,
            self._options.verbose,
            self._options.debug,
            log.console_levels(),
            self._options.is_muted,
        )
        log.add_console(console)
        log.is_console_taken = True
        try:
            with patch_stdout(raw=True):
                await self._talk(console)
        finally:
            log.is_console_taken = False
            log.remove_console(console)

    async def _talk(self, console: Console) -> None:
        session = make_session(self._complete)
        system_name = self._context.configuration.options.systemname
        around = Surroundings(self._hostname, system_name, is_remote=False)
        while (line := await ask_line(session, around)) is not None:
            if line.startswith("!"):
                await asyncio.to_thread(run_shell, line[1:])
                continue
            try:
                output = await self._registry.execute(self._context, line, console)
            except ServerError as error:
                output = str(error)
            if output:
                print(output)

    async def _complete(self, line: str) -> list[str]:
        return self._registry.complete(self._context, line)


def make_session(ask: Complete) -> PromptSession[str]:
    """Make a prompt with history and completion."""
    return PromptSession(
        history=_history(),
        completer=WordCompleter(ask),
        complete_while_typing=False,
        enable_history_search=True,
    )


async def ask_line(session: PromptSession[str], around: Surroundings) -> str | None:
    """Return the next line, ``None`` when the user leaves."""

    def prompt() -> ANSI:
        return ANSI(render_prompt(template(), around, time.time()))

    try:
        line = (await session.prompt_async(prompt)).strip()
    except (EOFError, KeyboardInterrupt):
        return None
    return None if line in ("quit", "exit") else line


def run_shell(command: str) -> None:
    """Run a command of this user's, on this terminal; without one, a shell."""
    shell = os.environ.get("SHELL") or "/bin/sh"
    subprocess.run([shell, "-c", command] if command.strip() else [shell], check=False)


def _history() -> History:
    path = Path(HISTORY_FILE).expanduser()
    try:
        descriptor = os.open(path, os.O_CREAT | os.O_WRONLY | os.O_APPEND, 0o600)
        os.close(descriptor)
    except OSError:
        return InMemoryHistory()
    return FileHistory(str(path))
