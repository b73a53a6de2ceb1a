"""A media server of a test's own: free ports, a folder of its own, phones that may register."""

from __future__ import annotations

import base64
import contextlib
import http.client
import os
import random
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Self

import arion
from arion.testing import _config
from arion.testing.phone import Phone
from arion.testing.prompts import make_prompt

USER = "arion"
READY_S = 30.0
STOP_S = 15.0
POLL_S = 0.02
REGISTERED = 200
PORTS = (20000, 30000)  # below what the system hands out by itself


@dataclass(frozen=True, kw_only=True)
class ServerConfig:
    """What a server of a test is like.

    :param dialplan: numbers that the phones can dial, and what happens then, such as
        ``{"1000": "Stasis(hello)"}``; or the text of an extensions.conf. Phones can always call
        each other by name.
    :param phones: names of the phones.
    :param prompts: sounds to make up: short, and each like no other.
    :param sounds: a folder of real sounds instead, with a folder for each language.
    :param files: text to add to configuration files, by their name.
    :param executable: the server; by default the environment's ``ARION``, the one of this Python's
        environment, or the one on the path.
    """

    dialplan: Mapping[str, str] | str = field(default_factory=dict)
    phones: tuple[str, ...] = ("alice", "bob", "carol")
    prompts: Iterable[str] = ()
    sounds: Path | None = None
    files: Mapping[str, str] = field(default_factory=dict)
    executable: Path | None = None


class Server:
    """A server that is started for tests.

    :ivar folder: where it keeps everything; removed at the end if it was made here.
    :ivar password: of ARI's user ``arion``.
    """

    def __init__(self, config: ServerConfig | None = None, folder: Path | None = None) -> None:
        self.config = config or ServerConfig()
        self.password = secrets.token_hex(8)
        self._is_temporary = folder is None
        self.folder = folder or Path(tempfile.mkdtemp(prefix="arion-"))
        self.sip_port, self.http_port = free_port(), free_port()
        self._process: subprocess.Popen[bytes] | None = None
        self._secrets = {name: secrets.token_hex(8) for name in self.config.phones}

    # life

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def start(self) -> None:
        """Start it, and return when it answers.

        :raises FileNotFoundError: there is no server to start.
        :raises RuntimeError: it ended, or does not answer.
        """
        self._write()
        program = find_server(self.config.executable)
        command = [str(program), "-C", str(self._file("asterisk.conf")), "-f"]
        with (self.folder / "log/console.txt").open("ab") as output:
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
        deadline = time.monotonic() + READY_S
        while not self._is_answering():
            if self._process.poll() is not None:
                raise RuntimeError(f"the server ended with {self._process.returncode}:\n{self.log}")
            if time.monotonic() > deadline:
                self.stop()
                raise RuntimeError(f"the server did not answer within {READY_S:g} s:\n{self.log}")
            time.sleep(POLL_S)

    def stop(self) -> int:
        """Stop it and remove its folder if it was made here; return its exit code."""
        code = 0
        if self._process is not None:
            if self._process.poll() is None:
                self._process.send_signal(signal.SIGINT)
            try:
                code = self._process.wait(STOP_S)
            except subprocess.TimeoutExpired:
                self._process.kill()
                code = self._process.wait()
        if self._is_temporary:
            shutil.rmtree(self.folder, ignore_errors=True)
        return code

    # what tests use

    @property
    def url(self) -> str:
        """Of the REST interface."""
        return f"http://127.0.0.1:{self.http_port}/ari"

    @property
    def environment(self) -> dict[str, str]:
        """What an application that is a program of its own reads: ``ARI_URL`` and so on."""
        return {"ARI_URL": self.url, "ARI_USER": USER, "ARI_PASSWORD": self.password}

    @property
    def sounds(self) -> Path:
        """Its folder of sounds."""
        return self.config.sounds or self.folder / "data/sounds"

    @property
    def recordings(self) -> Path:
        """Where it keeps recordings."""
        return self.folder / "spool/recording"

    @property
    def log(self) -> str:
        """What it wrote so far."""
        files = [self.folder / "log" / name for name in ("messages.log", "console.txt")]
        return "".join(file.read_text("utf-8", "replace") for file in files if file.exists())

    def client(self) -> arion.Client:
        """Return a client of it."""
        return arion.Client(self.url, USER, self.password)

    @contextlib.asynccontextmanager
    async def phone(self, name: str) -> AsyncIterator[Phone]:
        """Have one of its phones, registered, for the time of a block."""
        place = ("127.0.0.1", self.sip_port)
        async with Phone(name, self._secrets[name], server=place, sounds=self.sounds) as phone:
            status = await phone.register()
            if status != REGISTERED:
                raise RuntimeError(f"{name} could not register: {status}")
            try:
                yield phone
            finally:
                await phone.register(expires=0)

    # inside

    def _file(self, name: str) -> Path:
        return self.folder / "etc" / name

    def _write(self) -> None:
        for name in ("etc", "lib", "log", "run", "spool", "data/sounds/en"):
            (self.folder / name).mkdir(parents=True, exist_ok=True)
        for prompt in {"beep", *self.config.prompts}:
            path = self.folder / f"data/sounds/en/{prompt}.wav"
            path.parent.mkdir(parents=True, exist_ok=True)
            make_prompt(path)
        texts = _config.texts(
            root=self.folder.resolve(),
            data=self.sounds.parent.resolve(),
            sip_port=self.sip_port,
            http_port=self.http_port,
            user=USER,
            password=self.password,
            phones=self._secrets,
            dialplan=self.config.dialplan,
        )
        for name in {*texts, *self.config.files}:
            text = texts.get(name, "") + self.config.files.get(name, "")
            self._file(name).write_text(text, "utf-8")

    def _is_answering(self) -> bool:
        token = base64.b64encode(f"{USER}:{self.password}".encode()).decode()
        connection = http.client.HTTPConnection("127.0.0.1", self.http_port, timeout=1)
        try:
            headers = {"Authorization": f"Basic {token}"}
            connection.request("GET", "/ari/asterisk/ping", headers=headers)
            return connection.getresponse().status == 200
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()


def find_server(given: Path | None = None) -> Path:
    """Return the server's executable.

    :raises FileNotFoundError: there is none.
    """
    found = shutil.which("arion")
    candidates = [given, _path(os.environ.get("ARION"))]
    candidates += [Path(sys.executable).with_name("arion"), _path(found)]
    for candidate in candidates:
        if candidate is not None and candidate.exists():
            return candidate
    raise FileNotFoundError("no arion to start: install the server, or set ARION to where it is")


def _path(text: str | None) -> Path | None:
    return Path(text) if text else None


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
