"""A whole node without network, disk and threads: real resources on fake engine and technology."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import orjson

from server.base.ids import UniqueIds
from server.base.log import LogService
from server.base.log_settings import LogSettings
from server.config.sections.websocket_client import WebsocketClient
from server.media.sounds import SoundInfo
from server.resources.app_state import AppState
from server.resources.asterisk import Asterisk, SystemFacts
from server.resources.bridges import Bridges
from server.resources.channel import Channel
from server.resources.channels import Channels
from server.resources.device_states import DeviceStates
from server.resources.dialing import Dialer
from server.resources.dynamic_config import DynamicConfig
from server.resources.endpoints import Endpoints
from server.resources.events import Events
from server.resources.external_media import ExternalMedia
from server.resources.incoming import IncomingCalls
from server.resources.logging_channels import LogChannels
from server.resources.mailboxes import Mailboxes
from server.resources.messages import Messages
from server.resources.modules import Modules
from server.resources.node import Node, NodeSettings
from server.resources.originate import Originator
from server.resources.playbacks import Playbacks
from server.resources.recordings import Recordings
from server.resources.registry import ChannelRegistry
from server.resources.snoops import Snoops
from server.resources.stasis_calls import enter_stasis
from server.resources.transfers import Transfers
from server.sip.contacts import Contact
from server.sip.settings import SipSettings
from server.sip.sorcery import CONFIG_CLASS, SipObjects
from server.stasis.applications import Applications
from server.stasis.bus import Bus
from server.stasis.journal import JournalLimits, Journals
from server.stasis.options import PLAIN, Options
from server.store.kv import KeyValueStore
from server.tech.audiosocket import AudioSocketTechnology
from server.tech.base import ExtensionMatch
from server.tech.external_media import UnicastRtpTechnology
from server.tech.local import LocalTechnology
from server.tech.websocket import WebSocketTechnology
from tests.support.fake_engine import FakeEngine
from tests.support.fake_tech import FakeTechnology

Controller = Callable[[Channel], Awaitable[None]]


class FixedClock:
    """Wall time that stands still; loop time that runs."""

    def now(self) -> float:
        return asyncio.get_running_loop().time()

    def wall(self) -> float:
        return 1_700_000_000.25


class FakeSounds:
    """Has every prompt whose name does not begin with ``missing``."""

    def find(self, name: str, language: str) -> Path | None:
        return None if name.startswith("missing") else Path(f"/sounds/{language}/{name}.wav")

    def list(self) -> list[SoundInfo]:
        return [SoundInfo("beep", "a tone", [("en", "slin")])]

    def get(self, sound_id: str) -> SoundInfo | None:
        return next((sound for sound in self.list() if sound.id == sound_id), None)


class FakeDialplan:
    """Extensions are coroutines of the test; the default one enters Stasis as ``test``."""

    def __init__(self) -> None:
        self.extensions: dict[str, Controller] = {"stasis": lambda c: enter_stasis(c, "test", [])}
        self.globals: dict[str, str] = {}
        self.labels: dict[str, int] = {}

    def match(self, context: str, exten: str, caller_number: str) -> ExtensionMatch:
        return ExtensionMatch.EXACT if exten in self.extensions else ExtensionMatch.NONE

    def has(self, context: str, exten: str, priority: int, caller_number: str) -> bool:
        return exten in self.extensions

    def find_label(self, context: str, exten: str, label: str, caller_number: str) -> int | None:
        return self.labels.get(label)

    def start(self, channel: Channel) -> None:
        channel.take_control(self._run(channel), "dialplan")

    def read(self, channel: Channel | None, expression: str) -> str | None:
        return (
            self.globals.get(expression) if channel is None else channel.variables.get(expression)
        )

    def write(self, channel: Channel | None, expression: str, value: str) -> None:
        if channel is None:
            self.globals[expression] = value
        else:
            channel.variables.set(expression, value)

    async def _run(self, channel: Channel) -> None:
        await self.extensions[channel.exten](channel)
        channel.hangup()


class MemoryStore(KeyValueStore):
    """A key-value store without a file."""

    def __init__(self) -> None:
        super().__init__(Path("/nowhere"))

    def _change(self, full: str, value: str | None) -> None:
        pass


class Collector:
    """A consumer that keeps every event it got."""

    def __init__(self) -> None:
        self.events: list[dict[str, Any]] = []
        self.closed: tuple[int, str] | None = None

    def deliver(self, frame: bytes) -> None:
        self.events.append(orjson.loads(frame))

    def close(self, code: int, reason: str) -> None:
        self.closed = (code, reason)

    @property
    def types(self) -> list[str]:
        return [event["type"] for event in self.events]

    def of(self, event_type: str) -> list[dict[str, Any]]:
        return [event for event in self.events if event["type"] == event_type]


class NodeUnderTest:
    """Everything of a node, wired as the server wires it."""

    def __init__(self, recording_dir: Path) -> None:
        clock = FixedClock()
        self.engine = FakeEngine()
        self.bus = Bus(clock, "test-node")
        self.journals = Journals(JournalLimits(), clock)
        self.applications = Applications(self.bus, self.journals)
        self.registry = ChannelRegistry()
        self.node = Node(
            clock=clock,
            ids=UniqueIds(clock),
            bus=self.bus,
            applications=self.applications,
            engine=self.engine,
            sounds=FakeSounds(),  # type: ignore[arg-type]
            registry=self.registry,
            settings=NodeSettings(recording_dir=recording_dir),
        )
        self.dialplan = FakeDialplan()
        self.node.set_dialplan(self.dialplan)
        self.dialer = Dialer(self.node)
        self.endpoints = Endpoints(self.node, lambda: self.dialer.technologies)
        self.store = MemoryStore()
        self.devices = DeviceStates(self.node, self.endpoints, self.store)
        self.mailboxes = Mailboxes(self.store)
        self.uses: dict[str, int] = {}
        self.modules = Modules(lambda: self.uses)
        self.sip_settings: list[SipSettings] = []  # each that was to be used, in order
        self.sip_contacts: list[Contact] = []
        self.sip_objects = SipObjects(
            self.store,
            apply=self.sip_settings.append,
            contacts=lambda: self.sip_contacts,
            remove_contact=self.sip_contacts.remove,
        )
        self.dynamic_config = DynamicConfig()
        self.dynamic_config.add_class(CONFIG_CLASS, self.sip_objects)
        self.log_channels = LogChannels(LogService(LogSettings(), str(recording_dir / "log")))
        self.playbacks = Playbacks(self.node)
        self.recordings = Recordings(self.node)
        self.bridges = Bridges(self.node, self.playbacks, self.recordings)
        self.originator = Originator(self.node, self.dialer)
        self.channels = Channels(
            self.node,
            self.originator,
            self.playbacks,
            self.recordings,
            Snoops(self.node, self.dialer),
            ExternalMedia(self.originator, lambda name: self.dialer.technology(name) is not None),
        )
        self.events = Events(self.node, self.bridges, self.endpoints)
        self.asterisk = Asterisk(self.node, SystemFacts(started=0.0, reloaded=0.0))
        self.applications.set_resources(
            AppState(self.node, self.bridges, self.endpoints, self.playbacks, self.recordings)
        )
        self.messages = Messages(self.node, self.endpoints)
        self.node.on_text = self.messages.on_text
        self.transfers = Transfers(self.node, self.bridges, self.dialer)
        self.node.on_transfer = self.transfers.request
        self.incoming = IncomingCalls(
            self.node, self.dialer, self.endpoints, self.messages, self.transfers
        )
        self.phones = FakeTechnology(self.engine, ["alice", "bob", "carol"])
        self.dialer.add_technology(self.phones)
        self.dialer.add_technology(LocalTechnology(self.incoming, self.engine))
        self.dialer.add_technology(UnicastRtpTechnology(self.engine))
        self.dialer.add_technology(AudioSocketTechnology(self.engine, self.node.scope))
        self.websocket_clients: dict[str, WebsocketClient] = {}
        self.media = WebSocketTechnology(self.engine, self.node.scope, self.websocket_clients)
        self.dialer.add_technology(self.media)

    async def start(self) -> None:
        await self.engine.start()

    async def close(self) -> None:
        self.applications.close()
        for channel in self.registry:
            channel.hangup()
        await settle()
        await self.node.scope.close()
        await self.modules.scope.close()
        await self.engine.close()

    def connect(
        self, *apps: str, subscribe_all: bool = False, options: Options = PLAIN
    ) -> Collector:
        """Connect a consumer as *apps* (``test`` if none is named)."""
        collector = Collector()
        self.applications.register(
            apps or ("test",), collector, subscribe_all=subscribe_all, options=options
        )
        return collector

    async def call(self, endpoint: str = "alice", exten: str = "stasis") -> Channel:
        """Bring a call in and let things settle."""
        leg = self.phones.call(self.incoming, endpoint, exten)
        await settle()
        channel = self.registry.find(leg.name)
        assert channel is not None
        return channel


async def settle() -> None:
    """Let every task that can run, run."""
    for _ in range(12):
        await asyncio.sleep(0)
