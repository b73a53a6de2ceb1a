"""``database``, ``mwi``: what is kept; ``cli``, ``config`` and ``acl``: what files say."""

from __future__ import annotations

import os
import pwd
from dataclasses import replace

import pytest

from server.base.errors import NotFound
from server.cli.check import FILES_READ
from server.cli.commands.config import FILES
from server.cli.registry import CommandError
from server.config.acl import build_acl
from server.config.objects import Option
from server.config.sections.cli import Cli, Permissions, Rule
from server.config.sections.extconfig import ExtConfig, FamilySource

USER = pwd.getpwuid(os.getuid()).pw_name


async def test_database(cli) -> None:
    assert await cli.run("database put a k one") == "Updated database successfully"
    await cli.run("database put a/b k two")
    await cli.run("database put c k three")
    assert await cli.run("database get a k") == "Value: one"
    rows = [f"{'/a/b/k':<50}: two", f"{'/a/k':<50}: one"]
    assert (await cli.run("database show a")).splitlines() == [*rows, "2 results found."]
    assert (await cli.run("database show a b")).splitlines()[-1] == "1 results found."
    assert (await cli.run("database show")).splitlines()[-1] == "3 results found."
    assert (await cli.run("database showkey k")).splitlines()[-1] == "3 results found."
    assert cli.registry.complete(cli.context, "database get ") == ["a", "c"]
    assert cli.registry.complete(cli.context, "database get c ") == ["k"]
    assert await cli.run("database del c k") == "Database entry removed."
    assert await cli.run("database deltree a") == "2 database entries removed."
    assert await cli.run("database show") == "0 results found."


@pytest.mark.parametrize(
    ("line", "error"),
    [
        ("database get a none", "Database entry not found."),
        ("database del a none", "Database entry could not be removed."),
        ("database deltree none", "Database entries do not exist."),
        ("database put a", "Usage: database put <family> <key> <value>"),
        (f"database put a {'k' * 300} x", "Failed to update entry."),
    ],
)
async def test_database_errors(cli, line: str, error: str) -> None:
    with pytest.raises(CommandError) as caught:
        await cli.run(line)
    assert str(caught.value).startswith(error)


async def test_mailboxes(cli) -> None:
    assert await cli.run("mwi update mailbox 100@x 2 5") == "Updated mailbox 100@x."
    await cli.run("mwi update mailbox 200@x 1")
    await cli.run("mwi update mailbox 300@y")
    assert (await cli.run("mwi list all")).splitlines() == [
        "   New    Old Mailbox",
        "     2      5 100@x",
        "     1      0 200@x",
        "     0      0 300@y",
    ]
    assert len((await cli.run("mwi list like @x$")).splitlines()) == 3
    assert (await cli.run("mwi show mailbox 100@x")).splitlines() == [
        "Mailbox: 100@x",
        "NewMessages: 2",
        "OldMessages: 5",
    ]
    await cli.run("mwi delete mailbox 100@x")
    await cli.run("mwi delete like y$")
    assert cli.registry.complete(cli.context, "mwi show mailbox ") == ["200@x"]
    await cli.run("mwi delete all")
    assert len((await cli.run("mwi list all")).splitlines()) == 1
    for line in ("mwi delete mailbox x", "mwi show mailbox x", "mwi update mailbox x many"):
        with pytest.raises(CommandError):
            await cli.run(line)
    with pytest.raises(CommandError, match="no regular expression"):
        await cli.run("mwi list like (")


def with_cli(cli, **parts) -> None:
    cli.context.configuration = replace(cli.context.configuration, cli=Cli(**parts))


async def test_aliases_are_listed_and_work(cli) -> None:
    assert await cli.run("cli show aliases") == "There are no aliases in place."
    with_cli(cli, aliases={"up": "core show uptime"})
    assert (await cli.run("cli show aliases")).splitlines()[1].split() == [
        "up", "core", "show", "uptime"
    ]  # fmt: skip
    assert await cli.run("up seconds") == "System uptime: 65\nLast reload: 5"


async def test_permissions_are_listed_and_checked(cli) -> None:
    rules = [Rule("all", False), Rule("core show", True)]
    with_cli(cli, permissions=Permissions(users={os.getuid(): rules}, groups={10**6: rules}))
    output = await cli.run("cli show permissions")
    assert output.startswith(f"user: {USER} [uid={os.getuid()}]\nPermissions:\n\tdeny -> all\n")
    assert "group: ? [gid=1000000]" in output
    allowed = await cli.run(f"cli check permissions {USER} core show uptime")
    assert allowed == f"User '{USER}' is allowed to run command: 'core show uptime'"
    assert "is not allowed to" in await cli.run(f"cli check permissions {USER} core stop now")
    with pytest.raises(CommandError, match="valid user or group"):
        await cli.run("cli check permissions no-such-user x")
    await cli.run("cli reload permissions")
    assert cli.lifecycle.reloads == ["cli_permissions"]


async def test_configuration_files(cli) -> None:
    listed = await cli.run("config list")
    assert "res_pjsip" in listed
    assert "/pjsip.conf" in listed
    await cli.run("config reload /etc/asterisk/musiconhold.conf")
    assert cli.lifecycle.reloads == ["res_musiconhold"]
    with pytest.raises(CommandError, match="read by nothing"):
        await cli.run("config reload sip.conf")


def test_every_file_that_is_read_is_listed() -> None:
    assert {file.name for file in FILES} >= FILES_READ


async def test_options_are_explained(cli) -> None:
    assert "res_pjsip: pjsip.conf" in await cli.run("config show help")
    assert "\tendpoint: " in await cli.run("config show help res_pjsip")
    assert "force_rport                      -- Default: yes" in await cli.run(
        "config show help res_pjsip endpoint"
    )
    output = await cli.run("config show help core options initcrypto")
    assert output.startswith("[options]\ninitcrypto = (Default: no)\nAccepted without effect: ")
    assert "max_contacts" in cli.registry.complete(cli.context, "config show help res_pjsip aor m")
    for line in ("none", "res_pjsip none", "res_pjsip aor none"):
        with pytest.raises(CommandError):
            await cli.run(f"config show help {line}")


async def test_access_lists(cli) -> None:
    rules = [Option("deny", "0.0.0.0/0", "x", 1), Option("permit", "192.0.2.0/24", "x", 2)]
    acls = {"office": build_acl(rules, {})}
    cli.context.configuration = replace(cli.context.configuration, acls=acls)
    assert await cli.run("acl show") == "\nacl\n---\noffice"
    assert (await cli.run("acl show office")).splitlines()[3:] == [
        "  0:  deny - 0.0.0.0/0.0.0.0",
        "  1: allow - 192.0.2.0/255.255.255.0",
    ]
    with pytest.raises(CommandError, match="Could not find the named ACL 'none'"):
        await cli.run("acl show none")


async def test_features(cli) -> None:
    rows = (await cli.run("features show")).splitlines()
    assert rows[0] == "Builtin Feature           Default Current"
    assert rows[2:4] == [
        "Pickup                    *8      *8",
        "Blind Transfer            #       #",
    ]
    assert rows[-1] == "(none)"


async def test_what_is_kept_in_databases(cli) -> None:
    assert await cli.run("core show config mappings") == ""
    families = {"ps_endpoints": (FamilySource("odbc", "asterisk", ""),)}
    databases = replace(cli.context.configuration.databases, extconfig=ExtConfig(families))
    cli.context.configuration = replace(cli.context.configuration, databases=databases)
    assert (await cli.run("core show config mappings")).splitlines() == [
        "Config Engine: odbc",
        "===> ps_endpoints (db=asterisk, table=ps_endpoints)",
    ]


async def test_events_of_applications_are_logged(cli) -> None:
    assert await cli.run("ari set debug test on") == "Debugging on 'test' enabled"
    assert await cli.run("ari set debug all off") == "Debugging on all applications disabled"
    assert cli.websockets.asked == ["debug test True", "debug None False"]
    assert cli.registry.complete(cli.context, "ari set debug ") == ["all", "test"]
    with pytest.raises(NotFound):
        await cli.run("ari set debug none on")


@pytest.mark.parametrize(
    "line", ["show c", "dump c", "populate c", "expire c o", "stale c o reload"]
)
async def test_there_are_no_caches(cli, line: str) -> None:
    with pytest.raises(CommandError, match="Specified sorcery memory cache 'c' does not exist"):
        await cli.run(f"sorcery memory cache {line}")
    with pytest.raises(CommandError, match="Usage"):
        await cli.run(f"sorcery memory cache {line.split()[0]}")
