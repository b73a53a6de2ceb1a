"""``manager …``: the manager interface, its users and who is connected."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from server.cli.context import CliContext
from server.cli.manager_port import ManagerAdmin
from server.cli.registry import Call, CommandError, WrongUsage, command
from server.cli.tables import fit, lines


def _manager(context: CliContext) -> ManagerAdmin:
    if context.manager is None:
        raise CommandError("the manager interface is not running")
    return context.manager


def _complete_action(context: CliContext, _arguments: Sequence[str]) -> list[str]:
    return [] if context.manager is None else [each.name for each in context.manager.actions()]


def _complete_event(context: CliContext, arguments: Sequence[str]) -> list[str]:
    return [] if arguments or context.manager is None else list(context.manager.events())


def _complete_user(context: CliContext, arguments: Sequence[str]) -> list[str]:
    found = () if context.manager is None else context.manager.users()
    return [] if arguments else [user.name for user in found]


@command("manager show settings", "Show the settings of the manager interface")
def show_settings(context: CliContext, _call: Call) -> str:
    """Show manager.conf's [general]."""
    rows = _manager(context).settings()
    return lines(
        "",
        "Global Settings:",
        "----------------",
        *(f"  {name + ':':<30}{value}" for name, value in rows),
    )


@command("manager show users", "List the users of the manager interface")
def show_users(context: CliContext, _call: Call) -> str:
    """List the users of manager.conf."""
    users = _manager(context).users()
    return lines(
        "",
        "Username",
        "--------",
        *(user.name for user in users),
        "-------------------",
        f"{len(users)} manager users configured.",
    )


@command(
    "manager show user",
    "Show one user of the manager interface",
    arguments="<user>",
    complete=_complete_user,
)
def show_user(context: CliContext, call: Call) -> str:
    """Show what a user may; the secret is only said to be there."""
    if len(call.arguments) != 1:
        raise WrongUsage
    for user in _manager(context).users():
        if user.name == call.arguments[0]:
            return lines(
                "",
                f"            username: {user.name}",
                f"              secret: {'<Set>' if user.has_secret else '<N/A>'}",
                f"                 ACL: {'yes' if user.has_acl else 'no'}",
                f"           read perm: {user.read}",
                f"          write perm: {user.write}",
                f"     displayconnects: {'yes' if user.is_shown else 'no'}",
                f"allowmultiplelogin: {'yes' if user.may_repeat else 'no':>4}",
            )
    raise CommandError(f"There is no user called {call.arguments[0]}")


@command("manager show commands", "List the actions of the manager interface")
def show_commands(context: CliContext, _call: Call) -> Iterator[str]:
    """List the actions with the classes that a user needs one of."""
    actions = _manager(context).actions()
    width = max([15, *(len(each.name) for each in actions)])
    yield f"  {'Action':<{width}}  {'Synopsis'}"
    yield f"  {'------':<{width}}  {'--------'}"
    for each in actions:
        yield f"  {each.name:<{width}}  {each.summary}"


@command(
    "manager show command",
    "Describe actions of the manager interface",
    arguments="<actionname> [<actionname> ...]",
    complete=_complete_action,
)
def show_command(context: CliContext, call: Call) -> str:
    """Show what actions do and what they need."""
    if not call.arguments:
        raise WrongUsage
    known = {each.name.lower(): each for each in _manager(context).actions()}
    rows: list[str] = []
    for name in call.arguments:
        found = known.get(name.lower())
        if found is None:
            raise CommandError(f"Did not find manager action '{name}'")
        rows += [f"[Action]\n{found.name}", "", f"[Synopsis]\n{found.summary}", ""]
        rows += [f"[Privilege]\n{found.privilege or '<none>'}", ""]
    return lines(*rows)


@command("manager show connected", "List who is connected to the manager interface")
def show_connected(context: CliContext, _call: Call) -> str:
    """List the sessions that are logged in."""
    sessions = _manager(context).sessions()
    rows = [
        f"  {fit(each.name, 15)}  {fit(each.address, 55)}  {int(each.started_at):<10}  "
        f"{max(0, int(context.wall() - each.started_at)):<10}  {each.number:<8}"
        for each in sessions
    ]
    return lines(
        f"  {'Username':<15}  {'IP Address':<55}  {'Start':<10}  {'Elapsed':<10}  {'FileDes':<8}",
        *rows,
        f"{len(rows)} users connected.",
    )


@command("manager kick session", "Disconnect a session", arguments="<file descriptor>")
def kick_session(context: CliContext, call: Call) -> str:
    """Disconnect the session of a number in ``manager show connected``."""
    if len(call.arguments) != 1 or not call.arguments[0].isdecimal():
        raise WrongUsage
    _manager(context).kick(int(call.arguments[0][:9]))
    return f"Kicking manager session with file descriptor {call.arguments[0]}"


@command("manager show events", "List the events of the manager interface")
def show_events(context: CliContext, _call: Call) -> Iterator[str]:
    """List the names of events, four to a row."""
    names = sorted(_manager(context).events())
    yield "Events:"
    yield "  --------------------  --------------------  --------------------"
    for first in range(0, len(names), 3):
        yield "  " + "  ".join(f"{name:<20}" for name in names[first : first + 3])


@command(
    "manager show event",
    "Describe an event of the manager interface",
    arguments="<eventname>",
    complete=_complete_event,
)
def show_event(context: CliContext, call: Call) -> str:
    """Show the class of an event, by which it is heard."""
    if len(call.arguments) != 1:
        raise WrongUsage
    known = {name.lower(): (name, what) for name, what in _manager(context).events().items()}
    found = known.get(call.arguments[0].lower())
    if found is None:
        raise CommandError(f"Could not find event '{call.arguments[0]}'")
    name, what = found
    return lines(f"Event: {name}", "", f"[Class]\n{what or '<none>'}")


@command("manager set debug [on|off]", "Add where they come from to events")
def set_debug(context: CliContext, call: Call) -> str:
    """Switch what tells developers of events, or say whether it is on."""
    manager = _manager(context)
    if call.option in ("on", "off"):
        manager.set_debug(call.option == "on")
    return f"manager debug is {'on' if manager.is_debugging else 'off'}"


@command("manager reload", "Read manager.conf again")
async def reload(context: CliContext, _call: Call) -> str:
    """Use what manager.conf says now."""
    return lines(*await context.lifecycle.reload("manager"))
