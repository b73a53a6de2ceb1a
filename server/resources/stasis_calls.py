"""A channel's stay in a Stasis application, from StasisStart to StasisEnd.

The stay is a coroutine that runs inside the channel's controller: the dialplan's Stasis() awaits
it, and a channel that was originated for an application has it as its whole controller.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from server.base.errors import ChannelHungUp, Conflict, NotFound, Unavailable
from server.model import events
from server.model.wire import Snapshot
from server.resources.channel import Channel
from server.resources.node import Node
from server.stasis.applications import CallConnection
from server.stasis.topics import application_topic, call_topic, channel_topic

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Continue:
    """Leave Stasis; the channel's dialplan position has been set if it is to change."""


@dataclass(frozen=True, slots=True)
class Move:
    """Go on in another application."""

    app: str
    args: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Replacement:
    """Why a channel comes into an application: it takes the place of another.

    :param replaced: the other one, as StasisStart shows it.
    :param on_start: called right after StasisStart.
    """

    replaced: Snapshot
    on_start: Callable[[], None]


class StasisCall:
    """The hold that an application has on a channel."""

    def __init__(self, app: str, args: Sequence[str]) -> None:
        self.app = app
        self.args = list(args)
        self.exit: asyncio.Future[Continue | Move] = asyncio.get_running_loop().create_future()

    @property
    def is_over(self) -> bool:
        """Whether the channel has been told to leave: nothing more can be asked of it here."""
        return self.exit.done()

    def leave(self, how: Continue | Move) -> None:
        """Ask the stay to end; only the first request counts."""
        if not self.exit.done():
            self.exit.set_result(how)


async def enter_stasis(
    channel: Channel, app: str, args: Sequence[str], replacement: Replacement | None = None
) -> None:
    """Put *channel* under an application's control until it is let go.

    If nobody is connected as the application, but a connection for each call is configured, one is
    made, and ended afterwards.

    :param replacement: set if it takes the place of another channel there.

    :raises NotFound: nobody is connected as this application, and it can't be connected to.
    :raises ChannelHungUp: the channel ended; StasisEnd has been published.
    """
    if channel.id not in channel.node.registry:
        raise NotFound(f"{channel.name} is no channel that an application could control")
    applications = channel.node.applications
    if applications.is_registered(app):
        await _stay_until_let_go(channel, app, args, replacement)
        return
    if not applications.can_connect(app):
        raise NotFound(f"Stasis application {app} is not registered")
    connecting = channel.node.scope.spawn(_connect(channel, app), f"{channel.name} connect")
    try:
        connection = await channel.wait(connecting)
    except BaseException:
        connecting.add_done_callback(_close_connection)
        connecting.cancel()
        raise
    if isinstance(connection, str):
        raise NotFound(connection)
    try:
        await _stay_until_let_go(channel, connection.app, args, replacement)
    finally:
        connection.close()


async def _stay_until_let_go(
    channel: Channel, app: str, args: Sequence[str], replacement: Replacement | None
) -> None:
    next_stay: Move | None = Move(app, tuple(args))
    while next_stay is not None:
        if channel.is_hungup:
            raise ChannelHungUp(channel.hangup_cause)
        next_stay = await _stay(channel, next_stay, replacement)
        replacement = None


async def _connect(channel: Channel, app: str) -> CallConnection | str:
    """Connect to an application for one call; return why it can't be reached instead."""
    try:
        return await channel.node.applications.connect_for_call(app, channel.name)
    except NotFound as failure:
        return str(failure)


def _close_connection(connecting: asyncio.Task[CallConnection | str]) -> None:
    """End a connection whose call ended while it was being made."""
    if not connecting.cancelled() and connecting.exception() is None:
        connection = connecting.result()
        if not isinstance(connection, str):
            connection.close()


async def _stay(channel: Channel, stay: Move, replacement: Replacement | None) -> Move | None:
    """Spend one stay; return the next one if the application moved the channel."""
    node = channel.node
    call = StasisCall(stay.app, stay.args)
    channel.stasis = call
    node.applications.watch(call.app, channel.topics[0], channel_topic(channel.linkedid))
    channel.node.bus.publish(
        events.stasis_start(
            args=call.args,
            channel=channel.snapshot(),
            replace_channel=replacement.replaced if replacement is not None else None,
        ),
        (application_topic(call.app), call_topic(channel.id)),
    )
    channel.report_progress(200)
    try:
        if replacement is not None:
            replacement.on_start()
        while True:
            how = await channel.wait(call.exit)
            if not isinstance(how, Move):
                return None
            if node.applications.is_registered(how.app):
                return how
            _refuse_move(channel, call, how)
    finally:
        await _end_stay(channel, call)


def _refuse_move(channel: Channel, call: StasisCall, how: Move) -> None:
    """Tell the present application that its channel stays; a new request may follow."""
    logger.warning("%s: can't move to %s: not registered", channel.name, how.app)
    call.exit = asyncio.get_running_loop().create_future()
    channel.node.bus.publish(
        events.application_move_failed(
            channel=channel.snapshot(), destination=how.app, args=list(how.args)
        ),
        (application_topic(call.app), call_topic(channel.id)),
    )


async def _end_stay(channel: Channel, call: StasisCall) -> None:
    """Bring the channel out: bridge, playbacks and recordings first, then StasisEnd."""
    call.exit.cancel()
    for close in list(channel.resources):
        close()
    await channel.settle()
    if channel.bridge is not None:
        channel.bridge.remove(channel)
    if not channel.is_hungup:
        channel.set_background(None)
    channel.flush_digits()
    channel.stasis = None
    channel.node.bus.publish(
        events.stasis_end(channel=channel.snapshot()),
        (application_topic(call.app), call_topic(channel.id)),
    )
    if not channel.is_hungup:  # else the application also learns how the call ended
        channel.node.applications.unwatch(call.app, channel_topic(channel.id))


def stasis_call_of(channel: Channel) -> StasisCall:
    """Return the stay of a channel that an application can use now.

    :raises Conflict: it has not entered an application yet, is on its way out, or has hung up.
    """
    call = channel.stasis
    if call is None or call.is_over or channel.is_hungup:
        raise Conflict("Channel not in Stasis application")
    return call


async def run_in_stasis(
    channel: Channel, app: str, args: Sequence[str], replacement: Replacement | None = None
) -> None:
    """Be the controller of a channel that was made for an application.

    After the application lets go, the dialplan takes over if the channel's position exists, as
    after ARI's ``continue``; otherwise the channel is hung up.
    """
    try:
        await enter_stasis(channel, app, args, replacement)
    except NotFound as error:
        logger.warning("%s: %s", channel.name, error)
        channel.hangup()
        return
    continue_or_hangup(channel)


def continue_or_hangup(channel: Channel) -> None:
    """Hand a live channel to the dialplan at its position, or hang it up if there is none."""
    if channel.is_hungup:
        return
    node: Node = channel.node
    try:
        exists = node.dialplan.has(
            channel.context, channel.exten, channel.priority, channel.caller.number
        )
    except Unavailable:
        exists = False
    if exists:
        node.dialplan.start(channel)
    else:
        channel.hangup()


def split_args(args: str | None) -> list[str]:
    """Split ARI's ``appArgs`` at commas; quotes keep a comma inside an argument."""
    if not args:
        return []
    parts: list[str] = [""]
    is_quoted = False
    for letter in args:
        if letter == '"':
            is_quoted = not is_quoted
        elif letter == "," and not is_quoted:
            parts.append("")
        else:
            parts[-1] += letter
    return parts
