"""The applications AGI, EAGI and DeadAGI: from what the dialplan asks for to a session."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from server.agi.async_agi import AsyncSessions
from server.agi.audio import open_audio
from server.agi.environment import describe_call
from server.agi.fastagi import connect_fastagi, parse_address
from server.agi.peer import LinePeer
from server.agi.ports import Monitor
from server.agi.process import ScriptProcess, start_process
from server.agi.protocol import environment_block
from server.agi.session import Session, Status
from server.base.errors import ChannelHungUp, InvalidArgument
from server.dialplan.arguments import split_arguments
from server.dialplan.executor import Call
from server.dialplan.functions.dns_records import Dns
from server.dialplan.registry import Registry

ASYNC_REQUEST = "agi:async"
EXIT_WAIT = 5.0  # seconds that a script gets to end after a call, before nobody waits any more


@dataclass(frozen=True, slots=True)
class AgiSettings:
    """What scripts are given.

    :param script_dir: where scripts of relative names are: ``astagidir``.
    :param environment: of their processes: ``AST_CONFIG_DIR`` …
    """

    script_dir: Path
    environment: Mapping[str, str] = field(default_factory=dict)


class Launcher:
    """Runs scripts at calls.

    :ivar monitor: who follows all sessions.
    :ivar sessions: the AsyncAGI ones.
    """

    def __init__(self, settings: AgiSettings) -> None:
        self.monitor = Monitor()
        self.sessions = AsyncSessions(self.monitor)
        self._settings = settings

    @property
    def script_dir(self) -> Path:
        """Where scripts of relative names are."""
        return self._settings.script_dir

    def install(self, registry: Registry) -> None:
        """Add the applications to the dialplan."""
        registry.add_application("AGI", self.agi)
        registry.add_application("EAGI", self.eagi)
        registry.add_application("DeadAGI", self.agi)

    async def agi(self, call: Call, data: str) -> None:
        """AGI(script or address, arguments): sets AGISTATUS."""
        await self._run(call, data, is_enhanced=False)

    async def eagi(self, call: Call, data: str) -> None:
        """EAGI(script, arguments): likewise; descriptor 3 gives the script what is said."""
        await self._run(call, data, is_enhanced=True)

    # private

    async def _run(self, call: Call, data: str, *, is_enhanced: bool) -> None:
        request, *arguments = split_arguments(data) or [""]
        request = request.strip()
        if not request:
            call.report("AGI requires an argument (script)")
            raise ChannelHungUp(call.channel.hangup_cause)
        status = Status.FAILURE
        is_dead = call.channel.is_hungup
        try:
            if request.lower().startswith(ASYNC_REQUEST):
                status = await self.sessions.run(call, request, arguments)
            elif request.lower().startswith(("agi://", "hagi://")):
                status = await self._run_network(call, request, arguments, is_dead)
            else:
                status = await self._run_process(
                    call, request, arguments, is_enhanced and not is_dead, is_dead
                )
        except ChannelHungUp:
            status = Status.HANGUP
            raise
        finally:
            call.channel.variables.set("AGISTATUS", status.value)
        if status is Status.HANGUP or call.channel.is_hungup:
            raise ChannelHungUp(call.channel.hangup_cause)

    async def _run_network(
        self, call: Call, request: str, arguments: list[str], is_dead: bool
    ) -> Status:
        try:
            address = parse_address(request)
            opening = connect_fastagi(address, call.dialplan.part(Dns).services)
            peer = await (opening if is_dead else call.channel.wait(opening))
        except (OSError, InvalidArgument) as error:
            call.report(f"AGI: {request}: {error}")
            return Status.FAILURE
        environment = describe_call(call, request, arguments, network_script=address.script)
        return await _converse(self._session(call, peer, request, is_dead), peer, environment)

    async def _run_process(
        self, call: Call, request: str, arguments: list[str], is_enhanced: bool, is_dead: bool
    ) -> Status:
        path = self._settings.script_dir / request
        if not is_safe(request) or not await asyncio.to_thread(path.is_file):
            call.report(f"AGI: {request!r} is no file of {self._settings.script_dir}")
            return Status.NOTFOUND
        audio = open_audio(call) if is_enhanced and not call.channel.is_hungup else None
        try:
            process = await start_process(
                [str(path), *arguments],
                self._settings.environment,
                audio=audio.descriptor if audio is not None else None,
            )
        except (OSError, ValueError) as error:
            call.report(f"AGI: {path}: {error}")
            if audio is not None:
                audio.close()
            return Status.FAILURE
        try:
            if audio is not None:
                audio.release_descriptor()
            environment = describe_call(call, request, arguments, is_enhanced=is_enhanced)
            session = self._session(call, process, request, is_dead)
            status = await _converse(session, process, environment)
            if session.has_ended_itself and await _exit_code(call, process):
                return Status.FAILURE if status is Status.SUCCESS else status
            return status
        finally:
            if audio is not None:
                audio.close()

    def _session(self, call: Call, peer: LinePeer, request: str, is_dead: bool) -> Session:
        return Session(call, peer, request, monitor=self.monitor, is_dead=is_dead)


def is_safe(name: str) -> bool:
    """Whether a relative name stays in its directory; a full path is the dialplan's own choice."""
    return "\0" not in name and (name.startswith("/") or ".." not in name.split("/"))


async def _converse(
    session: Session, peer: LinePeer, environment: Sequence[tuple[str, str]]
) -> Status:
    peer.send(environment_block(environment).removesuffix("\n"))
    try:
        return await session.run()
    finally:
        session.close()


async def _exit_code(call: Call, process: ScriptProcess) -> int:
    """Wait for the end of a script that has closed its output; for a bounded time after the call.

    :raises ChannelHungUp: the call ended first.
    """
    if not call.channel.is_hungup:
        return await call.channel.wait(asyncio.shield(process.ended))
    done, _ = await asyncio.wait((process.ended,), timeout=EXIT_WAIT)
    return process.ended.result() if done else 0
