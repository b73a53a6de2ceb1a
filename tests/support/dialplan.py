"""A node that runs a real dialplan, written in the test as extensions.conf."""

from __future__ import annotations

from pathlib import Path
from textwrap import dedent
from typing import Any

from server.config.ini import parse_text
from server.dialplan.loader import compile_plan
from server.dialplan.port import Dialplan, DialplanSettings
from server.resources.channel import Channel
from server.resources.presence_states import PresenceStates
from server.store.kv import KeyValueStore
from tests.support.fake_tech import FakeLeg
from tests.support.node import NodeUnderTest, settle


class DialplanUnderTest:
    """Everything of a node, with :class:`Dialplan` in its place.

    :ivar log: what each finished channel's ``LOG`` variable held, by channel name.
    """

    def __init__(self, tmp_path: Path, **settings: Any) -> None:
        self.under = NodeUnderTest(tmp_path)
        self.store = KeyValueStore(tmp_path / "astdb.sqlite3")
        self.dialplan = Dialplan(
            self.under.node,
            self.under.dialer,
            self.under.bridges,
            store=self.store,
            devices=self.under.devices,
            presences=PresenceStates(self.store),
            settings=DialplanSettings(
                constants={"SYSTEMNAME": "test-node"}, recording_dir=tmp_path, **settings
            ),
        )
        self.under.node.set_dialplan(self.dialplan)

    async def start(self) -> None:
        await self.under.start()
        await self.store.open()

    async def close(self) -> None:
        await self.under.close()
        await self.store.close()

    def load(self, source: str) -> list[str]:
        """Install a dialplan; a text without sections is context ``default``."""
        source = dedent(source)
        if "[" not in source.partition("exten")[0]:
            source = "[default]\n" + source
        return self.dialplan.install(compile_plan(parse_text(source, path="extensions.conf")))

    async def call(self, exten: str = "s", *, endpoint: str = "alice") -> Channel:
        """Bring a call in, and let it run as far as it goes without waiting."""
        leg = self.under.phones.call(self.under.incoming, endpoint, exten)
        channel = self.under.registry.find(leg.name)
        assert channel is not None
        await settle()
        return channel

    async def run(self, body: str, **options: Any) -> Channel:
        """Run the steps of *body* (``App(args)`` by line) as extension ``s`` from 1 on."""
        lines = [line.strip() for line in dedent(body).strip().splitlines() if line.strip()]
        self.load("exten => s,1,NoOp()\n" + "\n".join(f"same => n,{line}" for line in lines))
        return await self.call("s", **options)

    def leg(self, channel: Channel) -> FakeLeg:
        assert isinstance(channel.leg, FakeLeg)
        return channel.leg

    def value(self, channel: Channel, name: str) -> str | None:
        return channel.variables.get(name)
