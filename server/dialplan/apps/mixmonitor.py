"""MixMonitor() and StopMixMonitor(): record a channel while the dialplan goes on."""

from __future__ import annotations

import asyncio
from pathlib import Path

from server.base.errors import InvalidArgument, NotFound, ServerError
from server.dialplan.apps.record import choose_file
from server.dialplan.arguments import Options, argument, parse_options, split_raw
from server.dialplan.executor import Call
from server.dialplan.mixmonitor import MixMonitors, Monitor, MonitorSettings, Track
from server.dialplan.numbers import parse_integer, parse_seconds
from server.dialplan.registry import application
from server.dialplan.scope import Scope

OPTIONS = "abBcdDimnpPrstvVW"
MAX_VOLUME = 4
DEFAULT_BEEP_S = 15.0
LONGEST_SKIP_S = 120.0


@application("MixMonitor")
async def mix_monitor(call: Call, data: str) -> None:
    """MixMonitor(file.format, options, command): record what the channel says and hears.

    Options::

        a            append to the file
        b            only while the channel is bridged
        B(seconds)   a beep from time to time, which all hear
        D            two channels in one .raw file: what is said and what is heard
        d            delete the file when all is done; m(mailbox) comes before that
        i(variable)  gets the id, for StopMixMonitor()
        p(sound) P() a sound, or a beep, at the begin and at the end
        r(file) t()  what is received from, and what is sent to the channel, by themselves
        s(seconds)   leave out so much at the begin
        v(x) V(x)    change the volume of what is heard and what is said by -4 to 4; W(x) of both
    """
    arguments = split_raw(data, 3)
    options = parse_options(argument(arguments, 1), OPTIONS, "MixMonitor", call.where)
    try:
        monitor = await start(call, argument(arguments, 0), options, argument(arguments, 2))
    except ServerError as error:
        if call.channel.is_hungup:
            raise
        call.report(f"MixMonitor: {error}")
        return
    if "i" in options:
        call.channel.variables.set(options.get("i"), monitor.id)


async def start(scope: Scope, name: str, options: Options, command: str) -> Monitor:
    """Begin a recording; AMI's MixMonitor does it like this too.

    :raises ServerError: the file can't be used, or the channel has hung up.
    """
    channel, dialplan = scope.channel, scope.dialplan
    tracks = [await _track(scope, name, "both")]
    if "D" in options and tracks[0].file_format != "sln":
        raise InvalidArgument("options", "D needs a file that ends in .raw")
    for letter, side in (("r", "in"), ("t", "out")):
        if options.get(letter):
            tracks.append(await _track(scope, options.get(letter), side))
    channel.variables.set("MIXMONITOR_FILENAME", str(tracks[0].path))  # for the command, too
    gain_in, gain_out = _gains(scope, options)
    skip = parse_seconds(options.get("s"))
    settings = MonitorSettings(
        tracks=tracks,
        appends="a" in options,
        bridged_only="b" in options,
        gain_in=gain_in,
        gain_out=gain_out,
        skip_s=min(skip, LONGEST_SKIP_S),
        beep_s=(parse_seconds(options.get("B")) or DEFAULT_BEEP_S) if "B" in options else 0.0,
        begin_sound=options.get("p", "beep") if "p" in options else "",
        end_sound=options.get("P", "beep") if "P" in options else "",
        command=scope.substitute(command.replace("^{", "${")),
        mailboxes=[each for each in options.get("m").replace("&", ",").split(",") if each],
        deletes="d" in options,
        is_stereo="D" in options,
    )
    return dialplan.part(MixMonitors).start(channel, settings)


async def _track(scope: Scope, name: str, side: str) -> Track:
    dialplan = scope.dialplan
    spool = dialplan.constants.get("ASTSPOOLDIR")
    base = Path(spool) / "monitor" if spool else dialplan.recording_dir
    roots = (dialplan.recording_dir, *dialplan.settings.writable_dirs)
    if not name:
        raise InvalidArgument("filename", "is missing")
    if "." not in name:
        name += ".raw"
    choosing = asyncio.to_thread(choose_file, base, roots, name)
    path, file_format = await scope.channel.wait(choosing)
    return Track(path, file_format, side)


def _gains(scope: Scope, options: Options) -> tuple[float, float]:
    """Return the volumes of what is said and of what is heard; each step doubles or halves."""
    steps = {"v": 0, "V": 0}
    for letter in ("v", "V", "W"):
        if letter not in options:
            continue
        step = parse_integer(options.get(letter))
        if not options.get(letter) or abs(step) > MAX_VOLUME:
            scope.report(f"MixMonitor: {letter} needs a number from -{MAX_VOLUME} to {MAX_VOLUME}")
            continue
        for each in ("v", "V") if letter == "W" else (letter,):
            steps[each] = step
    return 2.0 ** steps["V"], 2.0 ** steps["v"]


@application("StopMixMonitor")
async def stop_mix_monitor(call: Call, data: str) -> None:
    """StopMixMonitor(id): end a recording, or all of this channel, and complete their files."""
    try:
        monitors = call.dialplan.part(MixMonitors).stop(call.channel, data.strip())
    except NotFound:
        return
    for monitor in monitors:
        await (monitor.closed if call.channel.is_hungup else call.channel.wait(monitor.closed))
