"""One running server: every part, built in one place, started upwards and stopped downwards."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import secrets
from pathlib import Path

from server.agi.external_ivr import ExternalIvr
from server.agi.launcher import Launcher as AgiLauncher
from server.app.data_sources import DataSources
from server.app.modules import apply_modules_conf, count_uses, register_modules
from server.app.observability import configure_metrics, make_metrics
from server.app.settings import (
    agi_settings,
    define_music,
    dialplan_settings,
    engine_settings,
    journal_limits,
    node_settings,
    sip_sources,
    sound_library,
    system_facts,
    timeline_keep,
)
from server.base.clock import SystemClock
from server.base.errors import ServerError, Unavailable
from server.base.ids import UniqueIds
from server.base.log import LogService
from server.callfiles.attempt import Attempts
from server.callfiles.service import CallFiles
from server.callfiles.spool import Spool
from server.cli.options import Options
from server.config.loader import Configuration
from server.dialplan.plan import Plan
from server.dialplan.port import Dialplan
from server.http.outbound import OutboundWebsockets
from server.http.server import HttpServer
from server.http.services import Services
from server.http.webhooks.webhooks import Webhooks
from server.media.engine import MediaEngine
from server.resources.app_state import AppState
from server.resources.asterisk import Asterisk
from server.resources.bridges import Bridges
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
from server.resources.node import Node
from server.resources.originate import Originator
from server.resources.playbacks import Playbacks
from server.resources.presence_states import PresenceStates
from server.resources.recordings import Recordings
from server.resources.registry import ChannelRegistry
from server.resources.snoops import Snoops
from server.resources.sounds import Sounds
from server.resources.timeline import Timelines
from server.resources.transfers import Transfers
from server.sip.sorcery import CONFIG_CLASS, SipObjects
from server.sip.technology import PjsipTechnology
from server.stasis.applications import Applications
from server.stasis.bus import Bus
from server.stasis.journal import Journals
from server.store.event_log import EventLog
from server.store.kv import KeyValueStore
from server.tech.audiosocket import AudioSocketTechnology
from server.tech.external_media import UnicastRtpTechnology
from server.tech.local import LocalTechnology
from server.tech.websocket import WebSocketTechnology

logger = logging.getLogger(__name__)

HANGUP_GRACE = 3.0  # seconds that calls get to end when the server stops


class Server:
    """Every part of a node.

    :param configuration: what the files say.
    :param options: what the command line says, merged with asterisk.conf.
    """

    def __init__(self, configuration: Configuration, options: Options, log: LogService) -> None:
        self.configuration = configuration
        self.options = options
        self.log = log
        self.clock = SystemClock()
        self.is_fully_booted = asyncio.Event()
        self.started_at = self.clock.wall()
        self.store = KeyValueStore(Path(configuration.directories.astdbdir) / "astdb.sqlite3")
        self.event_log = EventLog(Path(configuration.directories.astdbdir) / "events.sqlite3")
        self.engine = MediaEngine(engine_settings(configuration))

    # start and stop

    async def start(self) -> None:
        """Bring everything up; on return calls and requests are served.

        :raises ServerError: a part can't start, such as a port that is in use.
        """
        await self.store.open()
        await self.event_log.open()
        await self.engine.start()
        self._build()
        define_music(self.configuration, self.engine)
        self.applications.restore()
        apply_modules_conf(self)
        await self.data.start()
        await self.read_dialplan()
        if self.has_module("chan_pjsip"):
            await self.sip.start()
        else:
            self.dialer.remove_technology(self.sip)
        await configure_metrics(self, self.configuration)
        await self._start_http()
        self.http.set_fully_booted()
        self.outbound.configure(self.configuration.ari, self.configuration.websocket_clients)
        self.webhooks.configure(self.configuration.ari)
        self.is_fully_booted.set()
        if self.has_module("pbx_spool"):
            await self.call_files.start()
        logger.info("ready")

    def has_module(self, name: str) -> bool:
        """Tell whether a part is there, by the name of Asterisk's module for it."""
        return self.modules.is_loaded(name)

    def reread_dialplan(self) -> None:
        """Read the dialplan again soon, as one of its sources came or went."""
        if self.is_fully_booted.is_set():
            self.modules.scope.spawn(self._reread_dialplan(), "dialplan")

    async def _reread_dialplan(self) -> None:
        try:
            await self.read_dialplan()
        except ServerError as error:
            logger.error("the dialplan stays as it is: %s", error)

    async def read_dialplan(self) -> list[str]:
        """Read the dialplan with the sources whose modules are loaded."""
        self.dialplan.settings = dialplan_settings(self.configuration, self.has_module)
        return await self.load_dialplan()

    async def load_dialplan(self) -> list[str]:
        """Read extensions.conf, .ael and .lua; return warnings. Without them all is empty.

        :raises ConfigError: it is broken; the present dialplan stays.
        """
        path = self.dialplan.settings.path
        await self.dialplan.load_say_rules()
        if await asyncio.to_thread(self.dialplan.settings.sources.exist):
            return await self.dialplan.reload()
        missing = [f"{path}: no such file, so no extensions"] if path else []
        return [*self.dialplan.install(Plan()), *missing]

    async def _start_http(self) -> None:
        try:
            await self.http.start()
        except OSError as error:
            settings = self.configuration.http
            where = f"{settings.bindaddr}:{settings.bindport}"
            raise Unavailable(f"HTTP can't listen on {where}: {error.strerror}") from None

    async def stop(self) -> None:
        """End calls and take everything down; recordings are completed. May be called again."""
        self.is_fully_booted.clear()
        if hasattr(self, "call_files"):
            await self.call_files.close()
        if hasattr(self, "node"):
            self.node.is_stopping = True
            await self._end_calls()
            self.bus.flush()
        if hasattr(self, "http"):
            await self.outbound.close()
            await self.webhooks.close()
            await self.http.close()
            await self.modules.scope.close()
            await self.sip.close()
        if hasattr(self, "node"):
            self.applications.close()
            await self.data.close()
            await self.node.scope.close()
            await self.metrics.close()
            self.bus.flush()  # what was still to be said about the calls goes to the journals
            await self.event_log.close(self.journals.last)
        await self.engine.close()
        await self.event_log.close()
        await self.store.close()

    # private

    def _build(self) -> None:
        configuration = self.configuration
        name = configuration.options.systemname
        self.bus = Bus(self.clock, self._entity_id())
        self.journals = Journals(journal_limits(configuration), self.clock, self.event_log)
        self.applications = Applications(self.bus, self.journals)
        self.registry = ChannelRegistry()
        self.node = Node(
            clock=self.clock,
            ids=UniqueIds(self.clock, name),
            bus=self.bus,
            applications=self.applications,
            engine=self.engine,
            sounds=sound_library(configuration),
            registry=self.registry,
            settings=node_settings(configuration, self.options),
        )
        self.dialer = Dialer(self.node)
        self.endpoints = Endpoints(self.node, lambda: self.dialer.technologies)
        self.device_states = DeviceStates(self.node, self.endpoints, self.store)
        self.presence_states = PresenceStates(self.store)
        self.mailboxes = Mailboxes(self.store)
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
        self.applications.set_resources(
            AppState(self.node, self.bridges, self.endpoints, self.playbacks, self.recordings)
        )
        self.asterisk = Asterisk(
            self.node,
            system_facts(configuration, self.options, self.started_at),
        )

        self.sounds = Sounds(self.node)
        self._build_edges()

    def _tell_maintenance(self, endpoint: str, is_on: bool) -> None:
        fields = {"Endpoint": endpoint, "Status": "enabled" if is_on else "disabled"}
        self.node.notices.tell("PJSIPMaintenanceStatus", None, fields)

    def _build_edges(self) -> None:
        """Build what brings calls and requests in: technologies, the dialplan, HTTP."""
        configuration = self.configuration
        self.messages = Messages(self.node, self.endpoints)
        self.node.on_text = self.messages.on_text
        transfers = Transfers(self.node, self.bridges, self.dialer)
        self.node.on_transfer = transfers.request
        incoming = IncomingCalls(self.node, self.dialer, self.endpoints, self.messages, transfers)
        self.sip_objects = SipObjects(
            self.store,
            apply=lambda settings: self.sip.reload(settings),
            contacts=lambda: self.sip.contacts(),
            remove_contact=lambda contact: self.sip.remove_contact(contact),
        )
        sip_settings = self.sip_objects.configure(**sip_sources(configuration))
        for warning in sip_settings.warnings:
            logger.warning("%s", warning)
        self.data = DataSources(configuration, self.sip_objects, self.store)
        contacts = self.data.contacts
        self.sip = PjsipTechnology(sip_settings, self.engine, incoming, contacts, self.clock)
        self.sip.maintenance.observers.append(self._tell_maintenance)
        self.dialer.add_technology(self.sip)
        self.dialer.add_technology(LocalTechnology(incoming, self.engine))
        self.dialer.add_technology(UnicastRtpTechnology(self.engine))
        self.dialer.add_technology(AudioSocketTechnology(self.engine, self.node.scope))
        self.media = WebSocketTechnology(
            self.engine, self.node.scope, configuration.websocket_clients
        )
        self.dialer.add_technology(self.media)
        self.dialplan = Dialplan(
            self.node,
            self.dialer,
            self.bridges,
            store=self.store,
            devices=self.device_states,
            presences=self.presence_states,
            settings=dialplan_settings(configuration),
        )
        self.node.set_dialplan(self.dialplan)
        self.data.connect(self.dialplan, self.sip)
        self.agi = AgiLauncher(agi_settings(configuration))
        self.agi.install(self.dialplan.registry)
        ExternalIvr(self.agi.script_dir).install(self.dialplan.registry)
        spool = Path(configuration.directories.astspooldir)
        self.call_files = CallFiles(Spool(spool), Attempts(self.dialplan, self.dialer), self.clock)
        self.dynamic_config = DynamicConfig()
        self.dynamic_config.add_class(CONFIG_CLASS, self.sip_objects)
        self.modules = Modules(lambda: count_uses(self))
        self.dialplan.modules = self.modules
        self.dialplan.dynamic_config = self.dynamic_config
        services = Services(
            applications=self.applications,
            asterisk=self.asterisk,
            bridges=self.bridges,
            channels=self.channels,
            device_states=self.device_states,
            dynamic_config=self.dynamic_config,
            endpoints=self.endpoints,
            events=self.events,
            log_channels=LogChannels(self.log),
            mailboxes=self.mailboxes,
            modules=self.modules,
            playbacks=self.playbacks,
            recordings=self.recordings,
            sounds=self.sounds,
            timelines=Timelines(
                self.node,
                self.channels.rtp_statistics,
                timeline_keep(configuration),
                configuration.ari.timeline_max_bytes,
            ),
        )
        self.http = HttpServer(
            configuration.http,
            configuration.ari,
            services,
            self.bus,
            self.clock,
            data_dir=Path(configuration.directories.astdatadir),
        )
        self.http.media = self.media
        register_modules(self)
        self.metrics = make_metrics(self)
        self.outbound = OutboundWebsockets(self.http, self.applications, self.bus)
        self.applications.set_call_connector(self.outbound)
        self.webhooks = Webhooks(self.http, self.applications, self.bus, spool / "webhooks")

    def _entity_id(self) -> str:
        """Return this node's id: configured, else drawn once and kept."""
        configured = self.configuration.options.entityid or self.configuration.options.systemname
        if configured:
            return configured
        kept = self.store.get("arion", "entityid")
        if kept is None:
            kept = ":".join(f"{octet:02x}" for octet in secrets.token_bytes(6))
            self.store.put("arion", "entityid", kept)
        return kept

    async def _end_calls(self) -> None:
        for channel in self.registry:
            channel.hangup()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self.registry.wait_empty(), HANGUP_GRACE)
