"""SIPp: runs a scenario of tests/interop/sipp and says how it went."""

from __future__ import annotations

import asyncio
import shutil
from pathlib import Path

from first_config import ROOT

SCENARIOS = ROOT / "tests/interop/sipp"


async def run_sipp(
    folder: Path,
    scenario: str,
    server: tuple[str, int],
    *arguments: str,
    user: str = "alice",
    password: str = "",
    port: int = 0,
    transport: str = "udp",
    calls: int = 1,
    seconds: float = 30,
) -> None:
    """Run a scenario to its end.

    :param folder: where SIPp writes its logs.
    :param port: the local port; 0 lets SIPp choose.
    :raises AssertionError: a message was not as the scenario expects; holds SIPp's own words.
    """
    program = shutil.which("sipp")
    assert program
    folder.mkdir(parents=True, exist_ok=True)
    process = await asyncio.create_subprocess_exec(
        program, f"{server[0]}:{server[1]}", "-sf", SCENARIOS / f"{scenario}.xml",
        "-i", "127.0.0.1", *(("-p", str(port)) if port else ()),
        "-s", user, "-au", user, "-ap", password, "-m", str(calls),
        "-t", "t1" if transport == "tcp" else "u1",
        "-nostdin", "-trace_err", "-error_file", folder / f"{scenario}.errors",
        "-trace_msg", "-message_file", folder / f"{scenario}.messages",
        "-timeout", f"{seconds:.0f}s", "-timeout_error", *arguments,
        cwd=folder, stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip
    try:
        code = await asyncio.wait_for(process.wait(), seconds + 5)
    except BaseException:
        if process.returncode is None:
            process.kill()
        raise
    if code:
        words = _read(folder / f"{scenario}.errors") or _read(folder / f"{scenario}.messages")
        raise AssertionError(f"sipp {scenario} failed with {code}:\n{words[-4000:]}")


def _read(path: Path) -> str:
    return path.read_text("utf-8", "replace") if path.exists() else ""
