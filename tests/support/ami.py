"""A manager interface on a node under test: sessions without sockets, and their transcripts."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from server.ami.context import AmiContext
from server.ami.events.stream import AmiEvent
from server.ami.protocol import FrameReader
from server.ami.server import AmiServer
from server.ami.session import Session
from server.config.loader import Configuration, load_configuration
from server.config.sections.manager import Manager, ManagerUser
from tests.support.dialplan import DialplanUnderTest
from tests.support.node import settle

ADMIN = ManagerUser("admin", secret="s3cret", read=("all",), write=("all",))
Block = dict[str, str]


class FakeLifecycle:
    """A server that is up, and remembers what it was asked to reload."""

    def __init__(self) -> None:
        self.started_at = 0.0
        self.reloaded_at = 0.0
        self.is_fully_booted = True
        self.reloaded: list[str | None] = []

    async def reload(self, module: str | None = None) -> Sequence[str]:
        self.reloaded.append(module)
        return []


class Client:
    """A session and what it was sent."""

    has_events = False

    def __init__(self, server: AmiServer, peer: str = "127.0.0.1") -> None:
        self.session = Session(server, self, (peer, 40000), ("127.0.0.1", 5038))
        self.text = ""
        self.is_ended = False
        self.is_paused = False
        self._reader = FrameReader()

    # Outlet

    def send(self, data: bytes) -> None:
        self.text += data.decode()

    def send_event(self, event: AmiEvent) -> None:
        self.text += event.data.decode()

    def take_events(self) -> str:
        return ""

    def pause(self) -> None:
        self.is_paused = True

    def resume(self) -> None:
        self.is_paused = False

    def end(self) -> None:
        self.is_ended = True

    # the test's side

    def write(self, text: str) -> None:
        """Send bytes as a client would."""
        self.session.handle(self._reader.feed(text.replace("\n", "\r\n").encode()))

    async def ask(self, action: str, *headers: tuple[str, str], **named: Any) -> list[Block]:
        """Send an action; return what came, in order."""
        self.text = ""
        pairs = [("Action", action), *headers, *named.items()]
        self.write("".join(f"{name}: {value}\n" for name, value in pairs) + "\n")
        await settle()
        return self.blocks

    async def ask_thread(self, action: str, *headers: tuple[str, str], **named: Any) -> list[Block]:
        """As :meth:`ask`, for actions that work in a thread: wait until it is answered."""
        await self.ask(action, *headers, **named)
        tasks = [task for task in asyncio.all_tasks() if task.get_name().startswith("ami/")]
        if tasks:
            await asyncio.wait(tasks, timeout=10)
        return self.blocks

    async def log_in(self, user: str = "admin", secret: str = "s3cret", **named: Any) -> Block:
        return (await self.ask("Login", Username=user, Secret=secret, **named))[0]

    @property
    def blocks(self) -> list[Block]:
        """What was sent, as blocks of first values by name."""
        return parse(self.text)

    @property
    def events(self) -> list[str]:
        """The names of the events that were sent, in order."""
        return [block["Event"] for block in self.blocks if "Event" in block]

    def event(self, name: str) -> Block:
        """The first event of a name."""
        return next(block for block in self.blocks if block.get("Event") == name)


def parse(text: str) -> list[Block]:
    """Split what a server sent into blocks of first values by name."""
    blocks = []
    for chunk in text.split("\r\n\r\n"):
        block: Block = {}
        for line in filter(None, chunk.split("\r\n")):
            name, _, value = line.partition(":")
            block.setdefault(name, value.removeprefix(" "))
        if block:
            blocks.append(block)
    return blocks


class AmiUnderTest(DialplanUnderTest):
    """A node with a dialplan and a manager interface."""

    def __init__(self, tmp_path: Path, settings: Manager | None = None, **options: Any) -> None:
        super().__init__(tmp_path, **options)
        self.lifecycle = FakeLifecycle()
        self.configuration: Configuration = _configuration(tmp_path)
        self.commands: dict[str, str] = {}
        under = self.under
        presences = self.dialplan.presences
        assert presences is not None
        self.context = AmiContext(
            configuration=lambda: self.configuration,
            node=under.node,
            channels=under.registry,
            verbs=under.channels,
            dialplan=self.dialplan,
            dialer=under.dialer,
            bridges=under.bridges,
            endpoints=under.endpoints,
            events=under.events,
            store=self.store,
            devices=under.devices,
            presences=presences,
            mailboxes=under.mailboxes,
            messages=under.messages,
            modules=under.modules,
            lifecycle=self.lifecycle,
            run_command=self._command(),
            version="test",
            sip_objects=under.sip_objects,
        )
        self.server = AmiServer(settings or Manager(users={"admin": ADMIN}), self.context)

    def _command(self) -> Callable[[str], Awaitable[str]]:
        async def run(line: str) -> str:
            return self.commands.get(line, f"No such command '{line}'")

        return run

    async def close(self) -> None:
        await self.server.close()
        await super().close()

    async def client(self, **named: Any) -> Client:
        """Return a client that is logged in."""
        client = Client(self.server)
        await client.log_in(**named)
        client.text = ""
        return client


def user(name: str, **options: Any) -> ManagerUser:
    """Return a user whose secret is that of :data:`ADMIN`."""
    return replace(ADMIN, name=name, **options)


def _configuration(directory: Path) -> Configuration:
    etc = directory / "etc"
    etc.mkdir(exist_ok=True)
    path = etc / "asterisk.conf"
    path.write_text(f"[directories]\nastetcdir => {etc}\nastspooldir => {directory}\n")
    return load_configuration(str(path))
