"""``core …``: the server itself."""

from __future__ import annotations

import os
import platform
import resource
from pathlib import Path

from server.cli.context import CliContext
from server.cli.registry import Call, CommandError, command, registry
from server.cli.tables import lines, spell_duration

_MEMORY = Path("/proc/meminfo")
_UPTIME = Path("/proc/uptime")
_MEMORY_ROWS = (
    ("Total RAM", "MemTotal"), ("Free RAM", "MemFree"), ("Buffer RAM", "Buffers"),
    ("Total Swap Space", "SwapTotal"), ("Free Swap Space", "SwapFree"),
)  # fmt: skip


@command("core show version", "Show the version")
def show_version(context: CliContext, _call: Call) -> str:
    """Say which program and interpreter run."""
    machine = platform.uname()
    python = platform.python_version()
    return f"Arion {context.version} (Python {python}) on {machine.system} {machine.machine}"


@command("core show uptime [seconds]", "Show how long the server has been running")
def show_uptime(context: CliContext, call: Call) -> str:
    """Show the time since the start and since the last reload."""
    return lines(*uptime_rows(context, in_seconds=call.option == "seconds"))


def uptime_rows(context: CliContext, *, in_seconds: bool) -> list[str]:
    """Say how long ago the start and the last reload were."""
    now = context.wall()
    up = now - context.lifecycle.started_at
    since_reload = now - context.lifecycle.reloaded_at
    if in_seconds:
        return [f"System uptime: {int(up)}", f"Last reload: {int(since_reload)}"]
    return [f"System uptime: {spell_duration(up)}", f"Last reload: {spell_duration(since_reload)}"]


@command("core show sysinfo", "Show the machine's memory and load")
def show_system(_context: CliContext, _call: Call) -> str:
    """Show uptime, memory and processes of the machine."""
    memory = dict(line.split(":", 1) for line in _MEMORY.read_text("ascii").splitlines())
    up = float(_UPTIME.read_text("ascii").split()[0])
    rows = [("System Uptime", f"{int(up / 3600)} hours")]
    rows += [(name, f"{memory[key].split()[0]} KiB") for name, key in _MEMORY_ROWS if key in memory]
    processes = sum(1 for path in _UPTIME.parent.iterdir() if path.name.isdecimal())
    rows += [("", ""), ("Number of Processes", str(processes))]
    return lines(
        "",
        "System Statistics",
        "-----------------",
        *(_row(name, value) if name else "" for name, value in rows),
        "",
    )


@command("core show {license|warranty}", "Show the licence, and what is not promised")
def show_license(_context: CliContext, _call: Call) -> str:
    """Name the licence."""
    return lines(
        "Arion is distributed under the Apache License, Version 2.0:",
        "https://www.apache.org/licenses/LICENSE-2.0",
        "",
        'It comes "as is", without warranties or conditions of any kind, express or implied.',
        "Sections 7 and 8 of the License say what that means.",
    )


@command("core show settings", "Show the settings of the server")
def show_settings(context: CliContext, _call: Call) -> str:
    """List limits, levels and directories."""
    options = context.configuration.options
    directories = context.configuration.directories
    log = context.log
    files = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    rows = [
        ("Version", context.version),
        ("Maximum calls", options.maxcalls or "Not set"),
        ("Maximum open file handles", files),
        ("Root console verbosity", log.verbose),
        ("Debug level", log.debug),
        ("Maximum load average", options.maxload or "Not set"),
        ("Minimum free memory", f"{options.minmemfree} MB" if options.minmemfree else "Not set"),
        ("Entity ID", context.entity_id or "Not set"),
        ("PID", os.getpid()),
        ("System name", options.systemname or "Not set"),
        ("Default language", options.defaultlanguage),
        ("Execute includes", _state(options.execincludes)),
        ("Transmit silence during rec", _state(options.transmit_silence)),
    ]
    places = [
        ("Configuration file", context.configuration.path),
        ("Configuration directory", directories.astetcdir),
        ("Module directory", directories.astmoddir),
        ("Spool directory", directories.astspooldir),
        ("Log directory", directories.astlogdir),
        ("Run/Sockets directory", directories.astrundir),
        ("Control socket", context.configuration.asterisk.control_socket),
        ("VarLib directory", directories.astvarlibdir),
        ("Data directory", directories.astdatadir),
        ("ASTDB", directories.astdbdir),
        ("AGI Scripts directory", directories.astagidir),
    ]
    return lines(
        "",
        "PBX Core settings",
        "-----------------",
        *(_row(*row) for row in rows),
        "",
        "* Directories",
        "-------------",
        *(_row(*row) for row in places),
    )


@command("core waitfullybooted", "Wait until everything is up")
async def wait_fully_booted(context: CliContext, _call: Call) -> str:
    """Return when calls are taken."""
    await context.lifecycle.wait_fully_booted()
    return "Asterisk has fully booted."


@command("core reload", "Read the configuration again")
async def reload(context: CliContext, _call: Call) -> str:
    """Reload everything that can be; calls go on."""
    return lines(*await context.lifecycle.reload())


@command("core show help", "Show commands, or how one is used", arguments="[topic]")
def show_help(_context: CliContext, call: Call) -> str:
    """List the commands that begin with some words, or show the usage of one."""
    found = registry.matching(call.arguments)
    if not found:
        raise CommandError(f"No such command '{' '.join(call.arguments)}'.")
    exact = [entry for entry in found if entry.syntax == " ".join(call.arguments)]
    if exact or (len(found) == 1 and call.arguments):
        shown = (exact or found)[0]
        return lines(shown.usage, f"       {shown.summary}.")
    return lines(*(f"{entry.syntax[:45]:>45} -- {entry.summary}" for entry in found))


def _row(name: str, value: object) -> str:
    return f"  {name + ':':<29}{value}"


def _state(is_on: bool) -> str:
    return "Enabled" if is_on else "Disabled"
