"""Binds the options of a section to the fields of a frozen dataclass.

A field made by :func:`setting` takes the option of its own name, or of the names given. What
binds is thereby declared once, beside the default; what does not bind is reported.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Sequence
from dataclasses import MISSING, field
from typing import Any, TypeVar, cast

from server.base.errors import ConfigError
from server.config.objects import ConfigWarning, Option, Remark

T = TypeVar("T")
_KEY = "server.config.setting"
MIN_LIKENESS = 0.75  # of a name, 0 to 1, that is worth suggesting


@dataclasses.dataclass(frozen=True, slots=True)
class Setting:
    """How one field is read.

    :param names: option names in lower case, aliases included.
    :param is_list: every option of these names counts, in order, not only the last one.
    :param no_effect: why a value other than the default changes nothing here, or empty.
    """

    parse: Callable[[str], Any]
    names: tuple[str, ...]
    is_list: bool = False
    no_effect: str = ""


_Table = dict[str, tuple[dataclasses.Field[Any], Setting]]
_TABLES: dict[type[Any], _Table] = {}  # by dataclass, made on first use


def setting(
    parse: Callable[[str], T], default: T, *, names: Sequence[str] = (), no_effect: str = ""
) -> T:
    """Declare a field that takes the last option of its name.

    :param names: option names; empty means the field's own name.
    :param no_effect: the option is accepted, but does nothing here, for this reason.
    """
    spec = Setting(parse, tuple(names), no_effect=no_effect)
    made: T = field(default=default, metadata={_KEY: spec})
    return made


def settings(parse: Callable[[str], T], *, names: Sequence[str] = ()) -> tuple[T, ...]:
    """Declare a field that takes every option of its name, in order."""
    spec = Setting(parse, tuple(names), is_list=True)
    return cast("tuple[T, ...]", field(default=(), metadata={_KEY: spec}))


def option_names(cls: type[Any]) -> frozenset[str]:
    """Return every option name that :func:`bind` takes for *cls*, in lower case."""
    return frozenset(_table(cls))


def canonical_names(cls: type[Any]) -> dict[str, str]:
    """Return the option name that each name of :func:`option_names` stands for."""
    return {
        name: (spec.names or (where.name,))[0].lower()
        for name, (where, spec) in _table(cls).items()
    }


def list_names(cls: type[Any]) -> frozenset[str]:
    """Return the option names of *cls* every occurrence of which counts, in lower case."""
    return frozenset(name for name, (_, spec) in _table(cls).items() if spec.is_list)


@dataclasses.dataclass(frozen=True, slots=True)
class Documented:
    """An option for people: its name, its default as text, and why it may have no effect."""

    name: str
    default: str
    no_effect: str


def document(cls: type[Any]) -> list[Documented]:
    """List the options that :func:`bind` takes for *cls*, by name, aliases left out."""
    canonical = canonical_names(cls)
    return [
        Documented(name, _shown(where.default), spec.no_effect)
        for name, (where, spec) in sorted(_table(cls).items())
        if canonical[name] == name
    ]


def _shown(default: object) -> str:
    match default:
        case bool():
            return "yes" if default else "no"
        case str() | int() | float():
            return str(default)
        case tuple():
            return ",".join(map(_shown, default))
        case _:
            return ""


def bind(
    cls: type[T],
    options: Iterable[Option],
    warnings: list[ConfigWarning],
    *,
    also_known: Iterable[str] = (),
    **extra: Any,
) -> T:
    """Make an instance of *cls* from options.

    :param warnings: unknown and ineffective options are appended to it.
    :param also_known: further names, in lower case, that somebody else reads.
    :param extra: values of the fields that are not settings.
    :raises ConfigError: a value can't be read; names file, line, option and what was expected.
    """
    table = _table(cls)
    known_elsewhere = frozenset(also_known)
    values: dict[str, Any] = dict(extra)
    for option in options:
        name = option.name.lower()
        if (entry := table.get(name)) is not None:
            _take(entry, option, values, warnings)
        elif name not in known_elsewhere:
            warnings.append(unknown_option(option, (*table, *known_elsewhere)))
    return cls(**values)


def unknown_option(option: Option, known: Iterable[str]) -> ConfigWarning:
    """Report an option that nothing reads, with the nearest name that something does.

    :param known: names of options, in lower case.
    """
    import difflib  # costs 3 ms, which a correct configuration has no use for

    near = difflib.get_close_matches(option.name.lower(), known, n=1, cutoff=MIN_LIKENESS)
    hint = f"; did you mean {near[0]!r}?" if near else ""
    message = f"unknown option {option.name!r}{hint}"
    return ConfigWarning(option.path, option.line, message, Remark.UNKNOWN)


def ineffective_option(option: Option, reason: str) -> ConfigWarning:
    """Report an option that is accepted, but does nothing here."""
    message = f"{option.name} has no effect: {reason}"
    return ConfigWarning(option.path, option.line, message, Remark.NO_EFFECT)


def parse_option(option: Option, parse: Callable[[str], T]) -> T:
    """Read one option's value.

    :raises ConfigError: it can't be read.
    """
    try:
        return parse(option.value)
    except ValueError as error:
        reason = f"{option.name}: {error}"
        raise ConfigError(option.path, option.line, reason) from None


def _take(
    entry: tuple[dataclasses.Field[Any], Setting],
    option: Option,
    values: dict[str, Any],
    warnings: list[ConfigWarning],
) -> None:
    where, spec = entry
    value = parse_option(option, spec.parse)
    if spec.is_list:
        values[where.name] = (*values.get(where.name, ()), value)
        return
    values[where.name] = value
    if spec.no_effect and value != where.default:
        warnings.append(ineffective_option(option, spec.no_effect))


def _table(cls: type[Any]) -> _Table:
    if (known := _TABLES.get(cls)) is not None:
        return known
    table: _Table = {}
    for where in dataclasses.fields(cls):
        spec = where.metadata.get(_KEY)
        if spec is None:
            continue
        assert where.default is not MISSING
        for name in spec.names or (where.name,):
            table[name.lower()] = (where, spec)
    _TABLES[cls] = table
    return table
