"""Parts of the server under the names of Asterisk's modules: ``/asterisk/modules``.

Whoever has a part registers it, and says how it is loaded and unloaded if that can be done while
the server runs. A part that is in use stays.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass

from server import model
from server.base.errors import Conflict, NotFound, ServerError
from server.base.tasks import TaskScope

logger = logging.getLogger(__name__)

SUFFIX = ".so"

Reload = Callable[[str], Awaitable[object]]
"""Lets the module of this name read its configuration again."""


@dataclass(slots=True)
class Module:
    """One part.

    :param name: as in Asterisk, with ``.so``.
    :param load: bring it back after :attr:`unload`.
    :param unload: take it out of the running server; ``None`` if that can't be done.
    :param can_reload: it has a configuration to read again.
    """

    name: str
    description: str
    load: Callable[[], None] | None = None
    unload: Callable[[], None] | None = None
    can_reload: bool = False
    support_level: str = "core"
    is_loaded: bool = True


class Modules:
    """Every part, by name.

    :param uses: tells how often each module is used now; those it does not name are not in use.
    :ivar observers: told of every change: ``Load`` or ``Unload``, and the name.
    """

    def __init__(self, uses: Callable[[], Mapping[str, int]]) -> None:
        self._uses = uses
        self._modules: dict[str, Module] = {}
        self._reload: Reload | None = None
        self._is_reloading = False
        self.observers: list[Callable[[str, str], None]] = []
        self._waiting: dict[str, None] = {}  # modules to reload next; never more than there are
        self.scope = TaskScope("modules")

    def __iter__(self) -> Iterator[Module]:
        """Iterate over the modules that are loaded, by name."""
        loaded = [module for module in self._modules.values() if module.is_loaded]
        return iter(sorted(loaded, key=lambda module: module.name))

    def add(self, module: Module) -> None:
        """Register a part.

        :raises Conflict: there is one of this name.
        """
        if module.name in self._modules:
            raise Conflict(f"module {module.name} exists already")
        self._modules[module.name] = module

    def names(self) -> list[str]:
        """Return the name of every part, without ``.so``, loaded or not."""
        return [name.removesuffix(SUFFIX) for name in self._modules]

    def can_leave_out(self, name: str) -> bool:
        """Tell whether a part is one that the server can do without."""
        module = self._modules.get(full_name(name))
        return module is not None and module.unload is not None

    def leave_out(self, name: str) -> None:
        """Take a part out before the server starts, whatever could use it.

        :raises NotFound: it is not there.
        """
        module = self._loaded(name)
        if module.unload is not None:
            module.unload()
        module.is_loaded = False

    def set_reloader(self, reload: Reload) -> None:
        """Install who reads configurations again."""
        self._reload = reload

    def is_loaded(self, name: str) -> bool:
        """Tell whether a module is loaded, by its name with or without ``.so``."""
        return self.find(name) is not None

    def find(self, name: str) -> Module | None:
        """Return a module that is loaded, by its name with or without ``.so``."""
        module = self._modules.get(full_name(name))
        return module if module is not None and module.is_loaded else None

    # the API's verbs

    def list(self) -> list[model.Module]:
        """Return every module that is loaded."""
        uses = self._uses()
        return [_describe(module, uses) for module in self]

    def get(self, module_name: str) -> model.Module:
        """Return one module.

        :raises NotFound: it is not loaded.
        :raises Conflict: what it is used for can't be told, as it is being taken down.
        """
        module = self._loaded(module_name)
        try:
            return _describe(module, self._uses())
        except ServerError as error:
            raise Conflict(f"Module information could not be retrieved: {error}") from error

    def load(self, module_name: str) -> None:
        """Load a module that was unloaded.

        :raises Conflict: there is no such module, or it is loaded.
        """
        module = self._modules.get(full_name(module_name))
        if module is None:
            raise Conflict(f"Module could not be loaded: there is no {module_name}")
        if module.is_loaded:
            raise Conflict(f"Module is already loaded: {module.name}")
        if module.load is None:
            raise Conflict(f"Module could not be loaded: {module.name} needs a restart")
        module.load()
        module.is_loaded = True
        logger.info("module %s loaded", module.name)
        for observer in self.observers:
            observer("Load", module.name)

    def unload(self, module_name: str) -> None:
        """Take a module out of the running server.

        :raises NotFound: it is not loaded.
        :raises Conflict: it is in use, or the server can't do without it.
        """
        module = self._loaded(module_name)
        if module.unload is None:
            raise Conflict("Module could not be unloaded: the server can't do without it")
        if count := self._uses().get(module.name, 0):
            raise Conflict(f"Module could not be unloaded: its use count is {count}")
        module.unload()
        module.is_loaded = False
        logger.info("module %s unloaded", module.name)
        for observer in self.observers:
            observer("Unload", module.name)

    async def reload(self, module_name: str) -> bool:
        """Let a module read its configuration again.

        :returns: ``False`` if another reload is under way: this one follows it.
        :raises NotFound: it is not loaded.
        :raises Conflict: it has no configuration, or this is wrong.
        """
        module = self._loaded(module_name)
        if not module.can_reload or self._reload is None:
            raise Conflict("Module does not support reloading")
        if self._is_reloading:
            self._waiting[module.name] = None
            return False
        self._is_reloading = True
        try:
            await self._reload(module.name)
        except ServerError as error:
            raise Conflict(f"An error was encountered while reloading module: {error}") from error
        finally:
            self._is_reloading = False
            if self._waiting:
                self.scope.spawn(self._reload_waiting(), "reload")
        return True

    # private

    async def _reload_waiting(self) -> None:
        name = next(iter(self._waiting))
        del self._waiting[name]
        try:
            await self.reload(name)
        except ServerError as error:
            logger.error("%s: %s", name, error)

    def _loaded(self, name: str) -> Module:
        module = self.find(name)
        if module is None:
            raise NotFound("Module could not be found in running modules")
        return module


def full_name(name: str) -> str:
    """Return a module's name with ``.so``."""
    return name if name.endswith(SUFFIX) else name + SUFFIX


def _describe(module: Module, uses: Mapping[str, int]) -> model.Module:
    return model.Module(
        name=module.name,
        description=module.description,
        use_count=uses.get(module.name, 0),
        status="Running",
        support_level=module.support_level,
    )
