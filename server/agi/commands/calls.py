"""Commands on the call itself and its place in the dialplan."""

from __future__ import annotations

import inspect
import logging
from typing import TYPE_CHECKING

from server.agi.commands.registry import UsageError, command, integer
from server.agi.protocol import Failure
from server.base.errors import ChannelHungUp, ServerError
from server.dialplan.apps.subroutines import run_subroutine
from server.dialplan.executor import Call
from server.dialplan.parties import parse_party
from server.resources.channel import Channel
from server.resources.controlled import EndedBy

if TYPE_CHECKING:
    from server.agi.session import Session

logger = logging.getLogger(__name__)

# as CHANNEL STATUS numbers them
STATES = ("Down", "Rsrved", "OffHook", "Dialing", "Ring", "Ringing", "Up", "Busy")
LOUD = 3  # levels of VERBOSE up to here are seen without debugging


@command("ANSWER")
def answer(session: Session, _args: list[str]) -> str:
    """Answers the call unless it is answered already."""
    session.channel.answer()
    return "200 result=0"


@command("HANGUP", "[channelname]", most=1)
def hangup(session: Session, args: list[str]) -> str:
    """Ends this call, or the one of the channel that is named."""
    channel = _named(session, args)
    if channel is None:
        return "200 result=-1"
    channel.hangup(ended_by=EndedBy.COMMAND)
    return "200 result=1"


@command("CHANNEL STATUS", "[channelname]", most=1)
def channel_status(session: Session, args: list[str]) -> str:
    """Tells the state of this channel, or of the one that is named, as a number."""
    channel = _named(session, args)
    if channel is None or channel.state not in STATES:
        return "200 result=-1"
    return f"200 result={STATES.index(channel.state)}"


def _named(session: Session, args: list[str]) -> Channel | None:
    return session.call.dialplan.node.registry.find(args[0]) if args else session.channel


@command("SET AUTOHANGUP", "<time>", least=1, most=1)
def set_autohangup(session: Session, args: list[str]) -> str:
    """Ends the call after so many seconds from now; 0 takes the limit away."""
    try:
        seconds = float(args[0])
    except ValueError:
        raise UsageError from None
    if not 0 <= seconds < 1e9:
        raise UsageError
    session.call.dialplan.set_absolute_timeout(session.channel, seconds)
    return "200 result=0"


@command("SET CALLERID", "<number>")
def set_callerid(session: Session, args: list[str]) -> str:
    """Changes who calls: a number, or a name followed by a number in angle brackets."""
    if args:
        party = parse_party(args[0])
        channel = session.channel
        channel.set_caller(
            type(party)(
                party.name or channel.caller.name, party.number, channel.caller.presentation
            )
        )
    return "200 result=1"


@command("SET CONTEXT", "<desired context>", least=1, most=1)
def set_context(session: Session, args: list[str]) -> str:
    """Chooses the context in which the dialplan goes on after this script."""
    channel = session.channel
    channel.set_position(args[0], channel.exten, channel.priority)
    return "200 result=0"


@command("SET EXTENSION", "<new extension>", least=1, most=1)
def set_extension(session: Session, args: list[str]) -> str:
    """Chooses the extension in which the dialplan goes on after this script."""
    channel = session.channel
    channel.set_position(channel.context, args[0], channel.priority)
    return "200 result=0"


@command("SET PRIORITY", "<priority>", least=1, most=1)
def set_priority(session: Session, args: list[str]) -> str:
    """Chooses the priority, a number or a label, at which the dialplan goes on afterwards."""
    channel, call = session.channel, session.call
    priority: int | None
    if args[0].isascii() and args[0].isdigit():
        priority = integer(args[0])
    else:
        priority = call.dialplan.find_label(
            channel.context, channel.exten, args[0], channel.caller.number
        )
    if not priority:
        raise UsageError
    call.jump(channel.context, channel.exten, priority)
    return "200 result=0"


@command("SET MUSIC", "<on|off> [class]", least=1)
def set_music(session: Session, args: list[str]) -> str:
    """Plays music on hold while the script goes on, or ends it."""
    word = args[0].lower()
    if word not in ("on", "off"):
        raise UsageError
    music_class = args[1] if len(args) > 1 and args[1] else session.channel.music_class
    session.channel.set_background("music" if word == "on" else None, music_class)
    return "200 result=0"


@command("EXEC", "<application> <options>", least=1, runs_dead=True)
async def execute(session: Session, args: list[str]) -> str:
    """Runs an application of the dialplan, and tells what it returned; -2 if there is none."""
    name = args[0]
    call = session.call
    if name.strip().lower() not in call.dialplan.registry.applications:
        call.report(f"EXEC: there is no application {name!r}")
        return Failure("200 result=-2")
    try:
        result = call.run_application(name, args[1] if len(args) > 1 else "")
        digit = await result if inspect.isawaitable(result) else result
    except ChannelHungUp as hungup:
        if name.strip().lower() == "hangup" and not session.channel.is_hungup:
            session.channel.hangup(hungup.cause or 16, EndedBy.DIALPLAN)
        return Failure("200 result=-1")
    except ServerError as error:
        call.report(f"{name}: {error}")
        return "200 result=0"
    return f"200 result={ord(digit[0]) if isinstance(digit, str) and digit else 0}"


@command("GOSUB", "<context> <extension> <priority> [optional-argument]", least=3, most=4)
async def gosub(session: Session, args: list[str]) -> str:
    """Runs a subroutine of the dialplan until it returns."""
    context, exten, priority = args[:3]
    call = Call(session.call.dialplan, session.channel)  # its jumps are not the script's
    if not priority.isdigit():
        label = call.dialplan.find_label(context, exten, priority, session.channel.caller.number)
        priority = str(label or 0)
    if not call.exists(exten, int(priority[:9]), context):
        call.report(f"GOSUB: there is no {exten}@{context}:{args[2]}")
        return Failure("200 result=-1 Gosub label not found")
    session.reply("100 result=0 Trying...")
    arguments = f"({args[3]})" if len(args) > 3 else ""
    if await run_subroutine(call, f"{context},{exten},{priority}{arguments}"):
        return "200 result=0 Gosub complete"
    return Failure("200 result=-1 Gosub failed")


@command("NOOP", "", runs_dead=True)
def noop(_session: Session, _args: list[str]) -> str:
    """Does nothing."""
    return "200 result=0"


@command("VERBOSE", "<message> <level>", least=1, runs_dead=True)
def verbose(session: Session, args: list[str]) -> str:
    """Writes a message to the log, at a verbosity level of 1 to 4."""
    level = integer(args[1]) if len(args) > 1 and args[1].isdigit() else 1
    logger.log(logging.INFO if level <= LOUD else logging.DEBUG, "%s: %s", session.name, args[0])
    return "200 result=1"


@command("ASYNCAGI BREAK", "", runs_dead=True)
def asyncagi_break(session: Session, _args: list[str]) -> str:
    """Ends an AsyncAGI session: the dialplan goes on."""
    session.is_breaking = session.is_async
    return "200 result=0"
