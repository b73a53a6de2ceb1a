"""The example dashboard, on a real socket."""

from __future__ import annotations

import asyncio
import importlib.util
import sys
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import pytest

from server.config.sections.manager import Manager
from tests.support.ami import ADMIN, AmiUnderTest
from tests.support.node import settle

PATH = Path(__file__).parents[2] / "examples/ami-dashboard/dashboard.py"
VIEWER = replace(ADMIN, name="dashboard", read=("call", "dialplan"), write=("reporting",))
DEADLINE = 10.0


@pytest.fixture(scope="module")
def dashboard() -> ModuleType:
    spec = importlib.util.spec_from_file_location("ami_dashboard", PATH)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture
async def ami(tmp_path: Path) -> AsyncIterator[AmiUnderTest]:
    settings = Manager(enabled=True, bindaddr="127.0.0.1", port=0, users={"dashboard": VIEWER})
    under = AmiUnderTest(tmp_path, settings)
    await under.start()
    await under.server.start()
    under.load("exten => s,1,Answer()\n same => n,Wait(60)")
    yield under
    await under.close()


async def test_it_prints_the_present_calls(
    ami: AmiUnderTest, dashboard: ModuleType, capsys: pytest.CaptureFixture[str]
) -> None:
    channel = await ami.call()
    client = await dashboard.Ami.connect(*ami.server.bound_addresses()[0])
    async with asyncio.timeout(DEADLINE):
        await dashboard.watch(client, "dashboard", "s3cret", once=True)
    client.close()
    printed = capsys.readouterr().out
    assert printed.startswith("1 channels, 0 ended since\n")
    assert channel.name in printed
    assert "Wait" in printed


async def test_it_follows_calls_to_their_end(
    ami: AmiUnderTest, dashboard: ModuleType, capsys: pytest.CaptureFixture[str]
) -> None:
    client = await dashboard.Ami.connect(*ami.server.bound_addresses()[0])
    watching = asyncio.create_task(dashboard.watch(client, "dashboard", "s3cret"))
    printed = ""
    async with asyncio.timeout(DEADLINE):
        while not ami.server.sessions:
            await asyncio.sleep(0.01)
        channel = await ami.call()
        await settle()
        channel.hangup()
        while "0 channels, 1 ended since" not in printed:
            await asyncio.sleep(0.01)
            printed += capsys.readouterr().out
    assert "1 channels, 0 ended since" in printed
    watching.cancel()
    client.close()


async def test_it_says_that_it_may_not(ami: AmiUnderTest, dashboard: ModuleType) -> None:
    client = await dashboard.Ami.connect(*ami.server.bound_addresses()[0])
    async with asyncio.timeout(DEADLINE):
        with pytest.raises(PermissionError):
            await dashboard.watch(client, "dashboard", "wrong", once=True)
    client.close()
