"""modules.conf: which parts of the server are there, under the names of Asterisk's modules."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from server.config.binder import bind, setting, settings
from server.config.objects import ConfigFile, ConfigWarning, Option, unknown_section
from server.config.types import boolean

SUFFIX = ".so"
MAX_NAME_LENGTH = 80
_REQUIRING = frozenset({"require", "preload-require"})


def module_name(value: str) -> str:
    """A module's name; ``.so`` may be there or not."""
    name = value.removesuffix(SUFFIX)
    if not name or len(name) > MAX_NAME_LENGTH or "/" in name or not name.isprintable():
        raise ValueError("expected the name of a module such as app_dial.so")
    return name


@dataclass(frozen=True, slots=True)
class ModulesConf:
    """``[modules]``; names are without ``.so``.

    :param has_file: without the file everything is there.
    :param places: where each name of ``load``, ``preload`` and the requiring ones stands.
    """

    autoload: bool = setting(boolean, False)
    load: tuple[str, ...] = settings(module_name)
    noload: tuple[str, ...] = settings(module_name)
    preload: tuple[str, ...] = settings(module_name)
    preload_require: tuple[str, ...] = settings(module_name, names=("preload-require",))
    require: tuple[str, ...] = settings(module_name)
    has_file: bool = False
    places: tuple[tuple[str, Option], ...] = field(default=(), compare=False)

    @property
    def required(self) -> frozenset[str]:
        """What the server does not start without."""
        return frozenset(self.require) | frozenset(self.preload_require)

    @property
    def loaded(self) -> frozenset[str]:
        """What is loaded by name."""
        return self.required | frozenset(self.load) | frozenset(self.preload)

    def wants(self, name: str) -> bool:
        """Say whether a module is to be there. ``noload`` goes before everything else."""
        if not self.has_file:
            return True
        return name not in self.noload and (self.autoload or name in self.loaded)

    def asked_for(self) -> Iterator[tuple[str, Option]]:
        """Iterate over what is loaded by name, in the file's order, and where it says so."""
        return ((name, option) for name, option in self.places if name not in self.noload)


def build_modules(file: ConfigFile | None, warnings: list[ConfigWarning]) -> ModulesConf:
    """Read modules.conf. Without the file everything is loaded.

    :raises ConfigError: a value can't be read.
    """
    if file is None:
        return ModulesConf()
    options: list[Option] = []
    for section in file.sections:
        if section.name.lower() == "modules":
            options += section.options
        elif section.name.lower() != "global":  # of old: which C symbols modules share
            warnings.append(unknown_section(section))
    places = [
        (option.value.removesuffix(SUFFIX), option)
        for option in options
        if option.name.lower() in _REQUIRING | {"load", "preload"}
    ]
    return bind(ModulesConf, options, warnings, has_file=True, places=tuple(places))
