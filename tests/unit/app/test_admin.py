"""A whole server in this process: life cycle, reloads, and what the console sees of it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
from first_config import Ports, write_config

from server.app.admin import Admin
from server.app.console import console_context
from server.app.server import Server
from server.app.sip_console import redact
from server.base.errors import ConfigError, NotFound, Unavailable
from server.base.log import LogService
from server.cli.commands import load_commands
from server.cli.options import Options
from server.config.loader import load_configuration
from tests.support.server_process import free_port


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[Server]:
    write_config(tmp_path, ports=Ports(free_port(), free_port(), 34000, 34100))
    configuration = load_configuration(str(tmp_path / "etc/asterisk.conf"))
    options = Options(socket_path=str(tmp_path / "run/ctl")).merged_with(configuration.options)
    log = LogService(configuration.logger, str(tmp_path / "log"))
    made = Server(configuration, options, log)
    await made.start()
    yield made
    await made.stop()


@pytest.fixture
async def admin(server: Server) -> AsyncIterator[Admin]:
    made = Admin(server)
    yield made
    await made.close()


async def ask(server: Server, admin: Admin, line: str) -> str:
    return await load_commands().execute(console_context(server, admin), line, None)


def append(server: Server, name: str, text: str) -> None:
    path = Path(server.configuration.config_path(name))
    path.write_text(path.read_text("utf-8") + text, "utf-8")


async def test_reload_brings_in_what_changed(server: Server, admin: Admin) -> None:
    append(server, "extensions.conf", "\n[new]\nexten => 1,1,NoOp()\n")
    append(server, "pjsip.conf", "\n[dave]\ntype=endpoint\n")
    append(server, "ari.conf", "\n[eve]\ntype=user\npassword=x\n")
    await admin.reload()
    assert server.dialplan.has("new", "1", 1, "")
    assert server.sip.endpoint("dave") is not None
    assert "eve" in server.configuration.ari.users


async def test_broken_file_changes_nothing(server: Server, admin: Admin) -> None:
    append(server, "extensions.conf", "\n[new]\nexten => 1,1,NoOp()\n")
    append(server, "pjsip.conf", "\n[dave]\ntype=endpoint\nrtp_timeout=soon\n")
    with pytest.raises(ConfigError, match=r"pjsip.conf:\d+"):
        await admin.reload()
    assert not server.dialplan.has("new", "1", 1, "")


async def test_reload_of_an_unknown_module_is_refused(admin: Admin) -> None:
    with pytest.raises(NotFound):
        await admin.reload("chan_dahdi")


async def test_graceful_stop_waits_for_the_last_call(server: Server, admin: Admin) -> None:
    channel = server.dialer.create_outgoing("Local/600@phones/n")
    admin.stop(when="gracefully", restart=False)
    with pytest.raises(Unavailable):
        server.dialer.create_outgoing("Local/600@phones/n")
    await asyncio.sleep(0)
    assert not admin.stopped.is_set()
    channel.hangup()
    await asyncio.wait_for(admin.stopped.wait(), 2)


async def test_stop_that_waits_can_be_given_up(server: Server, admin: Admin) -> None:
    channel = server.dialer.create_outgoing("Local/600@phones/n")
    assert not admin.abort_shutdown()
    admin.stop(when="gracefully", restart=True)
    assert admin.abort_shutdown()
    channel.hangup()
    await asyncio.sleep(0)
    assert not admin.stopped.is_set()
    server.dialer.create_outgoing("Local/600@phones/n").hangup()


async def test_stop_now_says_whether_to_start_again(admin: Admin) -> None:
    admin.stop(when="now", restart=True)
    assert admin.stopped.is_set()
    assert admin.is_restart


async def test_port_in_use_is_a_clear_error(server: Server, tmp_path: Path) -> None:
    other = Server(server.configuration, server.options, server.log)
    with pytest.raises(Unavailable, match=str(server.sip.bound_addresses()[0].port)):
        await other.start()
    await other.stop()


async def test_entity_id_is_kept_over_a_restart(server: Server) -> None:
    first = server.bus.asterisk_id
    await server.stop()
    configuration = replace(server.configuration)
    again = Server(configuration, server.options, server.log)
    await again.start()
    try:
        assert again.bus.asterisk_id == first
    finally:
        await again.stop()


@pytest.mark.parametrize(
    ("line", "word"),
    [
        ("core show version", "Arion"),
        ("core show channels", "0 active channels"),
        ("dialplan show phones", "'1000'"),
        ("dialplan reload", "reloaded"),
        ("pjsip show endpoints", "alice"),
        ("pjsip show contacts", "No objects"),
        ("pjsip show registrations", "No objects"),
        ("pjsip set logger host 127.0.0.1", "127.0.0.1"),
        ("pjsip set logger add 127.0.0.2", "127.0.0.2"),
        ("pjsip set logger method INVITE", "INVITE"),
        ("pjsip show transports", "udp"),
        ("pjsip show settings", "max_forwards"),
        ("pjsip show scheduled_tasks", "Total Scheduled Tasks: 0"),
        ("pjsip qualify alice", "alice"),
        ("core show channeltypes", "PJSIP"),
        ("core show sounds", "beep"),
        ("core show taskprocessors", "calls"),
        ("database show", "results found"),
        ("mwi list all", "Mailbox"),
        ("features show", "Blind Transfer"),
        ("config reload musiconhold.conf", ""),
        ("cli reload permissions", ""),
        ("ari show users", "arion"),
        ("ari show apps", ""),
        ("http show status", "127.0.0.1"),
        ("bridge show all", ""),
        ("module show like pjsip", "res_pjsip"),
        ("core show applications", "Dial"),
        ("core show functions", "CHANNEL"),
        ("core show settings", ""),
        ("logger show channels", ""),
        ("core reload", ""),
        ("rtp set debug on", ""),
        ("rtp set debug ip 127.0.0.1:4000", "127.0.0.1"),
        ("rtp set debug off", ""),
    ],
)
async def test_commands_work_on_the_real_parts(
    server: Server, admin: Admin, line: str, word: str
) -> None:
    assert word in await ask(server, admin, line)


async def test_console_originates_to_an_extension(server: Server, admin: Admin) -> None:
    await ask(server, admin, "channel originate Local/601@phones/n extension 601@phones")
    deadline = asyncio.get_running_loop().time() + 5
    while len(server.registry) < 2 and asyncio.get_running_loop().time() < deadline:
        await asyncio.sleep(0.01)
    listed = await ask(server, admin, "core show channels concise")
    assert "Echo" in listed
    await ask(server, admin, "channel request hangup all")
    await asyncio.wait_for(server.registry.wait_empty(), 3)


async def test_startup_commands_run_when_everything_is_up(server: Server, admin: Admin) -> None:
    path = Path(server.configuration.config_path("cli.conf"))
    path.write_text("[startup_commands]\ndatabase put a b c = yes\nnonsense = yes\n", "utf-8")
    server.configuration = server.configuration.reread()
    await admin.start()
    async with asyncio.timeout(3):
        while server.store.get("a", "b") != "c":
            await asyncio.sleep(0.01)


async def test_qualifying_is_a_scheduled_task(server: Server, admin: Admin) -> None:
    aor = "[far]\ntype=aor\ncontact=sip:far@127.0.0.1:9\nqualify_frequency=60\n"
    append(server, "pjsip.conf", f"\n{aor}")
    await admin.reload()
    rows = (await ask(server, admin, "pjsip show scheduled_tasks like far")).splitlines()
    name, interval, due = rows[4].split()
    assert (name, interval) == ("pjsip/qualify/far/sip:far@127.0.0.1:9", "60")
    assert 0 <= float(due) <= 60


async def test_sip_messages_are_remembered(server: Server, admin: Admin) -> None:
    context = console_context(server, admin)
    run = load_commands().execute
    await run(context, "pjsip set history on", None)
    loop = asyncio.get_running_loop()
    address = server.sip.bound_addresses()[0]
    transport, _ = await loop.create_datagram_endpoint(
        asyncio.DatagramProtocol, remote_addr=("127.0.0.1", address.port)
    )
    transport.sendto(
        b"OPTIONS sip:x@127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1:9;branch=z9hG4bKx\r\n"
        b"From: <sip:a@x>;tag=1\r\nTo: <sip:x@x>\r\nCall-ID: c\r\nCSeq: 1 OPTIONS\r\n"
        b"Max-Forwards: 70\r\nContent-Length: 0\r\n\r\n"
    )
    async with asyncio.timeout(3):
        while len((await run(context, "pjsip show history", None)).splitlines()) < 4:
            await asyncio.sleep(0.01)
    transport.close()
    rows = (await run(context, "pjsip show history", None)).splitlines()
    assert "<== 127.0.0.1:" in rows[2]
    assert rows[2].endswith("OPTIONS sip:x@127.0.0.1 SIP/2.0")
    assert "==> 127.0.0.1:" in rows[3]


def test_credentials_are_blotted_out_of_logged_messages() -> None:
    message = 'REGISTER x\r\nAuthorization: Digest username="a", response="abc", uri="x"\r\n'
    assert 'response="***", uri="x"' in redact(message)


async def test_server_without_extensions_has_none(server: Server, admin: Admin) -> None:
    Path(server.configuration.config_path("extensions.conf")).unlink()
    warnings = await admin.reload()
    assert any("no such file" in warning for warning in warnings)
    assert not server.dialplan.has("phones", "1000", 1, "")
