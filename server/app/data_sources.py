"""Databases and what reads them, as one part of a server."""

from __future__ import annotations

import logging

from server.base.tasks import TaskScope
from server.config.loader import Configuration
from server.dialplan.odbc_functions import install_functions
from server.dialplan.port import Dialplan
from server.realtime.contact_store import RealtimeContactStore
from server.realtime.databases import Databases
from server.realtime.realtime import Realtime
from server.realtime.sip_objects import SipRealtime
from server.sip.contact_store import KeyValueContactStore
from server.sip.contacts import ContactStore
from server.sip.sorcery import SipObjects
from server.sip.technology import PjsipTechnology
from server.store.kv import KeyValueStore

logger = logging.getLogger(__name__)


class DataSources:
    """The databases of the configuration, and everybody who takes something from them.

    :ivar scope: of what goes on while nobody waits.
    :ivar contacts: where registered contacts survive a restart; ``None``: nowhere.
    """

    def __init__(
        self,
        configuration: Configuration,
        objects: SipObjects,
        store: KeyValueStore,
    ) -> None:
        files = configuration.databases
        self.scope = TaskScope("databases")
        self.databases = Databases(files)
        self.realtime = Realtime(self.databases, files.extconfig)
        self.sip = SipRealtime(self.realtime, objects, self.scope)
        self.sip.configure(files.sorcery)
        self.contacts = self._choose_contacts(configuration, store)
        self._files = files
        self._dialplan: Dialplan | None = None

    def connect(self, dialplan: Dialplan, sip: PjsipTechnology) -> None:
        """Give the dialplan and SIP what they ask."""
        self._dialplan = dialplan
        dialplan.realtime = self.realtime
        if self.sip.is_used:
            sip.set_fetcher(self.sip)
        self._install_functions()

    async def start(self) -> None:
        """Connect, and load what is to be there before the first call."""
        for failure in await self.databases.start():
            logger.warning("%s", failure)
        await self.sip.load()
        if isinstance(self.contacts, RealtimeContactStore):
            await self.contacts.preload()

    async def reload(self, configuration: Configuration) -> list[str]:
        """Take a new configuration, and load objects again; return warnings."""
        files = self._files = configuration.databases
        await self.databases.configure(files)
        self.realtime.configure(files.extconfig)
        self.sip.configure(files.sorcery)
        self._install_functions()
        failures = await self.databases.start()
        await self.sip.load()
        return failures

    async def close(self) -> None:
        """Write what is left, and close every connection."""
        self.sip.close()
        if isinstance(self.contacts, RealtimeContactStore):
            await self.contacts.flush()
        await self.scope.close()
        await self.databases.close()

    def _install_functions(self) -> None:
        if self._dialplan is not None:
            self._dialplan.odbc_functions = install_functions(
                self._dialplan.registry, self._files.functions, self._dialplan.odbc_functions
            )

    def _choose_contacts(
        self, configuration: Configuration, store: KeyValueStore
    ) -> ContactStore | None:
        mapping = configuration.databases.sorcery.find("contact")
        wizard = mapping.wizards[0] if mapping is not None and mapping.wizards else None
        if wizard is not None and wizard.kind == "realtime":
            name = configuration.options.systemname
            return RealtimeContactStore(self.realtime, wizard.data, self.scope, name)
        if wizard is not None and wizard.kind == "memory":
            return None
        return KeyValueContactStore(store)
