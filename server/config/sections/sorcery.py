"""sorcery.conf: where objects of a module are kept, and for how long they are remembered.

::

    [res_pjsip]
    endpoint=config,pjsip.conf,criteria=type=endpoint
    endpoint=realtime,ps_endpoints
    endpoint/cache=memory_cache,object_lifetime_stale=600,expire_on_reload=yes
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from server.config.objects import ConfigFile, ConfigWarning, Option, Remark
from server.config.types import boolean, integer

WIZARDS = ("config", "astdb", "realtime", "memory")
CACHE = "memory_cache"
NO_EFFECT = ("maximum_objects", "full_backend_cache")
_seconds = integer(0, 2**31 - 1)


@dataclass(frozen=True, slots=True)
class CacheOptions:
    """``memory_cache``. Seconds are from the moment when an object was read; 0: without limit.

    :ivar object_lifetime_stale: from then on an object is used, and read again meanwhile.
    :ivar object_lifetime_maximum: from then on it is read again before it is used.
    :ivar expire_on_reload: a reload forgets everything.
    :ivar name: what commands call it; empty: ``module/type``.
    """

    object_lifetime_stale: int = 0
    object_lifetime_maximum: int = 0
    expire_on_reload: bool = False
    name: str = ""


@dataclass(frozen=True, slots=True)
class Wizard:
    """One place where a type of object is.

    :param data: the family of ``realtime`` and ``astdb``, the file of ``config``.
    :param options: what follows it, such as ``criteria`` of ``config``.
    """

    kind: str
    data: str
    options: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ObjectMapping:
    """Where one type of object is: every place, in the order in which they are asked."""

    wizards: tuple[Wizard, ...] = ()
    cache: CacheOptions | None = None

    def of(self, kind: str) -> Wizard | None:
        """Return the first wizard of a kind."""
        return next((wizard for wizard in self.wizards if wizard.kind == kind), None)


@dataclass(frozen=True, slots=True)
class Sorcery:
    """The file: by module, by type of object."""

    modules: Mapping[str, Mapping[str, ObjectMapping]] = field(default_factory=dict)

    def find(self, object_type: str) -> ObjectMapping | None:
        """Return where a type of object is, whichever module has it."""
        for types in self.modules.values():
            if object_type in types:
                return types[object_type]
        return None

    def caches(self) -> dict[str, str]:
        """Return the types of object that are cached, by the names of their caches."""
        return {
            mapping.cache.name or f"{module}/{object_type}": object_type
            for module, types in self.modules.items()
            for object_type, mapping in types.items()
            if mapping.cache is not None
        }


def build_sorcery(file: ConfigFile | None, warnings: list[ConfigWarning]) -> Sorcery:
    """Make the settings of a parsed file; a line that can't be used is reported and left out."""
    modules: dict[str, dict[str, ObjectMapping]] = {}
    for section in file.sections if file is not None else ():
        if section.name == "general":
            continue
        types = modules.setdefault(section.name, {})
        for option in section.options:
            try:
                _add(types, option)
            except ValueError as error:
                message = f"{option.name}: {error}"
                warnings.append(ConfigWarning(option.path, option.line, message))
            for name in (name for name in NO_EFFECT if name in option.value):
                message = f"{name} has no effect: every object is kept in memory"
                warning = ConfigWarning(option.path, option.line, message, Remark.NO_EFFECT)
                warnings.append(warning)
    return Sorcery(modules)


def _add(types: dict[str, ObjectMapping], option: Option) -> None:
    object_type, _, kind = option.name.partition("/")
    wizard, _, rest = option.value.partition(",")
    wizard = wizard.strip().lower()
    known = types.get(object_type, ObjectMapping())
    if kind.lower() == "cache" or wizard == CACHE:
        if wizard != CACHE:
            raise ValueError(f"expected {CACHE}, not {wizard[:60]!r}")
        types[object_type] = ObjectMapping(known.wizards, _read_cache(rest))
        return
    if wizard not in WIZARDS:
        raise ValueError(f"expected one of {', '.join(WIZARDS)}, not {wizard[:60]!r}")
    data, _, options = rest.partition(",")
    made = Wizard(wizard, data.strip(), _read_options(options))
    types[object_type] = ObjectMapping((*known.wizards, made), known.cache)


def _read_options(text: str) -> dict[str, str]:
    pairs = (word.partition("=") for word in text.split(",") if word.strip())
    return {name.strip().lower(): value.strip() for name, _, value in pairs}


def _read_cache(text: str) -> CacheOptions:
    values: dict[str, int | bool | str] = {}
    for name, value in _read_options(text).items():
        if name == "expire_on_reload":
            values[name] = boolean(value)
        elif name in ("object_lifetime_stale", "object_lifetime_maximum"):
            values[name] = _seconds(value)
        elif name == "name":
            values[name] = value
        elif name not in NO_EFFECT:
            raise ValueError(f"unknown option {name[:60]!r}")
    return CacheOptions(**values)  # type: ignore[arg-type]  # checked by name above
