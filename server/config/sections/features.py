"""features.conf: what two who talk can do by digits, and where calls are picked up."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from server.base.errors import ConfigError
from server.config.binder import bind, setting
from server.config.objects import ConfigFile, ConfigWarning, Option, Section
from server.config.types import boolean, decimal, integer, text

DIGITS = re.compile(r"[0-9*#A-Da-d]{0,20}")
_CALL = re.compile(r"(?P<name>\w+)\((?P<data>.*)\)\Z", re.DOTALL)
MAX_APPLICATIONS = 500


def digits(value: str) -> str:
    """Digits of a phone's keypad, or nothing."""
    if DIGITS.fullmatch(value) is None:
        raise ValueError(f"expected up to 20 of 0-9 * # A-D, not {value[:60]!r}")
    return value.upper()


_seconds = decimal(0, 86_400)


@dataclass(frozen=True, slots=True)
class FeatureSettings:
    """``[general]``. Times are in seconds, but *featuredigittimeout* is in milliseconds."""

    featuredigittimeout: int = setting(integer(0, 60_000), 1000)
    transferdigittimeout: float = setting(_seconds, 3.0)
    transferdialattempts: int = setting(integer(1, 100), 3)
    transferannouncesound: str = setting(text, "pbx-transfer")
    transferretrysound: str = setting(text, "pbx-invalid")
    transferinvalidsound: str = setting(text, "privacy-incorrect")
    atxfernoanswertimeout: float = setting(_seconds, 15.0)
    atxferdropcall: bool = setting(boolean, False)
    atxferloopdelay: float = setting(_seconds, 10.0)
    atxfercallbackretries: int = setting(integer(0, 100), 2)
    atxferabort: str = setting(digits, "*1")
    atxfercomplete: str = setting(digits, "*2")
    atxferthreeway: str = setting(digits, "*3")
    atxferswap: str = setting(digits, "*4")
    xfersound: str = setting(text, "beep")
    xferfailsound: str = setting(text, "beeperr")
    pickupexten: str = setting(text, "*8")
    pickupsound: str = setting(text, "")
    pickupfailsound: str = setting(text, "")
    courtesytone: str = setting(text, "")
    recordingfailsound: str = setting(text, "")


@dataclass(frozen=True, slots=True)
class FeatureMap:
    """``[featuremap]``: the digits of each feature; empty for one that can't be reached."""

    blindxfer: str = setting(digits, "#")
    disconnect: str = setting(digits, "*")
    atxfer: str = setting(digits, "")
    automon: str = setting(digits, "")
    automixmon: str = setting(digits, "")
    parkcall: str = setting(digits, "")


@dataclass(frozen=True, slots=True)
class FeatureApplication:
    """One line of ``[applicationmap]``.

    :param on_self: the application runs on who pressed the digits, else on the other one.
    :param activated_by: ``caller``, ``callee`` or ``both``.
    :param music_class: heard by who waits meanwhile; empty for nothing.
    """

    name: str
    digits: str
    on_self: bool
    activated_by: str
    application: str
    data: str = ""
    music_class: str = ""


@dataclass(frozen=True, slots=True)
class Features:
    """All of features.conf.

    :param applications: ``[applicationmap]`` by name.
    :param groups: every other section: names of applications, each with its digits in this group.
    """

    general: FeatureSettings = field(default_factory=FeatureSettings)
    featuremap: FeatureMap = field(default_factory=FeatureMap)
    applications: Mapping[str, FeatureApplication] = field(default_factory=dict)
    groups: Mapping[str, Mapping[str, str]] = field(default_factory=dict)


def build_features(file: ConfigFile | None, warnings: list[ConfigWarning]) -> Features:
    """Read features.conf; without it there are only the defaults.

    :raises ConfigError: a value can't be read.
    """
    general: list[Option] = []
    featuremap: list[Option] = []
    applications: dict[str, FeatureApplication] = {}
    groups: dict[str, Mapping[str, str]] = {}
    for section in file.sections if file else ():
        match section.name.lower():
            case "general" | "globals":
                general += section.options
            case "featuremap":
                featuremap += section.options
            case "applicationmap":
                for option in section.options[:MAX_APPLICATIONS]:
                    applications[option.name] = parse_application(option)
            case _:
                groups[section.name] = _read_group(section)
    return Features(
        bind(FeatureSettings, general, warnings),
        bind(FeatureMap, featuremap, warnings),
        applications,
        groups,
    )


def parse_application(option: Option) -> FeatureApplication:
    """Read ``digits,self|peer[/caller|callee|both],App[,arguments[,music class]]``.

    The arguments may be in quotes, or the application written ``App(arguments)``.

    :raises ConfigError: it is something else.
    """
    parts = [part.strip() for part in option.value.split(",", 2)]
    if len(parts) < 3 or not parts[2]:
        raise _error(option, "expected digits,activate_on,application")
    where, _, who = (part.strip().lower() for part in parts[1].partition("/"))
    if where not in ("self", "peer"):
        raise _error(option, f"activate_on: expected self or peer, not {where[:60]!r}")
    if (who or "both") not in ("caller", "callee", "both"):
        raise _error(option, f"activated_by: expected caller, callee or both, not {who[:60]!r}")
    try:
        code = digits(parts[0])
    except ValueError as error:
        raise _error(option, str(error)) from None
    application, data, music_class = _split_call(parts[2])
    if not application:
        raise _error(option, "expected an application")
    return FeatureApplication(
        option.name, code, where == "self", who or "both", application, data, music_class
    )


def _split_call(value: str) -> tuple[str, str, str]:
    written = _CALL.match(value)
    if written is not None:
        return written["name"], written["data"], ""
    application, _, rest = value.partition(",")
    rest = rest.strip()
    if rest.startswith('"'):
        data, _, after = rest[1:].partition('"')
        return application.strip(), data, after.lstrip(" ,").strip()
    data, _, music_class = rest.partition(",")
    return application.strip(), data.strip(), music_class.strip()


def _read_group(section: Section) -> Mapping[str, str]:
    group: dict[str, str] = {}
    for option in section.options:
        try:
            group[option.name] = digits(option.value)
        except ValueError as error:
            raise _error(option, str(error)) from None
    return group


def _error(option: Option, reason: str) -> ConfigError:
    return ConfigError(option.path, option.line, f"{option.name}: {reason}")
