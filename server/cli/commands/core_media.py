"""``core show codecs``, ``channeltypes``, ``sounds``: what can be sent and played."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence

from server.base.errors import NotFound
from server.cli.context import CliContext
from server.cli.registry import Call, CommandError, WrongUsage, command
from server.cli.tables import lines, plural
from server.media.codecs import CODECS, Codec
from server.media.sounds import FILE_FORMATS

DESCRIPTIONS = {
    "ulaw": "G.711 u-law",
    "alaw": "G.711 a-law",
    "slin": "16 bit Signed Linear PCM",
    "slin16": "16 bit Signed Linear PCM (16kHz)",
}
TECHNOLOGIES = {
    "PJSIP": "PJSIP Channel Driver",
    "Local": "Local Proxy Channel Driver",
    "UnicastRTP": "Unicast RTP Media Channel Driver",
    "AudioSocket": "AudioSocket Channel Driver",
    "WebSocket": "Media over Websocket Channel Driver",
}
_WITH_DEVICES = frozenset(("PJSIP", "Local"))
_WITH_TRANSFERS = frozenset(("PJSIP", "Local"))
# Asterisk's costs of a step, which rank the paths of a translation: they are no measurements
_DECODE = 9000
_ENCODE = 15000
_RESAMPLE_UP = 17000
_RESAMPLE_DOWN = 17500
_RULE = "-" * 95


@command("core show codecs [audio|video|image|text]", "List the codecs")
def show_codecs(_context: CliContext, call: Call) -> str:
    """List the codecs, all or those of one kind."""
    is_wanted = call.option in ("codecs", "audio")
    rows = [
        f"{codec.number:>8} audio {codec.name:<12} {name:<16} ({DESCRIPTIONS[name]})"
        for name, codec in CODECS.items()
        if is_wanted
    ]
    return lines(
        "Disclaimer: this command is for informational purposes only.",
        "\tIt does not indicate anything about your configuration.",
        f"{'ID':>8} {'TYPE':<5} {'NAME':<12} {'FORMAT':<16} DESCRIPTION",
        _RULE,
        *rows,
    )


@command("core show codec", "Show one codec", arguments="<number>")
def show_codec(_context: CliContext, call: Call) -> str:
    """Show the codec of a number."""
    if len(call.arguments) != 1 or not call.arguments[0].isdecimal():
        raise WrongUsage
    for name, codec in CODECS.items():
        if str(codec.number) == call.arguments[0]:
            return f"{codec.number:>11} {name} ({DESCRIPTIONS[name]})"
    return f"Codec {call.arguments[0]} not found"


def _complete_translation(_context: CliContext, arguments: Sequence[str]) -> Sequence[str]:
    return ("paths",) if not arguments else tuple(CODECS) if arguments[0] == "paths" else ()


@command(
    "core show translation",
    "Show how formats become each other",
    arguments="[paths <codec>]",
    complete=_complete_translation,
)
def show_translation(_context: CliContext, call: Call) -> str:
    """Show what each translation costs, or the steps from one codec to the others."""
    match call.arguments:
        case ():
            return lines(*_translation_table())
        case ("paths", name) if name in CODECS:
            return lines(*_translation_paths(CODECS[name]))
        case ("paths", name):
            return f'Source codec "{name}" is not found.'
        case _:
            raise WrongUsage


def _translation_table() -> Iterator[str]:
    yield "         Translation times between formats (in microseconds) for one second of data"
    yield "          Source Format (Rows) Destination Format (Columns)"
    yield ""
    yield "            " + " ".join(f"{name:>6}" for name in CODECS)
    for name, source in CODECS.items():
        cells = (_cost(source, target) for target in CODECS.values())
        yield f"     {name:>6} " + " ".join(f"{cell or '-':>6}" for cell in cells)


def _translation_paths(source: Codec) -> Iterator[str]:
    rate = source.clock_rate
    yield f'--- Translation paths SRC Codec "{source.name}" sample rate {rate} ---'
    for target in CODECS.values():
        if target is not source:
            steps = "->".join(
                f"({codec.name}@{codec.clock_rate})" for codec in _path(source, target)
            )
            shown = f"{source.name}:{rate}"
            yield f"\t{shown:<16} To {target.name + ':' + str(target.clock_rate):<16}: {steps}"


def _path(source: Codec, target: Codec) -> list[Codec]:
    """List the codecs on the way: through linear audio, and that at the rate of either."""
    linear = [CODECS["slin"] if codec.clock_rate == 8000 else CODECS["slin16"]
              for codec in (source, target)]  # fmt: skip
    return list(dict.fromkeys([source, *linear, target]))


def _cost(source: Codec, target: Codec) -> int:
    total = 0
    path = _path(source, target) if source is not target else []
    for before, after in itertools.pairwise(path):
        if before.clock_rate != after.clock_rate:
            total += _RESAMPLE_UP if after.clock_rate > before.clock_rate else _RESAMPLE_DOWN
        else:
            total += _DECODE if after.rtp_name == "L16" else _ENCODE
    return total


@command("core show file formats", "List the formats of sound files")
def show_file_formats(_context: CliContext, _call: Call) -> str:
    """List the formats with the endings of their files."""
    endings: dict[str, list[str]] = {}
    for ending, name in FILE_FORMATS.items():
        endings.setdefault(name, []).append(ending)
    rows = [f"{name:<10} {found[0]:<10} {'|'.join(found):<20}" for name, found in endings.items()]
    return lines(
        f"{'Format':<10} {'Name':<10} {'Extensions':<20}",
        f"{'------':<10} {'----':<10} {'----------':<20}",
        *rows,
        f"{plural(len(rows), 'file format')} registered.",
    )


@command("core show image formats", "List the formats of images")
def show_image_formats(_context: CliContext, _call: Call) -> str:
    """Say that there are none."""
    return lines(
        f"{'Name':>10} {'Extensions':>10} {'Description':>50} {'Format':>10}",
        f"{'----':>10} {'----------':>10} {'-----------':>50} {'------':>10}",
        "",
        "0 image formats registered.",
    )


@command("core show channeltypes", "List the kinds of channels")
def show_channel_types(context: CliContext, _call: Call) -> str:
    """List the technologies of channels."""
    names = sorted(technology.name for technology in context.dialplan.dialer.technologies)
    rows = [
        f"{name[:15]:<15}  {TECHNOLOGIES.get(name, '')[:40]:<40}  "
        + "  ".join(f"{word:<12}" for word in _abilities(name))
        for name in names
    ]
    heads = ("Devicestate", "Presencestate", "Indications", "Transfer")
    return lines(
        f"{'Type':<15}  {'Description':<40}  " + "  ".join(f"{head[:12]:<12}" for head in heads),
        f"{'-----------':<15}  {'-----------':<40}  "
        + "  ".join(f"{'-' * min(len(head), 12):<12}" for head in heads),
        *rows,
        "----------",
        f"{plural(len(rows), 'channel driver')} registered.",
    )


def _complete_technology(context: CliContext, arguments: Sequence[str]) -> list[str]:
    found = context.dialplan.dialer.technologies
    return [] if arguments else [technology.name for technology in found]


@command(
    "core show channeltype",
    "Show one kind of channels",
    arguments="<name>",
    complete=_complete_technology,
)
def show_channel_type(context: CliContext, call: Call) -> str:
    """Show what the channels of a technology can do."""
    if len(call.arguments) != 1:
        raise WrongUsage
    wanted = call.arguments[0].lower()
    for technology in context.dialplan.dialer.technologies:
        if technology.name.lower() == wanted:
            break
    else:
        raise CommandError(f"{call.arguments[0]} is not a registered channel driver.")
    devices, presence, indications, transfers = _abilities(technology.name)
    return lines(
        f"-- Info about channel driver: {technology.name} --",
        f"  Device State: {devices}",
        f"Presence State: {presence}",
        f"    Indication: {indications}",
        f"     Transfer : {transfers}",
        f"  Capabilities: ({'|'.join(CODECS)})",
        "   Digit Begin: yes",
        "     Digit End: yes",
        "    Send HTML : no",
        " Image Support: no",
        "  Text Support: yes",
    )


def _abilities(name: str) -> tuple[str, str, str, str]:
    devices = "yes" if name in _WITH_DEVICES else "no"
    transfers = "yes" if name in _WITH_TRANSFERS else "no"
    return devices, "no", "yes", transfers


@command("core show sounds", "List the sound files")
def show_sounds(context: CliContext, _call: Call) -> Iterator[str]:
    """List the sounds that can be played by name."""
    sounds = context.dialplan.node.sounds.list()
    return iter(["Available audio files:", *(sound.id for sound in sounds)])


def _complete_sound(context: CliContext, arguments: Sequence[str]) -> list[str]:
    return [] if arguments else [sound.id for sound in context.dialplan.node.sounds.list()]


@command("core show sound", "Show one sound file", arguments="[soundid]", complete=_complete_sound)
def show_sound(context: CliContext, call: Call) -> str:
    """Show in which languages and formats a sound is there."""
    if len(call.arguments) != 1:
        raise WrongUsage
    sound = context.dialplan.node.sounds.get(call.arguments[0])
    if sound is None:
        raise NotFound(f"ERROR: File {call.arguments[0]} not found in media index")
    variants = [f"  {name} ({language})" for language, name in sound.formats]
    return lines(
        "Indexed Information:",
        f"Sound ID: {sound.id}",
        f"Description: {sound.text or '<No Description Provided>'}",
        "Formats and Languages:",
        *variants,
    )
