"""Commands for texts and other things than sound."""

from __future__ import annotations

from typing import TYPE_CHECKING

from server.agi.commands.registry import UsageError, command, integer
from server.agi.protocol import Failure, one_line
from server.base.errors import ChannelHungUp

if TYPE_CHECKING:
    from server.agi.session import Session


@command("SEND TEXT", "<text to send>", least=1, most=1)
def send_text(session: Session, args: list[str]) -> str:
    """Sends a text inside the call, if the phone takes any."""
    session.channel.leg.send_text(args[0])
    return "200 result=0"


@command("SEND IMAGE", "<image>", least=1, most=1)
def send_image(session: Session, args: list[str]) -> str:
    """Sends an image; no channel here takes any, which is no error."""
    return "200 result=0"


@command("TDD MODE", "<on|off|mate>", least=1, most=1)
def tdd_mode(_session: Session, args: list[str]) -> str:
    """Switches teletype transmission; no channel here has it."""
    if args[0].lower() not in ("on", "off", "mate", "tdd"):
        raise UsageError
    return "200 result=0"


@command("RECEIVE CHAR", "<timeout>", least=1, most=1)
async def receive_char(session: Session, args: list[str]) -> str:
    """Waits some milliseconds for a text, 0 for as long as it takes, and tells its first letter."""
    try:
        text = await session.receive_text(integer(args[0]) / 1000)
    except ChannelHungUp:
        return Failure("200 result=-1 (hangup)")
    return f"200 result={ord(text[0])}" if text else "200 result=0 (timeout)"


@command("RECEIVE TEXT", "<timeout>", least=1, most=1)
async def receive_text(session: Session, args: list[str]) -> str:
    """Waits some milliseconds for a text, 0 for as long as it takes."""
    text = await session.receive_text(integer(args[0]) / 1000)
    return "200 result=-1" if text is None else f"200 result=1 ({one_line(text)})"
