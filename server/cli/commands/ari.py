"""``ari …`` and ``http …``: the REST interface and the web server under it."""

from __future__ import annotations

from collections.abc import Sequence

from server.base.passwords import make_crypt
from server.cli.context import CliContext
from server.cli.registry import Call, CommandError, WrongUsage, command
from server.cli.tables import fit, lines

ALL = "all"


@command("ari show apps", "List the Stasis applications")
def show_apps(context: CliContext, _call: Call) -> str:
    """List the applications that are registered."""
    names = [application.name for application in context.applications.list()]
    return lines("Application Name", "=" * 25, *(fit(name, 25) for name in sorted(names)))


def _complete_app(context: CliContext, arguments: Sequence[str]) -> list[str]:
    return [] if arguments else [app.name for app in context.applications.list()]


@command(
    "ari show app", "Show one Stasis application", arguments="<application>", complete=_complete_app
)
def show_app(context: CliContext, call: Call) -> str:
    """Show what an application is subscribed to."""
    if len(call.arguments) != 1:
        raise WrongUsage
    found = context.applications.get(call.arguments[0])
    groups = [
        ("Channels", found.channel_ids),
        ("Bridges", found.bridge_ids),
        ("Endpoints", found.endpoint_ids),
        ("Devices", found.device_names),
    ]
    rows = [f"Name: {found.name}", "  Subscriptions:"]
    for title, names in groups:
        rows.append(f"    {title}: {len(names)}")
        rows += (f"      {name or '(all)'}" for name in sorted(names))
    return lines(*rows)


def _complete_debug(context: CliContext, arguments: Sequence[str]) -> Sequence[str]:
    if not arguments:
        return [ALL, *(app.name for app in context.applications.list())]
    return ("on", "off") if len(arguments) == 1 else ()


@command(
    "ari set debug",
    "Log the events of an application, or stop it",
    arguments="<application|all> <on|off>",
    complete=_complete_debug,
)
def set_debug(context: CliContext, call: Call) -> str:
    """Log what an application, or all, are sent."""
    if len(call.arguments) != 2 or call.arguments[1] not in ("on", "off"):
        raise WrongUsage
    if context.websockets is None:
        raise CommandError("the REST interface is not running")
    name, state = call.arguments
    word = "enabled" if state == "on" else "disabled"
    if name == ALL:
        context.websockets.set_debug(None, state == "on")
        return f"Debugging on all applications {word}"
    context.applications.get(name)
    context.websockets.set_debug(name, state == "on")
    return f"Debugging on '{name}' {word}"


@command("ari show users", "List the users of the REST interface")
def show_users(context: CliContext, _call: Call) -> str:
    """List the users and whether they may change things."""
    rows = [
        f"{'Yes' if user.is_read_only else 'No':<5} {user.name}" for user in context.ari_users()
    ]
    return lines("r/o?  Username", "----  --------", *rows)


def _complete_user(context: CliContext, arguments: Sequence[str]) -> list[str]:
    return [] if arguments else [user.name for user in context.ari_users()]


@command(
    "ari show user",
    "Show one user of the REST interface",
    arguments="<username>",
    complete=_complete_user,
)
def show_user(context: CliContext, call: Call) -> str:
    """Show whether a user may change things."""
    if len(call.arguments) != 1:
        raise WrongUsage
    for user in context.ari_users():
        if user.name == call.arguments[0]:
            answer = "Yes" if user.is_read_only else "No"
            return lines(f"Username: {user.name}", f"Read only?: {answer}")
    raise CommandError(f"User '{call.arguments[0]}' not found")


@command("ari show status", "Show the settings of the REST interface")
def show_status(context: CliContext, _call: Call) -> str:
    """Show ari.conf's [general] and how many users there are."""
    ari = context.configuration.ari
    return lines(
        "ARI Status:",
        f"Enabled: {'Yes' if ari.enabled else 'No'}",
        f"Output format: {'pretty' if ari.pretty else 'compact'}",
        f"Auth realm: {ari.auth_realm}",
        f"Allowed Origins: {','.join(ari.allowed_origins)}",
        f"User count: {len(ari.users)}",
    )


@command("ari mkpasswd", "Crypt a password for ari.conf", arguments="<password>")
def make_password(_context: CliContext, call: Call) -> str:
    """Show the lines that give a user this password without telling it."""
    if len(call.arguments) != 1:
        raise WrongUsage
    return lines(
        "; Copy the following two lines into ari.conf",
        "password_format = crypt",
        f"password = {make_crypt(call.arguments[0])}",
    )


@command("http show status", "Show where the web server listens")
def show_http_status(context: CliContext, _call: Call) -> str:
    """Show addresses, what is served, and redirects."""
    if context.http is None:
        raise CommandError("the web server is not running")
    view = context.http.status()
    bound = [f"Server Enabled and Bound to {address}" for address in view.addresses]
    redirects = [f"  {origin} => {target}" for origin, target in view.redirects]
    return lines(
        "HTTP Server Status:",
        f"Prefix: {view.prefix}",
        f"Server: {view.server_name}",
        *(bound or ["Server Disabled"]),
        "",
        "Enabled URI's:",
        *(f"{path} => {what}" for path, what in view.handlers),
        "",
        "Enabled Redirects:",
        *(redirects or ["  None."]),
    )
