"""``agi …`` on a node that runs AsyncAGI."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from server.agi.launcher import AgiSettings, Launcher
from server.app.agi_console import AgiConsole
from server.base.errors import NotFound
from server.cli.registry import CommandError


@pytest.fixture
def agi(cli, tmp_path) -> Launcher:
    launcher = Launcher(AgiSettings(tmp_path))
    parts = SimpleNamespace(agi=launcher, registry=cli.context.channels)
    cli.context.agi = AgiConsole(parts)
    return launcher


async def test_commands_are_listed_and_explained(cli, agi) -> None:
    output = (await cli.run("agi show commands")).splitlines()
    assert output[0].split() == ["Dead", "Command", "Description"]
    assert "   No                         ANSWER   Answers the call" in "\n".join(output)
    assert "Yes                           NOOP" in "\n".join(output)
    topic = await cli.run("agi show commands topic database get")
    assert topic.splitlines()[0] == " Usage: DATABASE GET <family> <key>"
    assert "Runs dead: Yes" in topic
    with pytest.raises(CommandError, match="No existing topic"):
        await cli.run("agi show commands topic nonsense")


async def test_debugging_is_switched(cli, agi) -> None:
    assert await cli.run("agi set debug on") == "AGI Debugging Enabled"
    assert agi.monitor.is_debugging
    assert await cli.run("agi set debug off") == "AGI Debugging Disabled"
    assert not agi.monitor.is_debugging
    assert await cli.run("agi set debug") == "AGI Debugging Enabled"


async def test_exec_needs_a_channel_in_asyncagi(cli, agi) -> None:
    with pytest.raises(NotFound, match="nobody"):
        await cli.run("agi exec nobody NOOP")
    with pytest.raises(CommandError):
        await cli.run("agi exec nobody")


async def test_without_agi_it_says_so(cli) -> None:
    with pytest.raises(CommandError, match="AGI is not running"):
        await cli.run("agi show commands")
