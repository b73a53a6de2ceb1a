"""``pjsip``: lists, history, qualifying, media."""

from __future__ import annotations

from dataclasses import replace

import pytest

from server.cli.registry import CommandError


@pytest.mark.parametrize(
    ("kind", "first", "count"),
    [
        ("endpoints", ["Endpoint:", "alice/100"], 2),
        ("aors", ["Aor:", "alice"], 2),
        ("auths", ["I/OAuth:", "alice-auth/alice"], 1),
        ("contacts", ["Contact:", "alice/sip:alice@192.0.2.1:5060"], 2),
        ("identifies", ["Identify:", "id/alice"], 1),
        ("transports", ["Transport:", "udp"], 1),
        ("registrations", ["trunk/sip:example.org", "trunk-auth"], 1),
    ],
)
async def test_a_list_has_one_line_per_object(cli, kind: str, first: list[str], count: int) -> None:
    rows = (await cli.run(f"pjsip list {kind}")).splitlines()
    assert rows[2] == "=" * 90
    assert rows[4].split()[:2] == first
    assert len(rows) == count + 6
    assert rows[-1] == f"Objects found: {count}"
    assert (await cli.run(f"pjsip list {kind} like none")).endswith("No objects found.")


@pytest.mark.parametrize(
    ("line", "option"),
    [
        ("auth alice-auth", "username                           : alice"),
        ("auth alice-auth", "password                           : ********"),
        ("identify id", "matches                            : 192.0.2.0/24"),
        ("transport udp", "protocol                           : udp"),
        ("contact alice/sip:alice@192.0.2.1:5060", "status                             : Avail"),
    ],
)
async def test_an_object_is_shown_with_its_options(cli, line: str, option: str) -> None:
    assert f" {option}\n" in await cli.run(f"pjsip show {line}") + "\n"


async def test_channels_and_their_media(cli) -> None:
    channel = await cli.node.call("alice")
    rows = (await cli.run("pjsip show channels")).splitlines()
    assert channel.endpoint[0] == "PJSIP"
    assert rows[5].split()[:2] == ["Channel:", channel.name]
    assert (await cli.run("pjsip list channels")).endswith("Objects found: 1")
    assert "CLCID" in await cli.run(f"pjsip show channel {channel.name}")
    rows = (await cli.run("pjsip show channelstats")).splitlines()
    assert rows[2].split()[:3] == ["BridgeId", "ChannelId", "........"]
    assert rows[4].split()[:2] == [channel.name.removeprefix("PJSIP/")[:18], "00:01:05"]
    assert len(rows[4].split()) == 12
    assert rows[-1] == "Objects found: 1"
    assert (await cli.run("pjsip show channelstats like x-")).endswith("No objects found.")


async def test_history(cli) -> None:
    assert await cli.run("pjsip set history on") == "PJSIP history enabled"
    assert await cli.run("pjsip set history off") == "PJSIP history disabled"
    assert cli.sip.asked == ["history True", "history False"]
    rows = (await cli.run("pjsip show history")).splitlines()
    assert rows[2].split()[2:] == ["*", "<==", "192.0.2.1:5060", "INVITE", "sip:1@x", "SIP/2.0"]
    assert rows[3].split()[0] == "00001"
    entry = (await cli.run("pjsip show history entry 0")).splitlines()
    assert entry[0].startswith("<--- History Entry 0 Received from 192.0.2.1:5060 at ")
    assert entry[1:] == ["INVITE sip:1@x SIP/2.0", "To: x"]
    with pytest.raises(CommandError, match="Unable to find history entry 9"):
        await cli.run("pjsip show history entry 9")
    assert await cli.run("pjsip set history clear") == "PJSIP history cleared"
    assert len((await cli.run("pjsip show history")).splitlines()) == 2


async def test_qualify(cli) -> None:
    assert await cli.run("pjsip qualify alice") == "Qualifying AORs on endpoint 'alice'"
    assert cli.sip.asked == ["qualify alice"]
    with pytest.raises(CommandError, match="Unable to retrieve endpoint none"):
        await cli.run("pjsip qualify none")
    for line in ("endpoint alice", "aor alice"):
        output = await cli.run(f"pjsip show qualify {line}")
        assert output.startswith("* AOR 'alice'\n  qualify_frequency    : 0")
        assert output.endswith("  Contact sip:alice@192.0.2.1:5060: Avail")


async def test_maintenance(cli) -> None:
    shown = "pjsip show maintenance"
    assert await cli.run(shown) == "No endpoints are under maintenance"
    assert await cli.run("pjsip set maintenance on alice") == "Maintenance mode enabled for alice"
    assert await cli.run(shown) == "alice"
    assert await cli.run(f"{shown} alice") == "alice: maintenance enabled"
    await cli.run("pjsip set maintenance on all")
    assert cli.sip.maintenance.list() == sorted(cli.sip.settings.endpoints)
    await cli.run("pjsip set maintenance off all")
    assert await cli.run(f"{shown} alice") == "alice: maintenance disabled"
    for line in ("pjsip set maintenance on none", f"{shown} none"):
        with pytest.raises(CommandError, match="Unable to retrieve endpoint none"):
            await cli.run(line)


async def test_settings(cli) -> None:
    output = await cli.run("pjsip show settings")
    assert " max_forwards                       : 70\n" in output
    assert " timer_b                            : 32000\n" in output
    assert (await cli.run("pjsip show identifiers")).splitlines()[1] == "name: ip"
    assert "Arion 1.2.3" in await cli.run("pjsip show version")


async def test_notify(cli) -> None:
    channel = await cli.node.call("alice")
    types = {"reboot": (("Event", "check-sync"), ("Content", "now"))}
    cli.context.configuration = replace(cli.context.configuration, notify_types=types)
    output = await cli.run("pjsip send notify reboot endpoint alice bob")
    assert output.splitlines() == [
        "Sending NOTIFY of type 'reboot' to 'alice'",
        "Sending NOTIFY of type 'reboot' to 'bob'",
    ]
    await cli.run("pjsip send notify reboot uri sip:x@192.0.2.9")
    await cli.run(f"pjsip send notify reboot channel {channel.name}")
    rest = list(types["reboot"])
    assert cli.sip.asked == [
        f"notify alice/sip:alice@192.0.2.1:5060 {rest}",
        f"notify bob/sip:bob@192.0.2.2 {rest}",
        f"notify sip:x@192.0.2.9 {rest}",
        f"notify {channel.name} {rest}",
    ]
    assert cli.registry.complete(cli.context, "pjsip send notify ") == ["reboot"]
    assert cli.registry.complete(cli.context, "pjsip send notify reboot endpoint a") == ["alice"]
    for line, error in (
        ("none endpoint alice", "Unable to find notify type 'none'"),
        ("reboot endpoint none", "Unable to retrieve endpoint none"),
        ("reboot channel none", "Unable to find channel none"),
        ("reboot phone alice", "Usage"),
    ):
        with pytest.raises(CommandError, match=error):
            await cli.run(f"pjsip send notify {line}")


async def test_contacts_are_asked_for_once_for_a_whole_list(
    cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not once for each of ten thousand endpoints."""
    asked: list[None] = []
    contacts = cli.sip.contacts()
    monkeypatch.setattr(cli.sip, "contacts", lambda: asked.append(None) or contacts)
    await cli.run("pjsip show endpoints")
    assert len(asked) == 1


async def test_scheduled_tasks(cli) -> None:
    rows = (await cli.run("pjsip show scheduled_tasks")).splitlines()
    assert rows[4].split() == ["pjsip/qualify/alice/sip:a@b", "60", "12.3"]
    assert rows[-1] == "Total Scheduled Tasks: 1"
    assert (await cli.run("pjsip show scheduled_tasks like none")).endswith("Tasks: 0")
