"""A newcomer's first minutes: start, the line to try, a call without a phone, Ctrl-C."""

from __future__ import annotations

import asyncio
import base64
import re
import signal
import stat
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest
from first_config import ROOT, Ports, write_config

from tests.support import audio
from tests.support.server_process import free_port

START_S = 20


@pytest.fixture
async def started(tmp_path: Path) -> AsyncIterator[tuple[asyncio.subprocess.Process, str]]:
    """``make run`` without the building, on ports of its own; and what it printed."""
    var = tmp_path / "var"
    write_config(var, ports=Ports(free_port(), free_port(), 35000, 36000))
    process = await asyncio.create_subprocess_exec(
        sys.executable, ROOT / "tools/run.py", "--var", var,
        stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip
    assert process.stdout
    printed = ""
    try:
        async with asyncio.timeout(START_S):
            # The banner, and the three applications of which it speaks.
            while printed.count("registered") < 3 or "recordings:" not in printed:
                line = (await process.stdout.readline()).decode()
                assert line, printed
                printed += line
        yield process, printed
    finally:
        if process.returncode is None:
            process.send_signal(signal.SIGINT)
            await asyncio.wait_for(process.communicate(), 20)


async def test_a_first_start_shows_all_that_a_first_call_needs(
    started: tuple[asyncio.subprocess.Process, str], tmp_path: Path
) -> None:
    process, printed = started
    line = re.search(r"curl -u (\S+) (\S+)", printed)
    assert line
    key = base64.b64encode(line[1].encode()).decode()
    async with (
        aiohttp.ClientSession() as session,
        session.get(line[2], headers={"Authorization": f"Basic {key}"}) as response,
    ):
        assert response.status == 200
        assert await response.json() == []

    caller = await asyncio.create_subprocess_exec(
        sys.executable, ROOT / "tools/call.py", "--var", tmp_path / "var",
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip
    said = (await asyncio.wait_for(caller.communicate(), 40))[0].decode()
    assert caller.returncode == 0, said
    heard = audio.load(tmp_path / "var/call.wav")
    for prompt in ("hello-world", "vm-press", "vm-intro", "vm-msgsaved", "vm-goodbye"):
        wanted = audio.load(Path("/usr/share/asterisk/sounds/en") / f"{prompt}.wav")
        assert audio.find(wanted, heard).correlation > 0.95, prompt

    process.send_signal(signal.SIGINT)
    rest = (await asyncio.wait_for(process.communicate(), 20))[0].decode()
    assert process.returncode == 0, rest


async def test_the_first_configuration_is_private_and_never_written_over(tmp_path: Path) -> None:
    var = tmp_path / "var"
    assert len(write_config(var)) == len(list((ROOT / "configs").glob("*.conf")))
    before = {path: path.read_bytes() for path in (var / "etc").iterdir()}
    assert all(stat.S_IMODE(path.stat().st_mode) == 0o600 for path in before)
    assert write_config(var) == []
    assert {path: path.read_bytes() for path in (var / "etc").iterdir()} == before


async def test_each_first_configuration_has_passwords_of_its_own(tmp_path: Path) -> None:
    texts = []
    for name in ("a", "b"):
        write_config(tmp_path / name, ports=Ports())
        texts.append((tmp_path / name / "etc/ari.conf").read_text())
    assert texts[0] != texts[1]
    assert "@" not in texts[0]
