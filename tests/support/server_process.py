"""The real server as a process of its own, on loopback, in a folder of its own."""

from __future__ import annotations

import asyncio
import contextlib
import random
import re
import signal
import socket
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import aiohttp
import yarl
from first_config import ROOT, Access, Ports, read_access, write_config

ARION = Path(sys.executable).with_name("arion")
READY_S = 20.0
STOP_S = 15.0
SETTLE_S = 5.0  # that ended calls may take to leave nothing behind
POLL_S = 0.02
PORTS = (20000, 30000)  # below what the system hands out by itself
TEST_DIALPLAN = """
[phones](+)
; what the tests dial
exten => 700,1,Answer()
 same => n,Wait(60)
 same => n,Hangup()
exten => 701,1,Answer()
 same => n,Playback(demo-echotest)
 same => n,Hangup()
exten => 702,1,Answer()
 same => n,Playback(no-such-prompt)
 same => n,Set(RESULT=${PLAYBACKSTATUS})
 same => n,Playback(hello-world)
 same => n,Hangup()
exten => 710,1,Stasis(tests)
 same => n,Hangup()
"""


def free_port() -> int:
    """Return an even port of loopback that nobody uses, nor the next one, for TCP and UDP alike."""
    while True:
        port = random.randrange(*PORTS, 2)
        with contextlib.ExitStack() as stack:
            try:
                for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
                    for candidate in (port, port + 1):
                        probe = stack.enter_context(socket.socket(type=kind))
                        probe.bind(("127.0.0.1", candidate))
            except OSError:
                continue
        return port


class ServerProcess:
    """A server that a test starts, uses and ends.

    :param var: its folder; a configuration is made there unless there is one.
    """

    def __init__(self, var: Path) -> None:
        self.var = var
        self.process: asyncio.subprocess.Process | None = None
        if not (var / "etc").exists():
            write_config(var, ports=Ports(free_port(), free_port(), 30000, 34000))
            with (var / "etc/extensions.conf").open("a", encoding="utf-8") as dialplan:
                dialplan.write(TEST_DIALPLAN)
        self.access: Access = read_access(var / "etc")
        self._session: aiohttp.ClientSession | None = None

    @property
    def pid(self) -> int:
        """The running process's id."""
        assert self.process
        return self.process.pid

    @property
    def sip(self) -> tuple[str, int]:
        """Where phones find it."""
        return "127.0.0.1", self.access.sip_port

    @property
    def recordings(self) -> Path:
        """Where it keeps recordings."""
        return self.var / "spool/recording"

    @property
    def log(self) -> str:
        """What it wrote so far."""
        names = ("messages.log", "console.txt")
        files = [self.var / "log" / name for name in names]
        return "".join(f.read_text("utf-8", "replace") for f in files if f.exists())

    def open_files(self) -> int:
        """Count its file descriptors: sockets, files, pipes."""
        return sum(1 for _ in Path(f"/proc/{self.pid}/fd").iterdir())

    async def start(self) -> None:
        """Start it, and return when ARI answers."""
        (self.var / "log").mkdir(parents=True, exist_ok=True)
        with (self.var / "log/console.txt").open("ab") as output:
            self.process = await asyncio.create_subprocess_exec(
                ARION, "-C", self.var / "etc/asterisk.conf", "-f",
                stdin=asyncio.subprocess.DEVNULL, stdout=output, stderr=output,
                start_new_session=True,
            )  # fmt: skip
        user = "arion"
        self._session = aiohttp.ClientSession(
            headers={"Authorization": aiohttp.encode_basic_auth(user, self.access.users[user])},
            timeout=aiohttp.ClientTimeout(total=10),
        )
        try:
            await self.until(self._is_answering, READY_S, "the server to answer")
            await self.cli("pjsip set logger on")
        except BaseException:
            await self.kill()
            raise

    async def stop(self) -> int:
        """Stop it as Ctrl-C does; return its exit code."""
        await self._close_session()
        assert self.process
        if self.process.returncode is None:
            self.process.send_signal(signal.SIGINT)
        try:
            return await asyncio.wait_for(self.process.wait(), STOP_S)
        except TimeoutError:
            self.process.kill()
            await self.process.wait()
            raise AssertionError(f"the server did not stop within {STOP_S} s") from None

    async def kill(self) -> None:
        """End it with SIGKILL."""
        await self._close_session()
        assert self.process
        if self.process.returncode is None:
            self.process.kill()
            await self.process.wait()

    async def cli(self, command: str) -> str:
        """Run a console command and return what it prints."""
        process = await asyncio.create_subprocess_exec(
            ARION, "-C", self.var / "etc/asterisk.conf", "-rx", command,
            stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
        )  # fmt: skip
        output, _ = await asyncio.wait_for(process.communicate(), 10)
        return output.decode()

    async def request(
        self,
        method: str,
        path: str,
        *,
        expect: int | None = None,
        json: Any = None,
        **query: str,
    ) -> Any:
        """Send an ARI request; return the decoded body.

        :param expect: the status it must have; any 2xx if not given.
        :param json: the body, if any.
        """
        assert self._session
        url = f"{self.access.ari_url}{path}"
        address = yarl.URL(url, encoded=True).update_query(query)  # "%2F" stays as it is
        async with self._session.request(method, address, json=json) as response:
            body = await response.read()
            is_expected = response.status == expect if expect else response.ok
            assert is_expected, f"{method} {path}: {response.status} {body!r}"
            is_json = response.content_type == "application/json"
            return await response.json() if is_json and body else body

    async def get(self, path: str, **query: str) -> Any:
        """GET."""
        return await self.request("GET", path, **query)

    async def post(self, path: str, **query: str) -> Any:
        """POST."""
        return await self.request("POST", path, **query)

    async def delete(self, path: str, **query: str) -> Any:
        """DELETE."""
        return await self.request("DELETE", path, **query)

    async def connect_app(self, app: str, **query: str) -> EventStream:
        """Register a Stasis application."""
        assert self._session
        socket_ = await self._session.ws_connect(
            f"{self.access.ari_url}/events", params={"app": app, **query}
        )
        return EventStream(socket_)

    async def counters(self) -> dict[str, int]:
        """Return the media engine's counters."""
        output = await self.cli("rtp show settings")
        pairs = re.findall(r"^\s*([a-z]\w+)\s*[:=]?\s+(\d+)\s*$", output, re.MULTILINE)
        return {name: int(value) for name, value in pairs}

    async def tasks(self) -> dict[str, int]:
        """Return how many tasks run, by scope."""
        output = await self.cli("core show taskprocessors")
        rows = re.findall(r"^(\w+) +\d+ +(\d+)$", output, re.MULTILINE)
        return {name: int(running) for name, running in rows}

    async def leftovers(self) -> list[str]:
        """Return what ended calls left behind; waits a while for it to go."""
        left: list[str] = []

        async def is_clean() -> bool:
            left.clear()
            left.extend(f"channel {channel['name']}" for channel in await self.get("/channels"))
            left.extend(f"bridge {bridge['id']}" for bridge in await self.get("/bridges"))
            if not left:
                counters = await self.counters()
                assert "streams_live" in counters
                left.extend(f"{k} {v}" for k, v in counters.items() if k.endswith("_live") and v)
                tasks = await self.tasks()
                assert "calls" in tasks
                left.extend(f"{v} tasks of {k}" for k, v in tasks.items() if v)
            return not left

        try:
            await self.until(is_clean, SETTLE_S, "calls to be gone")
        except TimeoutError:
            return left
        return []

    async def contacts(self, user: str) -> int:
        """Count the SIP contacts of a user."""
        lines = (await self.cli("pjsip show contacts")).splitlines()
        return sum(f"{user}/sip:" in line for line in lines)

    async def until_registered(self, user: str) -> None:
        """Wait until a phone of this user is registered."""

        async def is_registered() -> bool:
            return await self.contacts(user) > 0

        await self.until(is_registered, 10, f"{user} to register")

    async def until(self, test: Callable[[], Any], seconds: float, what: str) -> None:
        """Wait until *test* holds.

        :raises TimeoutError: it does not in time; names *what*.
        """
        loop = asyncio.get_running_loop()
        deadline = loop.time() + seconds
        while not await test():
            if self.process and self.process.returncode is not None:
                raise AssertionError(f"the server ended ({self.process.returncode}):\n{self.log}")
            if loop.time() > deadline:
                raise TimeoutError(f"waited {seconds} s for {what}")
            await asyncio.sleep(POLL_S)

    async def _is_answering(self) -> bool:
        try:
            await self.get("/asterisk/ping")
        except (aiohttp.ClientError, AssertionError):
            return False
        return True

    async def _close_session(self) -> None:
        if self._session:
            await self._session.close()
            self._session = None


class EventStream:
    """A Stasis application's socket, and all events that came so far."""

    def __init__(self, socket_: aiohttp.ClientWebSocketResponse) -> None:
        self.events: list[dict[str, Any]] = []
        self._socket = socket_
        self._next = 0

    async def wait_for(self, kind: str, seconds: float = 10, **fields: Any) -> dict[str, Any]:
        """Return the next event of this type whose fields match; ``channel__id=`` looks inside."""
        async with asyncio.timeout(seconds):
            while True:
                event = await self._read()
                if event["type"] == kind and all(
                    _lookup(event, name) == value for name, value in fields.items()
                ):
                    return event

    async def close(self) -> None:
        """Close as a client does."""
        await self._socket.close()

    def drop(self) -> None:
        """Cut the connection without a word."""
        self._socket.get_extra_info("socket").shutdown(socket.SHUT_RDWR)

    async def _read(self) -> dict[str, Any]:
        if self._next == len(self.events):
            self.events.append(await self._socket.receive_json())
        event = self.events[self._next]
        self._next += 1
        return event


def _lookup(event: Any, name: str) -> Any:
    for part in name.split("__"):
        event = event.get(part) if isinstance(event, dict) else None
    return event


__all__ = ["ROOT", "EventStream", "ServerProcess", "free_port"]
