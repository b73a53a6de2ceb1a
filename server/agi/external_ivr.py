"""ExternalIVR(): a program or a server tells what to play, and hears what happens at the call.

It writes a command a line, ``letter,data``, and reads an event a line, ``letter,time,data``.
"""

from __future__ import annotations

from pathlib import Path

from server.agi.fastagi import CONNECT_TIMEOUT, Address, adopt, parse_address
from server.agi.ivr_session import MAX_COMMAND, IvrSession
from server.agi.peer import LinePeer
from server.agi.process import start_process
from server.base.errors import ChannelHungUp, InvalidArgument
from server.dialplan.arguments import argument, parse_options, split_arguments
from server.dialplan.executor import Call
from server.dialplan.registry import Registry
from server.tech.connecting import open_connection

DEFAULT_PORT = 2949
OPTIONS = "nid"
SCHEME = "ivr://"


class ExternalIvr:
    """The application.

    :param program_dir: where programs of relative names are.
    """

    def __init__(self, program_dir: Path) -> None:
        self._program_dir = program_dir

    def install(self, registry: Registry) -> None:
        """Add it to the dialplan."""
        registry.add_application("ExternalIVR", self.run)

    async def run(self, call: Call, data: str) -> None:
        """ExternalIVR(program or ivr://host(arguments), options).

        Options: ``n`` don't answer, ``i`` tell of the hang-up and go on until the program ends,
        ``d`` run on a channel that has hung up.
        """
        given = split_arguments(data)
        options = parse_options(argument(given, 1), OPTIONS, "ExternalIVR", call.where)
        target, arguments = split_target(argument(given, 0))
        channel = call.channel
        if not target:
            call.report("ExternalIVR requires a command to execute")
            raise ChannelHungUp(channel.hangup_cause)
        if channel.is_hungup and "d" not in options:
            raise ChannelHungUp(channel.hangup_cause)
        if "n" not in options and not channel.is_hungup:
            channel.answer()
        try:
            peer = await self._open(call, target, arguments)
        except (OSError, ValueError, InvalidArgument) as error:
            call.report(f"ExternalIVR: {target}: {error}")
            raise ChannelHungUp(channel.hangup_cause) from None
        session = IvrSession(call, peer, arguments, stays="i" in options or channel.is_hungup)
        try:
            await session.run()
        finally:
            session.close()
            peer.close()

    async def _open(self, call: Call, target: str, arguments: list[str]) -> LinePeer:
        is_dead = call.channel.is_hungup
        if target.lower().startswith(SCHEME):
            opening = _connect(_address(target))
            return await (opening if is_dead else call.channel.wait(opening))
        path = self._program_dir / target
        return await start_process(
            [str(path), *arguments], {}, max_line=MAX_COMMAND, errors=_ErrorLog(call)
        )


def split_target(text: str) -> tuple[str, list[str]]:
    """Split ``program(argument,argument)``."""
    target, bracket, rest = text.strip().partition("(")
    if not bracket:
        return target.strip(), []
    inside = rest[: rest.rfind(")")] if ")" in rest else rest
    return target.strip(), split_arguments(inside) if inside else []


def _address(target: str) -> Address:
    """Read ``ivr://host[:port]``.

    :raises InvalidArgument: there is no host, or the port is none.
    """
    return parse_address(target, DEFAULT_PORT)


async def _connect(address: Address) -> LinePeer:
    connection = await open_connection((address.host, address.port), CONNECT_TIMEOUT)
    return await adopt(connection, MAX_COMMAND)


class _ErrorLog(LinePeer):
    """What the program writes to its standard error goes to the log."""

    def __init__(self, call: Call) -> None:
        super().__init__(MAX_COMMAND, is_duplex=False)
        self._call = call

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        while not self.is_empty:
            self._call.report(f"ExternalIVR: stderr: {self.take() or '(a line that is too long)'}")
