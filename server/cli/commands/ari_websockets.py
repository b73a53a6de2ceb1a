"""``ari … websocket …``: the connections of applications, and those that we make to them."""

from __future__ import annotations

from collections.abc import Sequence

from server.base.errors import NotFound
from server.cli.context import CliContext, WebsocketAdmin
from server.cli.registry import Call, CommandError, WrongUsage, command
from server.cli.tables import fit, lines, plural


def _websockets(context: CliContext) -> WebsocketAdmin:
    if context.websockets is None:
        raise CommandError("the REST interface is not running")
    return context.websockets


def _name(call: Call) -> str:
    if len(call.arguments) != 1:
        raise WrongUsage
    return call.arguments[0]


def _complete_session(context: CliContext, arguments: Sequence[str]) -> list[str]:
    return [] if arguments else [view.id for view in _websockets(context).sessions()]


def _complete_outbound(context: CliContext, arguments: Sequence[str]) -> list[str]:
    return [] if arguments else [view.name for view in _websockets(context).outbound()]


@command("ari show websocket sessions", "List the WebSockets of Stasis applications")
def show_sessions(context: CliContext, _call: Call) -> str:
    """List the WebSockets that are open, in both directions."""
    views = _websockets(context).sessions()
    rows = [
        f"{fit(view.id, 32)} {fit(view.kind, 15)} {fit(view.remote, 24)}"
        f" {fit(view.user, 16)} {','.join(view.apps)}"
        for view in views
    ]
    head = (
        f"{fit('Connection ID', 32)} {fit('Type', 15)} {fit('Remote', 24)} {fit('User', 16)} Apps"
    )
    return lines(head, "=" * len(head), *rows, plural(len(views), "session"))


@command(
    "ari shutdown websocket session",
    "Close the WebSocket of a Stasis application",
    arguments="<id>",
    complete=_complete_session,
)
def shut_down_session(context: CliContext, call: Call) -> str:
    """Close one WebSocket."""
    name = _name(call)
    _websockets(context).shut_down(name)
    return f"Shut down websocket session '{name}'"


@command("ari shutdown websocket sessions", "Close the WebSockets of all Stasis applications")
def shut_down_sessions(context: CliContext, _call: Call) -> str:
    """Close every WebSocket. Persistent outbound ones are connected again."""
    websockets = _websockets(context)
    views = websockets.sessions()
    for view in views:
        websockets.shut_down(view.id)
    return f"Shut down {plural(len(views), 'websocket session')}"


@command("ari show outbound-websockets", "List the outbound WebSockets")
def show_outbound(context: CliContext, _call: Call) -> str:
    """List the outbound WebSockets that are configured."""
    rows = [
        f"{fit(view.name, 24)} {fit(view.kind, 15)} {fit(','.join(view.apps), 24)} {view.status}"
        for view in _websockets(context).outbound()
    ]
    head = f"{fit('Connection ID', 24)} {fit('Type', 15)} {fit('Apps', 24)} Status"
    return lines(head, "=" * len(head), *(rows or ["None."]))


@command(
    "ari show outbound-websocket",
    "Show an outbound WebSocket",
    arguments="<connection id>",
    complete=_complete_outbound,
)
def show_one_outbound(context: CliContext, call: Call) -> str:
    """Show how an outbound WebSocket is configured, and how it is."""
    name = _name(call)
    for view in _websockets(context).outbound():
        if view.name == name:
            return lines(
                f"[{view.name}]",
                f"websocket_client_id = {view.client}",
                f"connection_type = {view.kind}",
                f"uri = {view.uri}",
                f"apps = {','.join(view.apps)}",
                f"local_ari_user = {view.user}",
                f"subscribe_all = {'yes' if view.subscribe_all else 'no'}",
                f"status = {view.status}",
            )
    raise NotFound(f"no outbound WebSocket {name}")


@command("ari show webhooks", "List the webhooks of Stasis applications")
def show_webhooks(context: CliContext, _call: Call) -> str:
    """List the webhooks with the number of events that wait, were delivered and failed."""
    rows = [
        f"{fit(view.name, 20)} {fit(','.join(view.apps), 20)} {view.waiting:8} {view.delivered:10}"
        f" {view.failed:8} {view.lost:6}  {view.state}"
        for view in _websockets(context).webhooks()
    ]
    head = (
        f"{fit('Name', 20)} {fit('Apps', 20)} {'Waiting':>8} {'Delivered':>10}"
        f" {'Failed':>8} {'Lost':>6}  State"
    )
    return lines(head, "=" * len(head), *(rows or ["None."]))


@command(
    "ari start outbound-websocket",
    "Connect an outbound WebSocket now",
    arguments="<connection id>",
    complete=_complete_outbound,
)
def start_outbound(context: CliContext, call: Call) -> str:
    """Connect a persistent outbound WebSocket, rather than after the wait."""
    name = _name(call)
    _websockets(context).start(name)
    return f"Starting outbound websocket '{name}'"
