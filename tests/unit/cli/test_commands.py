"""What the commands print and do."""

from __future__ import annotations

import re
from contextlib import suppress

import pytest

from server.base.errors import Conflict, NotFound, ServerError, Unavailable
from server.base.log import Console
from server.base.passwords import matches_crypt
from server.cli.commands import load_commands
from server.cli.registry import CommandError
from server.resources.modules import Module

# commands of issue 2, with what may follow them
PROMISED = """
core show channels concise; core show channels verbose; core show channels count
core show channel X; core show version; core show uptime seconds; core show settings
core waitfullybooted; core stop now; core stop gracefully; core stop when convenient
core restart now; core restart gracefully; core restart when convenient; core abort shutdown
core set verbose 3; core set debug 3; core show help; core reload
channel originate Local/1 application Echo; channel originate Local/1 extension 1
channel request hangup all; dialplan show default; dialplan reload
pjsip show endpoints; pjsip show endpoint alice; pjsip show aors; pjsip show contacts
pjsip show registrations; pjsip set logger on; pjsip set logger off; pjsip set logger host ::1
rtp set debug on; rtp set debug off; rtp set debug ip 192.0.2.1
ari show apps; ari show users; bridge show all; bridge show X; http show status
logger show channels; logger rotate; logger reload; module show like res
core show applications; core show application Echo; core show functions; core show function A
"""


@pytest.mark.parametrize(
    "line", [line.strip() for line in PROMISED.replace("\n", ";").split(";") if line.strip()]
)
def test_every_promised_command_exists(line: str) -> None:
    found, _words, arguments = load_commands().find(line.split())
    assert not arguments or found.arguments


# core show channels


async def test_no_channels(cli) -> None:
    assert (await cli.run("core show channels")).splitlines() == [
        "Channel              Location             State   Application(Data)",
        "0 active channels",
        "0 active calls",
        "0 calls processed",
    ]


async def test_channels(cli) -> None:
    channel = await cli.node.call("alice")
    channel.set_application("Stasis", "test,a")
    lines = (await cli.run("core show channels")).splitlines()
    assert lines[1] == f"{channel.name:<20} {'stasis@default:1':<20} {'Ring':<7} Stasis(test,a)"
    assert lines[2:] == ["1 active channel", "1 active call", "1 call processed"]
    assert (await cli.run("core show channels count")).splitlines() == lines[2:]


async def test_channels_concise_has_asterisks_fourteen_fields(cli) -> None:
    channel = await cli.node.call("alice")
    channel.set_application("Echo", "x")
    channel.account_code = "acc"
    (line,) = (await cli.run("core show channels concise")).splitlines()
    fields = line.split("!")
    assert fields == [
        channel.name, "default", "stasis", "1", "Ring", "Echo", "x", channel.caller.number,
        "acc", "", "3", "65", "", channel.id,
    ]  # fmt: skip


async def test_channels_verbose_shows_bridge_and_peer(cli) -> None:
    first, second = await cli.node.call("alice"), await cli.node.call("bob")
    second.account_code = "peer"
    bridge = cli.node.bridges._make("b1")
    bridge.add(first)
    bridge.add(second)
    header, row, *_ = (await cli.run("core show channels verbose")).splitlines()
    assert header.split()[:4] == ["Channel", "Context", "Extension", "Prio"]
    assert row.split()[-3:] == ["00:01:05", "peer", "b1"]


async def test_count_with_a_limit(cli) -> None:
    await cli.node.call("alice")
    cli.context.max_calls = 10
    assert "1 of 10 max active calls (10.00% of capacity)" in await cli.run(
        "core show channels count"
    )


async def test_one_channel(cli) -> None:
    channel = await cli.node.call("alice")
    channel.variables.set("COLOUR", "green")
    output = await cli.run(f"core show channel {channel.name}")
    assert re.search(rf"^ +Name: {re.escape(channel.name)}$", output, re.M)
    assert re.search(rf"^ +UniqueID: {channel.id}$", output, re.M)
    assert re.search(r"^ +State: Ring \(4\)$", output, re.M)
    assert re.search(r"^ +Elapsed Time: 0h1m5s$", output, re.M)
    assert re.search(r"^ +Extension: stasis$", output, re.M)
    assert output.endswith("COLOUR=green")


async def test_unknown_channel(cli) -> None:
    with pytest.raises(CommandError, match="none is not a known channel"):
        await cli.run("core show channel none")


async def test_channel_names_complete(cli) -> None:
    channel = await cli.node.call("alice")
    assert cli.registry.complete(cli.context, "core show channel ") == [channel.name]
    hangup = cli.registry.complete(cli.context, "channel request hangup ")
    assert hangup == sorted([channel.name, "all"])


# channel …


async def test_hangup_one_and_all(cli) -> None:
    first, second = await cli.node.call("alice"), await cli.node.call("bob")
    output = await cli.run(f"channel request hangup {first.name} none")
    assert output.splitlines() == [
        f"Requested Hangup on channel '{first.name}'",
        "none is not a known channel",
    ]
    assert first.is_hungup
    assert not second.is_hungup
    await cli.run("channel request hangup all")
    assert second.is_hungup
    with pytest.raises(CommandError, match="none is not a known channel"):
        await cli.run("channel request hangup none")


@pytest.mark.parametrize(
    ("line", "call"),
    [
        ("PJSIP/a application Playback hello&world x", ("Playback", "hello&world x", "", "")),
        ("PJSIP/a application Echo", ("Echo", "", "", "")),
        ("PJSIP/a extension 100@home", ("", "", "home", "100")),
        ("PJSIP/a extension @home", ("", "", "home", "s")),
        ("PJSIP/a extension 100@", ("", "", "default", "100")),
        ("PJSIP/a extension", ("", "", "default", "s")),
    ],
)
async def test_originate(cli, line: str, call: tuple[str, str, str, str]) -> None:
    assert await cli.run(f"channel originate {line}") == ""
    (made,) = cli.originator.calls
    assert made.pop("endpoint") == "PJSIP/a"
    assert tuple(made.values()) == call


async def test_originate_to_nobody_says_so(cli) -> None:
    with pytest.raises(NotFound, match="no endpoint nobody"):
        await cli.run("channel originate PJSIP/nobody application Echo")


@pytest.mark.parametrize(
    "line", ["", "alice application Echo", "PJSIP/a application", "PJSIP/a x y"]
)
async def test_originate_usage(cli, line: str) -> None:
    with pytest.raises(CommandError, match="Usage: channel originate <tech/data>"):
        await cli.run(f"channel originate {line}")


# bridges


async def test_bridges(cli) -> None:
    channel = await cli.node.call("alice")
    bridge = cli.node.bridges._make("b1")
    bridge.add(channel)
    header, row = (await cli.run("bridge show all")).splitlines()
    assert header.split() == ["Bridge-ID", "Chans", "Type", "Technology", "Duration"]
    assert row.split() == ["b1", "1", "stasis", "simple_bridge", "00:01:05"]
    output = await cli.run("bridge show b1")
    assert "Id: b1" in output
    assert output.endswith(f"Duration: 00:01:05\nChannel: {channel.name}")
    assert cli.registry.complete(cli.context, "bridge show ") == ["all", "b1"]
    with pytest.raises(CommandError, match="Bridge 'none' not found"):
        await cli.run("bridge show none")


# core


async def test_uptime(cli) -> None:
    assert (await cli.run("core show uptime")).splitlines() == [
        "System uptime: 1 minute, 5 seconds",
        "Last reload: 5 seconds",
    ]
    assert (await cli.run("core show uptime seconds")).splitlines() == [
        "System uptime: 65",
        "Last reload: 5",
    ]


async def test_version_and_settings(cli) -> None:
    assert (await cli.run("core show version")).startswith("Arion 1.2.3 (Python 3.")
    output = await cli.run("core show settings")
    assert re.search(r"Entity ID: +00:11:22:33:44:55", output)
    assert re.search(r"Maximum calls: +Not set", output)
    assert re.search(r"Configuration file: +\S+asterisk.conf", output)


async def test_waitfullybooted(cli) -> None:
    assert await cli.run("core waitfullybooted") == "Asterisk has fully booted."


@pytest.mark.parametrize("action", ["stop", "restart"])
@pytest.mark.parametrize("when", ["now", "gracefully", "when convenient"])
async def test_stop_and_restart(cli, action: str, when: str) -> None:
    await cli.run(f"core {action} {when}")
    assert cli.lifecycle.asked == [(when, action == "restart")]
    assert await cli.run("core abort shutdown") == "Shutdown aborted."


async def test_nothing_to_abort(cli) -> None:
    assert await cli.run("core abort shutdown") == "Nothing to abort."


async def test_reloads(cli) -> None:
    assert await cli.run("core reload") == "extensions.conf:3: look at this"
    await cli.run("module reload")
    await cli.run("module reload res_ari.so res_x")
    await cli.run("logger reload")
    assert cli.lifecycle.reloads == [None, None, "res_ari", "res_x", "logger"]
    with pytest.raises(NotFound):
        await cli.run("module reload none")


async def test_a_single_command_sets_the_servers_verbosity(cli) -> None:
    assert await cli.run("core set verbose 3") == "Console verbose was OFF and is now 3."
    assert await cli.run("core set verbose atleast 2") == "Console verbose is still 3."
    assert await cli.run("core set verbose off") == "Console verbose was 3 and is now OFF."
    assert await cli.run("core set debug 1") == "Core debug was OFF and is now 1."
    assert (cli.log.verbose, cli.log.debug) == (0, 1)


async def test_a_console_sets_its_own_verbosity(cli) -> None:
    console = Console(lambda _line: None)
    await cli.registry.execute(cli.context, "core set verbose 4", console)
    await cli.registry.execute(cli.context, "logger mute", console)
    assert (console.verbose_level, console.is_muted, cli.log.verbose) == (4, True, 0)


@pytest.mark.parametrize("level", ["", "x", "-1", "1 2 3", "atleast"])
async def test_levels_must_be_numbers(cli, level: str) -> None:
    with pytest.raises(CommandError, match="Usage: core set verbose"):
        await cli.run(f"core set verbose {level}")


async def test_help(cli) -> None:
    everything = await cli.run("core show help")
    assert len(everything.splitlines()) == len(cli.registry.commands)
    assert "bridge show all" in await cli.run("core show help bridge")
    one = await cli.run("core show help core show channel")
    assert one == "Usage: core show channel <channel>\n       Show one channel."
    with pytest.raises(CommandError, match="No such command 'nonsense'"):
        await cli.run("core show help nonsense")


async def test_applications_and_functions(cli) -> None:
    output = (await cli.run("core show applications")).splitlines()
    assert output[0] == "    -= Registered Asterisk Applications =-"
    assert any(line.startswith("              Answer: ") for line in output)
    assert output[-1] == f"    -= {len(output) - 2} Applications Registered =-"
    assert "Record" in await cli.run("core show applications describing silence")
    output = await cli.run("core show application echo")
    assert output.startswith("\n  -= Info about application 'Echo' =-\n\n[Synopsis]\nLet the ")
    assert output.endswith("\n\n[Syntax]\nEcho()")
    assert "CHANNEL" in await cli.run("core show functions")
    assert "1 matching custom functions" in await cli.run("core show functions like device_s")
    assert "CHANNEL(" in await cli.run("core show function channel")
    with pytest.raises(NotFound, match="not registered: None"):
        await cli.run("core show application None")
    with pytest.raises(CommandError, match="Usage"):
        await cli.run("core show applications like")


# pjsip


async def test_pjsip_endpoints(cli) -> None:
    output = await cli.run("pjsip show endpoints")
    body = output.split("=" * 90)[1].strip("\n").splitlines()
    assert body[0].split() == ["Endpoint:", "alice/100", "Not", "in", "use", "0", "of", "inf"]
    assert body[1].split() == ["InAuth:", "alice-auth/alice"]
    assert body[2].split() == ["Aor:", "alice", "1"]
    assert re.match(r" +Contact:  alice/sip:alice@192.0.2.1:5060 +\w{10} Avail +2\.345$", body[3])
    assert body[4].split() == ["Transport:", "udp", "udp", "0", "0", "0.0.0.0:5060"]
    assert body[5].split() == ["Identify:", "id/alice"]
    assert body[6].split() == ["Match:", "192.0.2.0/24"]
    assert re.match(r" Endpoint:  bob +Unavailable +0 of inf", body[8])
    assert body[-1] == "Objects found: 2"


async def test_pjsip_endpoints_like(cli) -> None:
    assert (await cli.run("pjsip show endpoints like BO")).endswith("Objects found: 1")
    assert (await cli.run("pjsip show endpoints like x")).endswith("No objects found.")
    with pytest.raises(CommandError, match="Usage"):
        await cli.run("pjsip show endpoints alice")


async def test_pjsip_endpoint_with_all_options(cli) -> None:
    output = await cli.run("pjsip show endpoint alice")
    assert re.search(r"^ rtp_symmetric +: false$", output, re.M)
    assert re.search(r"^ aors +: alice$", output, re.M)
    assert cli.registry.complete(cli.context, "pjsip show endpoint ") == ["alice", "bob"]
    with pytest.raises(CommandError, match="Unable to find object none"):
        await cli.run("pjsip show endpoint none")


async def test_pjsip_passwords_are_never_shown(cli) -> None:
    for line in ("endpoints", "endpoint alice", "aors", "aor alice", "contacts"):
        assert "secret" not in await cli.run(f"pjsip show {line}")


async def test_pjsip_contacts_aors_registrations(cli) -> None:
    assert (await cli.run("pjsip show contacts")).endswith("Objects found: 2")
    assert re.search(
        r"bob/sip:bob@192.0.2.2 +\w{10} Unavail +nan", await cli.run("pjsip show aors")
    )
    assert "trunk/sip:example.org" in await cli.run("pjsip show registrations")


async def test_pjsip_logger(cli) -> None:
    assert await cli.run("pjsip set logger on") == "PJSIP Logging enabled"
    assert cli.sip.logger == (True, "", "", False)
    assert await cli.run("pjsip set logger off") == "PJSIP Logging disabled"
    await cli.run("pjsip set logger host 192.0.2.1")
    assert cli.sip.logger == (True, "192.0.2.1", "", False)
    await cli.run("pjsip set logger add 192.0.2.2")
    assert cli.sip.logger == (True, "192.0.2.2", "", True)
    await cli.run("pjsip set logger method invite")
    assert cli.sip.logger == (True, "", "INVITE", False)
    cli.context.sip = None
    with pytest.raises(CommandError, match="SIP is not running"):
        await cli.run("pjsip set logger on")


# the rest


async def test_rtp_debug(cli) -> None:
    assert await cli.run("rtp set debug on") == "RTP Packet Debugging Enabled"
    assert await cli.run("rtp set debug off") == "RTP Packet Debugging Disabled"
    await cli.run("rtp set debug ip 192.0.2.1:4000")
    assert cli.rtp.debug == (True, "192.0.2.1:4000")
    with pytest.raises(Unavailable):
        await cli.run("rtp set debug ip 192.0.2.1:1")
    assert re.search(r"rx_bad: +3", await cli.run("rtp show settings"))


async def test_ari_apps_and_users(cli) -> None:
    cli.node.connect("hello")
    output = (await cli.run("ari show apps")).splitlines()
    assert output == ["Application Name", "=" * 25, "hello", "test"]
    assert (await cli.run("ari show app hello")).splitlines()[:2] == [
        "Name: hello",
        "  Subscriptions:",
    ]
    assert (await cli.run("ari show users")).splitlines() == [
        "r/o?  Username",
        "----  --------",
        "No    alice",
        "Yes   bob",
    ]


async def test_websockets(cli) -> None:
    output = (await cli.run("ari show websocket sessions")).splitlines()
    assert [row.split() for row in output[2:]] == [
        ["192.0.2.1:4000", "inbound", "192.0.2.1:4000", "alice", "a,b"],
        ["crm", "persistent", "192.0.2.9:80", "bob", "c"],
        ["2", "sessions"],
    ]
    with pytest.raises(NotFound):
        await cli.run("ari shutdown websocket session none")
    await cli.run("ari shutdown websocket session crm")
    assert "2 websocket sessions" in await cli.run("ari shutdown websocket sessions")
    await cli.run("ari start outbound-websocket crm")
    ids = ["shut down crm", "shut down 192.0.2.1:4000", "shut down crm", "start crm"]
    assert cli.websockets.asked == ids


async def test_outbound_websockets(cli) -> None:
    output = (await cli.run("ari show outbound-websockets")).splitlines()
    assert output[2].split() == ["crm", "persistent", "c", "Connected"]
    output = (await cli.run("ari show outbound-websocket crm")).splitlines()
    assert output[:3] == ["[crm]", "websocket_client_id = peer", "connection_type = persistent"]
    with pytest.raises(NotFound):
        await cli.run("ari show outbound-websocket other")


async def test_webhooks(cli) -> None:
    output = (await cli.run("ari show webhooks")).splitlines()
    assert output[2].split(maxsplit=6)[:6] == ["crm", "a,b", "7", "12", "3", "1"]
    assert output[2].endswith("Retrying (2): status 500")


async def test_http_status(cli) -> None:
    output = await cli.run("http show status")
    assert "Server Enabled and Bound to http://127.0.0.1:8088" in output
    assert "/x/ari/... => REST interface" in output
    assert output.endswith("Enabled Redirects:\n  None.")


async def test_logger_show_channels(cli) -> None:
    output = await cli.run("logger show channels")
    assert output.splitlines()[2].split() == [
        "Channel", "Type", "Formatter", "Status", "Configuration"
    ]  # fmt: skip
    assert await cli.run("logger rotate") == ""


async def test_modules(cli) -> None:
    assert (await cli.run("module show")).endswith("2 modules loaded")
    row = (await cli.run("module show like ari")).splitlines()[1]
    assert row.split() == ["res_ari", "REST", "interface", "2", "Running", "core"]


async def test_modules_are_loaded_and_unloaded(cli) -> None:
    registry = cli.node.modules
    registry.add(Module("app_x.so", "X", load=lambda: None, unload=lambda: None))
    with pytest.raises(CommandError):
        await cli.run("module unload app_x.so")
    cli.context.module_registry = registry
    assert await cli.run("module unload app_x.so") == "Unloaded app_x.so"
    assert registry.find("app_x") is None
    assert await cli.run("module load app_x.so") == "Loaded app_x.so"
    with pytest.raises(Conflict):
        await cli.run("module load app_x.so")


async def test_log_channels_are_added_and_removed(cli) -> None:
    await cli.run("logger add channel extra notice,error")
    assert "extra" in await cli.run("logger show channels")
    assert "extra" in await cli.run("logger remove channel extra")
    assert "extra" not in await cli.run("logger show channels")
    with pytest.raises(NotFound):
        await cli.run("logger remove channel extra")


async def test_ari_user_status_and_password(cli) -> None:
    shown = await cli.run("ari show user bob")
    assert shown.splitlines() == ["Username: bob", "Read only?: Yes"]
    with pytest.raises(CommandError):
        await cli.run("ari show user nobody")
    assert "Enabled: No" in await cli.run("ari show status")
    made = (await cli.run("ari mkpasswd secret")).splitlines()
    assert made[1] == "password_format = crypt"
    assert matches_crypt(b"secret", made[2].removeprefix("password = "))


async def test_odd_arguments_give_output_or_an_error(cli) -> None:
    await cli.node.call("alice")
    for command in cli.registry.commands:
        plain = re.sub(r"[{\[](\w+)[^}\]]*[}\]]", r"\1", command.syntax)
        for line in (plain, f"{plain} x", f"{plain} x y z"):
            with suppress(ServerError):
                assert isinstance(await cli.run(line), str)
