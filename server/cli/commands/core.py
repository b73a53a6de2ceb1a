"""``core …``: the server itself."""

from __future__ import annotations

import os
import platform
import resource

from server.base.errors import NotFound
from server.cli.context import CliContext
from server.cli.registry import Call, CommandError, WrongUsage, command, registry
from server.cli.tables import lines, spell_duration

MAX_LEVEL = 1000


@command("core show version", "Show the version")
def show_version(context: CliContext, _call: Call) -> str:
    """Say which program and interpreter run."""
    machine = platform.uname()
    python = platform.python_version()
    return f"Arion {context.version} (Python {python}) on {machine.system} {machine.machine}"


@command("core show uptime [seconds]", "Show how long the server has been running")
def show_uptime(context: CliContext, call: Call) -> str:
    """Show the time since the start and since the last reload."""
    now = context.wall()
    up = now - context.lifecycle.started_at
    since_reload = now - context.lifecycle.reloaded_at
    if call.option == "seconds":
        return lines(f"System uptime: {int(up)}", f"Last reload: {int(since_reload)}")
    return lines(
        f"System uptime: {spell_duration(up)}", f"Last reload: {spell_duration(since_reload)}"
    )


@command("core show taskprocessors", "Show the scopes of tasks and what runs in them")
def show_task_processors(context: CliContext, _call: Call) -> str:
    """List the task scopes: what they have started, and what has not ended."""
    scopes = context.scopes()
    return lines(
        f"{'Processor':<30} {'Processed':>10} {'In Queue':>10}",
        *(f"{scope.name:<30} {scope.started:>10} {len(scope):>10}" for scope in scopes),
        f"{len(scopes)} taskprocessors",
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


@command(
    "core set verbose",
    "Set the verbosity of this console, or of the server",
    arguments="{[atleast] <level> | off}",
)
def set_verbose(context: CliContext, call: Call) -> str:
    """Set this console's verbosity; a single command (-x) sets the server's."""
    console = call.console
    former = context.log.verbose if console is None else console.verbose_level
    level = _read_level(call.arguments, former)
    if console is None:
        context.log.set_verbose(level)
    else:
        console.verbose_level = level
        context.log.console_changed()
    return _changed("Console verbose", former, level)


@command(
    "core set debug", "Set the debug level of the server", arguments="{[atleast] <level> | off}"
)
def set_debug(context: CliContext, call: Call) -> str:
    """Set the server's debug level and let this console see the messages."""
    former = context.log.debug
    level = _read_level(call.arguments, former)
    if call.console is not None:
        call.console.debug_level = level
    context.log.set_debug(level)
    return _changed("Core debug", former, level)


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


@command(
    "core show applications [like|describing]", "List the dialplan applications", arguments="[text]"
)
def show_applications(context: CliContext, call: Call) -> str:
    """List applications, all or those whose name (or synopsis) holds a text."""
    known = context.dialplan.registry.describe_applications()
    is_filtered = call.option in ("like", "describing")
    if is_filtered != (len(call.arguments) == 1):
        raise WrongUsage
    text = call.arguments[0].lower() if is_filtered else ""
    found = {
        name: synopsis
        for name, synopsis in known.items()
        if text in name.lower() or (call.option == "describing" and text in synopsis.lower())
    }
    word = "Matching" if is_filtered else "Registered"
    return lines(
        f"    -= {word} Asterisk Applications =-",
        *(f"{name:>20}: {found[name]}" for name in sorted(found, key=str.lower)),
        f"    -= {len(found)} Applications {word} =-",
    )


def _complete_application(context: CliContext, _arguments: object) -> list[str]:
    return list(context.dialplan.registry.describe_applications())


def _complete_function(context: CliContext, _arguments: object) -> list[str]:
    return list(context.dialplan.registry.describe_functions())


@command(
    "core show application",
    "Describe dialplan applications",
    arguments="<application> [<application> ...]",
    complete=_complete_application,
)
def show_application(context: CliContext, call: Call) -> str:
    """Show the synopsis of applications."""
    if not call.arguments:
        raise WrongUsage
    described = context.dialplan.registry.describe_applications()
    known = {name.lower(): (name, text) for name, text in described.items()}
    return lines(*(_describe("application", name, known) for name in call.arguments))


@command("core show functions [like]", "List the dialplan functions", arguments="[text]")
def show_functions(context: CliContext, call: Call) -> str:
    """List functions, all or those whose name holds a text."""
    known = context.dialplan.registry.describe_functions()
    is_filtered = call.option == "like"
    if is_filtered != (len(call.arguments) == 1):
        raise WrongUsage
    text = call.arguments[0].lower() if is_filtered else ""
    found = sorted(name for name in known if text in name.lower())
    word = "Matching" if is_filtered else "Installed"
    return lines(
        f"{word} Custom Functions:",
        "-" * 80,
        *(f"{name:<20}  {known[name]}" for name in found),
        f"{len(found)} {word.lower()} custom functions",
    )


@command(
    "core show function",
    "Describe a dialplan function",
    arguments="<function>",
    complete=_complete_function,
)
def show_function(context: CliContext, call: Call) -> str:
    """Show the synopsis of a function."""
    if len(call.arguments) != 1:
        raise WrongUsage
    described = context.dialplan.registry.describe_functions()
    known = {name.lower(): (name, text) for name, text in described.items()}
    return _describe("function", call.arguments[0], known)


def _describe(kind: str, name: str, known: dict[str, tuple[str, str]]) -> str:
    if name.lower() not in known:
        raise NotFound(f"Your {kind}(s) is (are) not registered: {name}")
    shown, synopsis = known[name.lower()]
    return lines("", f"  -= Info about {kind} '{shown}' =-", "", "[Synopsis]", synopsis, "")


def _read_level(arguments: tuple[str, ...], former: int) -> int:
    words = list(arguments)
    if words == ["off"]:
        return 0
    is_minimum = len(words) == 2 and words[0] == "atleast"
    if is_minimum:
        words.pop(0)
    if len(words) != 1 or not words[0].isascii() or not words[0].isdigit():
        raise WrongUsage
    level = min(int(words[0][:9]), MAX_LEVEL)
    return max(level, former) if is_minimum else level


def _changed(what: str, former: int, level: int) -> str:
    if former == level:
        return f"{what} is still {level}."
    return f"{what} was {former} and is now {level}."


def _row(name: str, value: object) -> str:
    return f"  {name + ':':<29}{value}"


def _state(is_on: bool) -> str:
    return "Enabled" if is_on else "Disabled"
