"""``manager``."""

from __future__ import annotations

import pytest

from server.base.errors import NotFound
from server.cli.registry import CommandError


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        ("manager show settings", "  Manager (AMI):                Yes"),
        ("manager show users", "1 manager users configured."),
        ("manager show user admin", "           read perm: call,log"),
        ("manager show user admin", "              secret: <Set>"),
        ("manager show commands", "  Originate        Make a call"),
        ("manager show command ping originate", "[Privilege]\noriginate,all"),
        ("manager show events", "  Hangup                Newchannel"),
        ("manager show event hangup", "[Class]\ncall"),
        ("manager show connected", "1 users connected."),
        ("manager set debug on", "manager debug is on"),
        ("manager set debug", "manager debug is off"),
        ("manager kick session 7", "Kicking manager session with file descriptor 7"),
    ],
)
async def test_output(cli, line: str, shown: str) -> None:
    assert shown in await cli.run(line)


async def test_connected_sessions_have_their_columns(cli) -> None:
    header, row, _count = (await cli.run("manager show connected")).splitlines()
    assert header.split() == ["Username", "IP", "Address", "Start", "Elapsed", "FileDes"]
    assert row.split() == ["admin", "192.0.2.1", "1700000000", "65", "7"]


@pytest.mark.parametrize(
    ("line", "kind"),
    [
        ("manager show user none", CommandError),
        ("manager show command none", CommandError),
        ("manager show event none", CommandError),
        ("manager kick session 8", NotFound),
        ("manager kick session x", CommandError),
    ],
)
async def test_errors(cli, line: str, kind: type[Exception]) -> None:
    with pytest.raises(kind):
        await cli.run(line)


async def test_reload_and_absence(cli) -> None:
    await cli.run("manager reload")
    assert cli.lifecycle.reloads == ["manager"]
    assert cli.registry.complete(cli.context, "manager show user ") == ["admin"]
    cli.context.manager = None
    with pytest.raises(CommandError, match="the manager interface is not running"):
        await cli.run("manager show users")
