"""indications.conf: the tones of each country."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from server.config.binder import parse_option
from server.config.objects import ConfigFile, ConfigWarning, Section
from server.config.types import integer, items

DEFAULT_COUNTRY = "us"
MAX_TONES = 200  # in one list; the longest built-in one has 30
# [!][M]freq[+freq2|*freq2][/duration_ms], frequencies in Hz. Files hold tones of three
# frequencies (350+375+400); as in Asterisk the first two sound.
_TONE = re.compile(r"(!?[Mm]?\d{1,5}(?:[+*]\d{1,5})?)(?:[+*]\d{1,5})*(/\d{1,7})?\Z")


@dataclass(frozen=True, slots=True)
class ToneZone:
    """A country's tones.

    :param ringcadence: ms on, ms off, and so on.
    :param tones: name (``dial``, ``busy``, ``ring`` …) to tone list.
    """

    country: str
    description: str = ""
    ringcadence: tuple[int, ...] = ()
    tones: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Indications:
    """All zones, and the one that is used unless a channel asks for another.

    :param zones: by country in lower case; aliases have entries of their own.
    """

    country: str
    zones: Mapping[str, ToneZone]

    def tone(self, name: str, country: str = "") -> str | None:
        """Return the tone list of *name* in *country*, or in the default one."""
        zone = self.zones.get(country.lower()) or self.zones.get(self.country)
        return None if zone is None else zone.tones.get(name)


def tone_list(value: str) -> str:
    """A list of tones separated by commas or bars."""
    parts = [part.strip() for part in re.split(r"[,|]", value)]
    if len(parts) > MAX_TONES:
        raise ValueError(f"expected at most {MAX_TONES} tones")
    return ",".join(_tone(part) for part in parts)


def _tone(text: str) -> str:
    found = _TONE.match(text)
    if found is None:
        raise ValueError(f"expected tones such as 440+480/2000,0/4000, not {text[:60]!r}")
    return found[1] + (found[2] or "")


def build_indications(file: ConfigFile | None, warnings: list[ConfigWarning]) -> Indications:
    """Read indications.conf; the built-in zones stand in for a file that is absent or has none.

    :raises ConfigError: a tone list can't be read.
    """
    country = DEFAULT_COUNTRY
    zones: dict[str, ToneZone] = {}
    for section in file.sections if file else ():
        if section.name.lower() == "general":
            country = section.get("country", country).lower()
        else:
            _add_zone(section, zones)
    if not zones:
        zones = dict(builtin_zones())
    if country not in zones and file is not None:
        message = f"country {country!r} has no tones"
        warnings.append(ConfigWarning(file.path, 0, message))
    return Indications(country, zones)


@cache
def builtin_zones() -> Mapping[str, ToneZone]:
    """Return the zones that are used without an indications.conf."""
    data = (Path(__file__).parents[1] / "data" / "tones.json").read_bytes()
    return {
        row["country"]: ToneZone(
            row["country"], row["description"], tuple(row["ringcadence"]), row["tones"]
        )
        for row in json.loads(data)
    }


def _add_zone(section: Section, zones: dict[str, ToneZone]) -> None:
    country = section.name.lower()
    tones: dict[str, str] = {}
    cadence: tuple[int, ...] = ()
    names = [country]
    for option in section.options:
        match option.name.lower():
            case "description":
                pass
            case "alias":
                names += (name.lower() for name in parse_option(option, items))
            case "ringcadence":
                cadence = tuple(parse_option(option, _cadence))
            case name:
                tones[name] = parse_option(option, tone_list)
    zone = ToneZone(country, section.get("description"), cadence, tones)
    for name in names:
        zones[name] = zone


def _cadence(value: str) -> list[int]:
    return [integer(0, 3_600_000)(item) for item in items(value)]
