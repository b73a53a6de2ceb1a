"""What features.conf and FEATURE(), FEATUREMAP() say for one channel."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import fields, replace
from functools import lru_cache
from typing import Any

from server.base.errors import InvalidArgument
from server.config.sections.features import (
    FeatureApplication,
    FeatureMap,
    Features,
    FeatureSettings,
    digits,
)
from server.config.types import boolean
from server.dialplan.scope import Scope

MAX_DYNAMIC = 100  # names in DYNAMIC_FEATURES


def general_of(scope: Scope) -> FeatureSettings:
    """Return ``[general]`` with what FEATURE() changed on the channel."""
    settings = scope.dialplan.settings.features.general
    changed = scope.state.features
    known = {name: value for name, value in changed.items() if name in GENERAL_NAMES}
    return _changed(settings, tuple(sorted(known.items()))) if known else settings


def codes_of(scope: Scope) -> Mapping[str, str]:
    """Return the digits of each feature of ``[featuremap]``, by its name."""
    featuremap = scope.dialplan.settings.features.featuremap
    changed = scope.state.features
    return {name: changed.get(_MAP_PREFIX + name, getattr(featuremap, name)) for name in MAP_NAMES}


def applications_of(scope: Scope) -> list[FeatureApplication]:
    """Return what DYNAMIC_FEATURES names, groups included; unknown names are reported."""
    configured = scope.dialplan.settings.features
    found: list[FeatureApplication] = []
    for name in (scope.get("DYNAMIC_FEATURES") or "").split("#")[:MAX_DYNAMIC]:
        if name in configured.applications:
            found.append(configured.applications[name])
        elif name in configured.groups:
            found += _members(configured, name)
        elif name:
            scope.report(f"DYNAMIC_FEATURES: there is no {name!r} in features.conf")
    return found


def read_general(scope: Scope, name: str) -> str:
    """Return an option of ``[general]`` as FEATURE() shows it.

    :raises InvalidArgument: there is no such option.
    """
    if name not in GENERAL_NAMES:
        raise InvalidArgument("option_name", f"{name!r} is not known")
    value = getattr(general_of(scope), name)
    if isinstance(value, bool):
        return "1" if value else "0"
    return str(int(value)) if isinstance(value, float) else str(value)


def write_general(scope: Scope, name: str, value: str) -> None:
    """Change an option of ``[general]`` for this channel.

    :raises InvalidArgument: there is no such option, or it can't have this value.
    """
    if name not in GENERAL_NAMES:
        raise InvalidArgument("option_name", f"{name!r} is not known")
    try:
        _changed(scope.dialplan.settings.features.general, ((name, value.strip()),))
    except ValueError as error:
        raise InvalidArgument(name, str(error)) from None
    scope.state.features[name] = value.strip()


def read_code(scope: Scope, name: str) -> str:
    """Return the digits of a feature.

    :raises InvalidArgument: there is no such feature.
    """
    codes = codes_of(scope)
    if name not in codes:
        raise InvalidArgument("feature_name", f"{name!r} is not known")
    return codes[name]


def write_code(scope: Scope, name: str, value: str) -> None:
    """Change the digits of a feature for this channel.

    :raises InvalidArgument: there is no such feature, or these are no digits.
    """
    if name not in MAP_NAMES:
        raise InvalidArgument("feature_name", f"{name!r} is not known")
    try:
        scope.state.features[_MAP_PREFIX + name] = digits(value.strip())
    except ValueError as error:
        raise InvalidArgument(name, str(error)) from None


def is_inherited(scope: Scope) -> bool:
    """Whether channels that are dialled get what FEATURE() and FEATUREMAP() changed here."""
    return boolean(scope.state.features.get(INHERIT, "no"))


INHERIT = "inherit"
_MAP_PREFIX = "map/"
GENERAL_NAMES = frozenset(field.name for field in fields(FeatureSettings))
MAP_NAMES = tuple(field.name for field in fields(FeatureMap))


@lru_cache(maxsize=256)
def _changed(settings: FeatureSettings, changes: tuple[tuple[str, str], ...]) -> FeatureSettings:
    parsers = _parsers()
    values: dict[str, Any] = {name: parsers[name](value) for name, value in changes}
    return replace(settings, **values)


def _parsers() -> Mapping[str, Callable[[str], Any]]:
    return {
        field.name: next(iter(field.metadata.values())).parse for field in fields(FeatureSettings)
    }


def _members(configured: Features, group: str) -> list[FeatureApplication]:
    return [
        replace(configured.applications[name], digits=code or configured.applications[name].digits)
        for name, code in configured.groups[group].items()
        if name in configured.applications
    ]
