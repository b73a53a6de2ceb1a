"""The server under test, and the other processes of a measurement: started, watched, stopped."""

from __future__ import annotations

import asyncio
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import wave
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BUILD = ROOT / "build" / "bench"
ARION = ROOT / ".venv" / "bin" / "arion"
READY_S = 20.0
STOP_S = 10.0
POLL_S = 0.005
TOOLS = ("drain", "forwarder", "rtpload", "sender")

sys.path.insert(0, str(ROOT / "tools"))
sys.path.insert(0, str(ROOT))

from first_config import Ports, read_access, write_config  # noqa: E402

from server.cli.client import Connection  # noqa: E402
from tests.support.certificate import make_certificate  # noqa: E402

PROMPT = "bench/prompt"  # long enough for every measurement
PROMPT_S = 60
SHORT = "bench/short"
SHORT_MS = 200
SOUND_RATE = 8000

PJSIP = """
[bench](phone)
context = bench
rtp_timeout = 0
rtp_timeout_hold = 0
[peer](phone)
context = bench
rtp_timeout = 0
rtp_timeout_hold = 0
aors = peer
[peer]
type = aor
contact = sip:127.0.0.1:{peer}
"""
DIALPLAN = """
[bench]
exten => wait,1,Answer()
 same => n,Wait(600)
exten => prompt,1,Answer()
 same => n,Playback(bench/prompt)
exten => music,1,Answer()
 same => n,MusicOnHold()
exten => _pair.,1,Dial(PJSIP/${EXTEN}@peer,30)
exten => _made.,1,Answer()
 same => n(again),Set(AT=at-${STRFTIME(,UTC,%s%6q)})
 same => n,Wait(0.2)
 same => n,NoOp()
 same => n,Goto(again)
exten => _steps.,1,Set(i=0)
 same => n(loop),NoOp(round ${i} of ${EXTEN:5} for ${CALLERID(num)})
 same => n,Set(i=$[${i} + 1])
 same => n,Set(half=${MATH(${i}/2,int)})
 same => n,GotoIf($["${EXTEN:0:1}" = "x"]?never)
 same => n,Set(name=${TOUPPER(user-${i})})
 same => n,GotoIf($[${i} < ${EXTEN:5} & ${LEN(${name})} > 0]?loop)
 same => n,Answer()
 same => n,Wait(600)
 same => n(never),Hangup()
exten => _app.,1,Stasis(bench)
 same => n,Hangup()
exten => _fastagi.,1,AGI(agi://127.0.0.1:@AGI@/talk)
 same => n,Hangup()
exten => short,1,Answer()
 same => n,Wait(0.1)
 same => n,Hangup()
exten => hold,1,AGI(agi://127.0.0.1:@AGI@/hold)
exten => _script.,1,AGI(bench.sh)
 same => n,Hangup()
"""


MANAGER = """
[general]
enabled = yes
bindaddr = 127.0.0.1
port = {port}
[bench]
secret = bench
read = all
write = all
writetimeout = 5000
"""
SCRIPT = """#!/bin/sh
while read -r line && [ -n "$line" ]; do :; done
ask() { echo "$1"; read -r reply; }
ask "ANSWER"
ask "GET VARIABLE CALLERID(num)"
ask "SET VARIABLE WHO \\"$reply\\""
"""


def build_tools() -> None:
    """Compile the load generators.

    :raises subprocess.CalledProcessError: the compiler refuses.
    """
    BUILD.mkdir(parents=True, exist_ok=True)
    for name in TOOLS:
        source, target = ROOT / "bench" / f"{name}.c", BUILD / name
        command = ["cc", "-std=c11", "-D_GNU_SOURCE", "-O2", "-Wall", "-Wextra"]
        subprocess.run([*command, "-o", target, source, "-lm"], check=True)


def cpu_s(pid: int) -> float:
    """Return the seconds of CPU that a process's threads used so far, to the nanosecond."""
    total = 0
    for task in Path(f"/proc/{pid}/task").iterdir():
        try:
            total += int((task / "schedstat").read_text("ascii").split()[0])
        except (FileNotFoundError, ProcessLookupError):
            continue
    return total / 1e9


def thread_cpu_s(pid: int) -> dict[str, float]:
    """Return the same for each thread, by its id and name."""
    usage = {}
    for task in sorted(Path(f"/proc/{pid}/task").iterdir(), key=lambda task: int(task.name)):
        name = (task / "comm").read_text("ascii").strip()
        usage[f"{task.name} {name}"] = int((task / "schedstat").read_text().split()[0]) / 1e9
    return usage


def resident_kb(pid: int) -> int:
    """Return the memory that a process occupies, in KB."""
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text("ascii").splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1])
    return 0


def free_port() -> int:
    """Return an even port of loopback that is free for TCP and UDP."""
    while True:
        port = random.randrange(20000, 30000, 2)
        try:
            for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
                with socket.socket(type=kind) as probe:
                    probe.bind(("127.0.0.1", port))
        except OSError:
            continue
        return port


class Server:
    """The server, configured as ``make run`` does, with endpoints and extensions of ours.

    :param var: its folder.
    :param has_tls: serve HTTPS and HTTP/3 too.
    """

    def __init__(self, var: Path, *, has_tls: bool = False) -> None:
        self.var = var
        self.peer_port = free_port()
        self.agi_port = free_port()
        self.ami_port = free_port()
        self._process: subprocess.Popen[bytes] | None = None
        write_config(var, ports=Ports(free_port(), free_port(), 10000, 20000))
        etc = var / "etc"
        asterisk = (etc / "asterisk.conf").read_text("utf-8")
        (etc / "asterisk.conf").write_text(asterisk.replace("maxcalls = 2000", "maxcalls = 0"))
        self.tls_port = _add_tls(etc) if has_tls else 0
        _append(etc / "pjsip.conf", PJSIP.format(peer=self.peer_port))
        _append(etc / "extensions.conf", DIALPLAN.replace("@AGI@", str(self.agi_port)))
        (etc / "manager.conf").write_text(MANAGER.format(port=self.ami_port), "utf-8")
        _write_script(var / "lib/agi-bin/bench.sh")
        _write_tone(var / "lib/sounds/en" / f"{PROMPT}.wav", PROMPT_S * 1000)
        _write_tone(var / "lib/sounds/en" / f"{SHORT}.wav", SHORT_MS)
        self.access = read_access(etc)
        self.user = "arion"
        self.password = self.access.users[self.user]

    @property
    def pid(self) -> int:
        """The running process's id."""
        assert self._process
        return self._process.pid

    @property
    def sip(self) -> tuple[str, int]:
        """Where it listens for SIP."""
        return "127.0.0.1", self.access.sip_port

    @property
    def http(self) -> tuple[str, int]:
        """Where it listens for HTTP."""
        return "127.0.0.1", self.access.http_port

    @property
    def cpu_s(self) -> float:
        """Seconds of CPU used so far."""
        return cpu_s(self.pid)

    async def start(self) -> float:
        """Start it.

        :returns: seconds from exec to the first answer of ARI.
        """
        with (self.var / "log" / "console.txt").open("ab") as output:
            begin = time.monotonic()
            self._process = subprocess.Popen(
                [ARION, "-C", self.var / "etc/asterisk.conf", "-f"],
                stdin=subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True,
            )  # fmt: skip
        while not await self._is_answering():
            if self._process.poll() is not None or time.monotonic() - begin > READY_S:
                log = (self.var / "log" / "console.txt").read_text("utf-8", "replace")
                raise RuntimeError(f"the server did not start:\n{log}")
            await asyncio.sleep(POLL_S)
        return time.monotonic() - begin

    def check(self) -> None:
        """See that it still runs.

        :raises RuntimeError: it ended by itself.
        """
        assert self._process
        if (code := self._process.poll()) is not None:
            log = (self.var / "log" / "console.txt").read_text("utf-8", "replace")
            raise RuntimeError(f"the server ended by itself ({code}):\n{log[-2000:]}")

    async def stop(self) -> None:
        """End it as Ctrl-C does, or with SIGKILL when that takes too long."""
        if self._process is None:
            return
        self._process.send_signal(signal.SIGINT)
        try:
            await asyncio.to_thread(self._process.wait, STOP_S)
        except subprocess.TimeoutExpired:
            print("  the server did not stop; killed", file=sys.stderr)
            self._process.kill()
            self._process.wait()
        self._process = None

    async def counters(self) -> dict[str, int]:
        """Return the media engine's counters."""
        output = await asyncio.to_thread(self._console, "rtp show settings")
        pairs = (line.replace(":", " ").split() for line in output.splitlines())
        return {pair[0]: int(pair[1]) for pair in pairs if len(pair) == 2 and pair[1].isdigit()}

    def _console(self, command: str) -> str:
        """Run a console command, without a process that would take a core from the server."""
        connection = Connection(str(self.var / "run" / "asterisk.ctl"))
        try:
            return connection.execute(command, once=True)[0]
        finally:
            connection.close()

    async def _is_answering(self) -> bool:
        try:
            reader, writer = await asyncio.open_connection(*self.http)
        except OSError:
            return False
        key = f"{self.user}:{self.password}"
        writer.write(
            f"GET /ari/asterisk/ping?api_key={key} HTTP/1.1\r\nHost: bench\r\n\r\n".encode()
        )
        try:
            return (await reader.readline()).split()[1:2] == [b"200"]
        except OSError:
            return False
        finally:
            writer.close()


def _write_script(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(SCRIPT, "utf-8")
    path.chmod(0o755)


@asynccontextmanager
async def running_server(*, has_tls: bool = False) -> AsyncIterator[Server]:
    """A server of its own in a folder of its own; both are gone at the end."""
    var = Path(tempfile.mkdtemp(prefix="arion-bench-"))
    server = Server(var, has_tls=has_tls)
    try:
        await server.start()
        yield server
    finally:
        await server.stop()
        if not os.environ.get("BENCH_KEEP"):
            shutil.rmtree(var)


def _append(path: Path, text: str) -> None:
    with path.open("a", encoding="utf-8") as file:
        file.write(text)


def _add_tls(etc: Path) -> int:
    """Let HTTPS and HTTP/3 be served with a certificate of our own; return the port."""
    port = free_port()
    both = make_certificate(etc)
    conf = (etc / "http.conf").read_text("utf-8")
    lines = f"tlsenable = yes\ntlsbindaddr = 127.0.0.1:{port}\ntlscertfile = {both}\nhttp3 = yes\n"
    (etc / "http.conf").write_text(conf.replace("[general]\n", f"[general]\n{lines}", 1))
    return port


def _write_tone(path: Path, duration_ms: int) -> None:
    """Write a wav file of a 500 Hz square wave, which no encoder can skip as silence."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(SOUND_RATE)
        half = SOUND_RATE // 500 // 2
        period = (2000).to_bytes(2, "little") * half + (63536).to_bytes(2, "little") * half
        file.writeframes(period * (duration_ms * SOUND_RATE // 1000 // (2 * half)))
