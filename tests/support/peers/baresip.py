"""baresip, driven over its control socket: a phone that we did not write."""

from __future__ import annotations

import asyncio
import json
import math
import shutil
from pathlib import Path
from types import TracebackType
from typing import Any

from arion.testing.audio import RATE, read_wav, write_wav

from tests.support.server_process import free_port

SPEAKS_S = 90
DIGIT_S = 0.35  # a digit and a pause; a new one cuts the one before short
MODULES = "/usr/lib/baresip/modules"
CONFIG = """
poll_method epoll
sip_listen 127.0.0.1:{sip}
net_interface 127.0.0.1
audio_source aufile,{says}
audio_player aubridge,nobody
audio_alert aufile,/dev/null
ausrc_srate 8000
auplay_srate 8000
ausrc_channels 1
auplay_channels 1
call_local_timeout 120
jitter_buffer_delay 1-3
module_path {modules}
module g711.so
module aufile.so
module aubridge.so
module sndfile.so
module_tmp account.so
module_app menu.so
module_app ctrl_tcp.so
snd_path {folder}
ctrl_tcp_listen 127.0.0.1:{control}
"""


class Baresip:
    """One baresip process with one account.

    :param folder: its configuration and what it hears.
    :param server: host and port of the server.
    :param says: the wav file that it speaks, again and again.
    :param registers: whether it registers at once.
    """

    def __init__(
        self,
        folder: Path,
        user: str,
        password: str,
        server: tuple[str, int],
        *,
        says: Path,
        registers: bool = False,
        transport: str = "udp",
        answers: bool = False,
    ) -> None:
        self.events: list[dict[str, Any]] = []
        self._folder = folder
        self._control = free_port()
        self._server = server
        self._process: asyncio.subprocess.Process | None = None
        self._reader: asyncio.StreamReader | None = None
        self._writer: asyncio.StreamWriter | None = None
        self._next = 0
        folder.mkdir(parents=True)
        # baresip ends the call at the end of its file, so make that last.
        sound = read_wav(says)
        write_wav(folder / "says.wav", sound * math.ceil(SPEAKS_S * RATE / len(sound)))
        (folder / "contacts").touch()
        (folder / "accounts").write_text(
            f"<sip:{user}@{server[0]}:{server[1]};transport={transport}>;auth_pass={password}"
            f";regint={300 if registers else 0};audio_codecs=pcmu,pcma"
            f";answermode={'auto' if answers else 'manual'}\n"
        )
        (folder / "config").write_text(
            CONFIG.format(
                sip=free_port(),
                says=folder / "says.wav",
                folder=folder,
                modules=MODULES,
                control=self._control,
            )
        )

    async def __aenter__(self) -> Baresip:
        program = shutil.which("baresip")
        assert program
        with (self._folder / "log.txt").open("wb") as log:
            self._process = await asyncio.create_subprocess_exec(
                program,
                "-f",
                self._folder,
                stdout=log,
                stderr=log,
                stdin=asyncio.subprocess.DEVNULL,
            )
        async with asyncio.timeout(10):
            while self._writer is None:
                try:
                    self._reader, self._writer = await asyncio.open_connection(
                        "127.0.0.1", self._control
                    )
                except ConnectionRefusedError:
                    await asyncio.sleep(0.02)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        assert self._process
        if self._process.returncode is None:
            self._process.terminate()
            try:
                await asyncio.wait_for(self._process.wait(), 5)
            except TimeoutError:
                self._process.kill()
                await self._process.wait()
        if self._writer:
            self._writer.close()

    @property
    def hears(self) -> Path:
        """What it heard, once the call is over: the last wav file of its sndfile module."""
        return max(self._folder.glob("dump-*-dec.wav"))

    async def dial(self, number: str) -> None:
        """Call a number and return once it answered."""
        await self.command("dial", f"sip:{number}@{self._server[0]}:{self._server[1]}")
        await self.wait_for("CALL_ESTABLISHED")

    async def press(self, digits: str) -> None:
        """Press keys."""
        for digit in digits:
            await self.command("sndcode", digit)
            await asyncio.sleep(DIGIT_S)

    async def hangup(self) -> None:
        """End the call."""
        await self.command("hangup")

    async def kill(self) -> None:
        """Pull the plug."""
        assert self._process
        self._process.kill()
        await self._process.wait()

    async def command(self, command: str, parameters: str = "") -> str:
        """Run a command; return its output."""
        assert self._writer
        message = {"command": command, "params": parameters, "token": command}
        data = json.dumps(message).encode()
        self._writer.write(b"%d:%s," % (len(data), data))
        response = await self._wait(lambda m: bool(m.get("response")) and m["token"] == command)
        return str(response["data"])

    async def wait_for(self, event: str, seconds: float = 10) -> dict[str, Any]:
        """Return the next event of this type, such as ``CALL_ESTABLISHED``."""
        async with asyncio.timeout(seconds):
            while True:
                while self._next < len(self.events):
                    found = self.events[self._next]
                    self._next += 1
                    if found["type"] == event:
                        return found
                await self._read()

    async def _wait(self, test: Any) -> dict[str, Any]:
        async with asyncio.timeout(10):
            while not test(message := await self._read()):
                pass
        return message

    async def _read(self) -> dict[str, Any]:
        """Read one netstring of JSON; events are kept."""
        assert self._reader
        size = int((await self._reader.readuntil(b":"))[:-1])
        data = await self._reader.readexactly(size + 1)
        message: dict[str, Any] = json.loads(data[:-1])
        if message.get("event"):
            self.events.append(message)
        return message
