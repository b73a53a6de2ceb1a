"""Starts the server with the demo applications, says how to use it, stops all on Ctrl-C.

The server stays in the foreground; its log is what you see. Leaves with 0 after Ctrl-C, and with
the server's own exit code when that ends by itself.
"""

from __future__ import annotations

import argparse
import asyncio
import atexit
import base64
import http.client
import os
import signal
import sys
import time
from pathlib import Path

from first_config import ROOT, Access, read_access, write_config

VAR = ROOT / "var"
SERVER = ROOT / ".venv/bin/arion"
APPS = ("hello", "callbridge", "conference")
USER = "arion"
READY_S = 20.0
STOP_S = 15.0

BANNER = """
Arion answers.  Stop it with Ctrl-C.  All of it listens on this machine only.

  SIP phones   127.0.0.1:{sip}  UDP and TCP
               {phones}
  Dial         1000  hello: a menu; 1 echo, 2 leave a message and hear it, 3 music, # goodbye
               2000  callbridge: rings Bob's phone, with music while it rings
               3000  conference: all who call meet
               600   echo, by the dialplan alone (601: at once)      602  a prompt
               101, 102, 103  Alice, Bob, Carol
  ARI          {url}  user {user}  password {password}
  Try          curl -u {user}:{password} {url}/channels
  No phone?    make call   (in another terminal)
  Console      .venv/bin/arion -C {etc}/asterisk.conf -r
  Files        {etc}   recordings: {var}/spool/recording
"""


def banner(access: Access, var: Path) -> str:
    """Say where everything is."""
    phones = "\n               ".join(
        f"user {name:5}  password {password}" for name, password in access.phones.items()
    )
    return BANNER.format(
        sip=access.sip_port, phones=phones, url=access.ari_url, user=USER,
        password=access.users[USER], etc=var / "etc", var=var,
    )  # fmt: skip


def is_answering(access: Access) -> bool:
    """Ask ARI whether it is there."""
    token = base64.b64encode(f"{USER}:{access.users[USER]}".encode()).decode()
    connection = http.client.HTTPConnection("127.0.0.1", access.http_port, timeout=1)
    try:
        connection.request("GET", "/ari/asterisk/ping", headers={"Authorization": f"Basic {token}"})
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


async def wait_until_answering(access: Access, server: asyncio.subprocess.Process) -> bool:
    """Wait until ARI answers; ``False`` if the server ended or the time is up."""
    deadline = time.monotonic() + READY_S
    while server.returncode is None and time.monotonic() < deadline:
        if await asyncio.to_thread(is_answering, access):
            return True
        await asyncio.sleep(0.05)
    return False


async def start_app(name: str, access: Access) -> asyncio.subprocess.Process:
    """Start a demo application."""
    environment = {
        **os.environ,
        "ARI_URL": access.ari_url,
        "ARI_USER": USER,
        "ARI_PASSWORD": access.users[USER],
        "PYTHONPATH": str(ROOT / "sdk/python/src"),
    }
    app = ROOT / "examples/apps" / name / "app.py"
    return await asyncio.create_subprocess_exec(
        sys.executable, str(app), env=environment, start_new_session=True
    )


async def stop(processes: list[asyncio.subprocess.Process]) -> None:
    """Ask the processes to end, and end those that don't."""
    for process in processes:
        if process.returncode is None:
            process.terminate()
    for process in processes:
        try:
            await asyncio.wait_for(process.wait(), STOP_S)
        except TimeoutError:
            process.kill()
            await process.wait()


def take_terminal() -> None:
    """Become the terminal's foreground process group.

    Ctrl-C then reaches this process and not make, which would call a clean stop an error.
    """
    if not sys.stdin.isatty() or os.tcgetpgrp(0) != os.getpgrp():
        return
    former = os.getpgrp()
    signal.signal(
        signal.SIGTTOU, signal.SIG_IGN
    )  # whoever gives the terminal away stops without it
    os.setpgid(0, 0)
    os.tcsetpgrp(0, os.getpgrp())
    atexit.register(os.tcsetpgrp, 0, former)


async def main() -> int:
    """Run until Ctrl-C or until the server ends."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--var", type=Path, default=VAR, help="default: %(default)s")
    var: Path = parser.parse_args().var
    for path in write_config(var):
        print(f"wrote {path}")
    access = read_access(var / "etc")
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(number, stopping.set)
    # A session of its own: Ctrl-C in the terminal reaches this process only, which then stops
    # the applications first and the server after them.
    server = await asyncio.create_subprocess_exec(
        SERVER, "-C", var / "etc/asterisk.conf", "-f", start_new_session=True
    )
    apps: list[asyncio.subprocess.Process] = []
    ended = loop.create_task(server.wait())
    asked = loop.create_task(stopping.wait())
    try:
        if await wait_until_answering(access, server):
            apps = [await start_app(name, access) for name in APPS]
            print(banner(access, var), flush=True)
        elif server.returncode is None:
            print(f"run: the server did not answer within {READY_S:.0f} s", file=sys.stderr)
            return 1
        await asyncio.wait([ended, asked], return_when=asyncio.FIRST_COMPLETED)
        if ended.done():
            print(f"run: the server ended with code {server.returncode}", file=sys.stderr)
            return server.returncode or 1
    finally:
        asked.cancel()
        await stop(apps)
        await stop([server])
    print("Stopped.")
    return 0 if server.returncode == 0 else 1


if __name__ == "__main__":
    take_terminal()
    sys.exit(asyncio.run(main()))
