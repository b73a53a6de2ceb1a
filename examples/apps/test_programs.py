"""Each application as the program that its users start: it connects, and ends well on Ctrl-C."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from pathlib import Path

import arion
from arion.testing import Server
from arion.testing.server import free_port

HERE = Path(__file__).parent
NAMES = (
    "callbridge",
    "clicktocall",
    "conference",
    "dashboard",
    "followme",
    "hello",
    "ivr",
    "queue",
    "recording",
    "voiceagent",
    "voicemail",
)


async def test_all_connect_and_end_well(arion_server: Server, arion_client: arion.Client) -> None:
    sdk = str(HERE.parents[1] / "sdk/python/src")
    programs = {
        name: await asyncio.create_subprocess_exec(
            sys.executable, HERE / name / "app.py",
            env={
                **os.environ, **arion_server.environment,
                "PYTHONPATH": sdk, "PORT": str(free_port()),
            },
            stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
        )
        for name in NAMES
    }  # fmt: skip
    try:
        async with asyncio.timeout(30):
            while {app.name for app in await arion_client.applications.list()} < {*NAMES}:
                assert all(program.returncode is None for program in programs.values())
                await asyncio.sleep(0.05)
    finally:
        for program in programs.values():
            if program.returncode is None:
                program.send_signal(signal.SIGINT)
    for name, program in programs.items():
        output = (await asyncio.wait_for(program.communicate(), 15))[0].decode()
        assert program.returncode == 0, f"{name}: {output}"
        assert "Traceback" not in output, f"{name}: {output}"
