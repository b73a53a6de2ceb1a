"""A call whose dialplan runs a script that the test plays."""

from __future__ import annotations

import asyncio
from collections import deque
from pathlib import Path

from server.agi.session import Session, Status
from server.base.errors import ChannelHungUp
from server.dialplan.executor import Call
from server.resources.channel import Channel
from tests.support.dialplan import DialplanUnderTest
from tests.support.fake_engine import FakePlayer, FakeRecorder
from tests.support.node import settle

ELSEWHERE = """
[default]
exten => s,1,Answer()
same => n,Script()
same => n,Set(AFTER=yes)
same => n,Wait(60)
[sub]
exten => s,1,Set(GOT=${ARG1} ${ARGC})
same => n,Return(back)
same => n(fails),Hangup(21)
[other]
exten => 42,1,Set(WHERE=${CONTEXT} ${EXTEN})
same => n,Wait(60)
"""


class Script:
    """Both ends: what the session sees as its peer, and what the test says and hears."""

    def __init__(self) -> None:
        self.lines: deque[str | None] = deque()
        self.replies: list[str] = []
        self.hangups = 0
        self.is_closed = False
        self.is_full = False
        self.has_ended = False
        self._gate: asyncio.Future[None] | None = None

    # the test's end

    async def say(self, line: str) -> str:
        """Send a command that is answered at once; return the reply."""
        before = len(self.replies)
        await self.begin(line)
        assert len(self.replies) > before, f"{line} was not answered"
        return self.replies[-1]

    async def begin(self, line: str | None) -> None:
        """Send a command that may take its time."""
        self.lines.append(line)
        self._wake()
        await settle()

    async def end(self) -> None:
        """Be done."""
        self.has_ended = True
        self._wake()
        await settle()

    # Peer

    def take(self) -> str | None:
        return self.lines.popleft()

    @property
    def is_over(self) -> bool:
        return self.has_ended and not self.lines

    def changed(self) -> asyncio.Future[None]:
        if self._gate is None or self._gate.done():
            self._gate = asyncio.get_running_loop().create_future()
        return self._gate

    def send(self, text: str) -> None:
        self.replies.append(text)

    def notify_hangup(self) -> None:
        self.hangups += 1

    def close(self) -> None:
        self.is_closed = True

    def _wake(self) -> None:
        if self._gate is not None and not self._gate.done():
            self._gate.set_result(None)


class AgiUnderTest(DialplanUnderTest):
    """The application ``Script`` runs a session with :attr:`script`."""

    channel: Channel
    session: Session

    def __init__(self, tmp_path: Path) -> None:
        super().__init__(tmp_path)
        self.script = Script()
        self.dialplan.registry.add_application("Script", self._run_script)

    async def begin(self, before: str = "Answer()", after: str = "Wait(60)") -> Channel:
        """Bring in a call that runs the script."""
        self.channel = await self.run(f"{before}\nScript()\n{after}")
        return self.channel

    async def start_elsewhere(self) -> None:
        """Bring in a call in a dialplan with a subroutine and another context."""
        self.load(ELSEWHERE)
        self.channel = await self.call("s")

    async def say(self, line: str) -> str:
        return await self.script.say(line)

    async def press(self, digits: str) -> None:
        for digit in digits:
            self.channel.on_dtmf(digit, 100)
            await settle()

    @property
    def player(self) -> FakePlayer:
        return self.under.engine.players[-1]

    def played(self) -> list[str]:
        return [
            source.path.removeprefix("/sounds/en/").removesuffix(".wav")
            for source in self.player.sources
        ]

    async def finish(self, reason: str = "finished", position_ms: int = 0) -> None:
        self.player.finish(reason, position_ms)
        await settle()

    async def recorder(self) -> FakeRecorder:
        for _ in range(1000):
            if self.under.engine.recorders:
                await settle()
                return self.under.engine.recorders[-1]
            await asyncio.sleep(0.001)
        raise AssertionError("nothing records")

    async def _run_script(self, call: Call, _data: str) -> None:
        self.session = Session(call, self.script, "test.agi", is_dead=call.channel.is_hungup)
        status = Status.FAILURE
        try:
            status = await self.session.run()
        finally:
            self.session.close()
            call.channel.variables.set("AGISTATUS", status.value)
        if status is Status.HANGUP:
            raise ChannelHungUp
