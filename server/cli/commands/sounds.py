"""``moh …``, ``indication …`` and ``say …``: music, tones and how numbers are said."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence

from server.cli.context import CliContext
from server.cli.registry import Call, CommandError, command
from server.cli.tables import lines
from server.config.sections.indications import Indications, ToneZone
from server.config.sections.musiconhold import MusicClass, music_files


@command("moh show classes", "List the classes of music on hold")
def show_classes(context: CliContext, _call: Call) -> str:
    """List the classes and where their music is."""
    rows: list[str] = []
    for name, music in context.configuration.musiconhold.classes.items():
        rows += [f"Class: {name}", f"\tMode: {music.mode}", f"\tDirectory: {_place(music)}"]
        if music.sort:
            rows.append(f"\tSort: {music.sort}")
    return lines(*rows)


@command("moh show files", "List the files of music on hold")
async def show_files(context: CliContext, _call: Call) -> str:
    """List the files of each class, in playing order."""
    directory = context.configuration.directories.astdatadir
    rows: list[str] = []
    for name, music in context.configuration.musiconhold.classes.items():
        files = await asyncio.to_thread(music_files, music, directory)
        rows += [f"Class: {name}", *(f"\tFile: {path}" for path in files)]
    return lines(*rows)


@command("moh reload", "Read musiconhold.conf again")
async def reload(context: CliContext, _call: Call) -> str:
    """Use what musiconhold.conf says now."""
    return lines(*await context.lifecycle.reload("res_musiconhold"))


def _place(music: MusicClass) -> str:
    return music.directory or "<none>"


def _indications(context: CliContext) -> Indications:
    return context.dialplan.node.settings.indications


def _complete_country(context: CliContext, _arguments: Sequence[str]) -> list[str]:
    return list(_indications(context).zones)


@command(
    "indication show",
    "List the countries of tones, or their tones",
    arguments="[<country> ...]",
    complete=_complete_country,
)
def show_indications(context: CliContext, call: Call) -> str:
    """List the countries, or the tones of some."""
    zones = _indications(context).zones
    if not call.arguments:
        rows = (f"{name[:7]:<7} {zone.description}" for name, zone in sorted(zones.items()))
        return lines("Country Description", "===========================", *rows)
    found = [_zone_rows(zones, name) for name in call.arguments]
    return lines(
        "Country Indication      PlayList",
        "=====================================",
        *(row for rows in found for row in rows),
    )


def _zone_rows(zones: Mapping[str, ToneZone], name: str) -> list[str]:
    zone = zones.get(name.lower())
    if zone is None:
        raise CommandError(f"Country '{name}' has no tones.")
    cadence = ",".join(map(str, zone.ringcadence))
    cells = [("<ringcadence>", cadence), *zone.tones.items()]
    return [f"{name[:7]:<7} {tone[:15]:<15} {played}" for tone, played in cells]


@command("say load [new|old]", "Choose how numbers and dates are said")
def load_say(context: CliContext, call: Call) -> str:
    """Say things by the rules of say.conf (new), or by the built-in ones (old)."""
    say = context.dialplan.node.say
    former = _mode(say.is_ruled)
    if call.option in ("new", "old"):
        if call.option == "new" and say.rules is None:
            raise CommandError("say.conf has no rules")
        say.is_ruled = call.option == "new"
        return f"setting say mode from {former} to {_mode(say.is_ruled)}"
    return f"say mode is [{_mode(say.is_ruled)}]"


def _mode(is_ruled: bool) -> str:
    return "new" if is_ruled else "old"
