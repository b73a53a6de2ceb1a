"""A whole server in this process: life cycle, reloads, and what the console sees of it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from first_config import Ports, write_config

from server.app.admin import Admin
from server.app.console import console_context
from server.app.modules import RequiredModuleError
from server.app.server import Server
from server.app.sip_console import redact
from server.base.errors import ConfigError, Conflict, InvalidArgument, NotFound, Unavailable
from server.base.log import LogService
from server.cli.commands import load_commands
from server.cli.options import Options
from server.config.loader import Configuration, load_configuration
from tests.support.server_process import free_port


def make_server(folder: Path, files: dict[str, str] | None = None) -> Server:
    """Make a server of the first configuration and further files."""
    write_config(folder, ports=Ports(free_port(), free_port(), 34000, 34100))
    for name, text in (files or {}).items():
        (folder / "etc" / name).write_text(text, "utf-8")
    configuration = load_configuration(str(folder / "etc/asterisk.conf"))
    options = Options(socket_path=str(folder / "run/ctl")).merged_with(configuration.options)
    log = LogService(configuration.logger, str(folder / "log"))
    return Server(configuration, options, log)


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[Server]:
    made = make_server(tmp_path)
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


# reloads


async def test_a_reload_names_what_needs_a_restart(server: Server, admin: Admin) -> None:
    append(server, "asterisk.conf", "\n[options](+)\nmaxcalls = 7\nsystemname = x\n")
    append(server, "rtp.conf", "\nprobation = 9\n")
    named = [line for line in await admin.reload() if "restart" in line]
    assert named == [
        "asterisk.conf: a restart is needed for systemname, maxcalls",
        "rtp.conf: a restart is needed for probation",
    ]
    assert [line for line in await admin.reload("logger") if "restart" in line] == named


async def test_a_reload_names_the_transports_that_stay(server: Server, admin: Admin) -> None:
    append(server, "pjsip.conf", "\n[udp](+)\ntos = 46\n")
    line = "pjsip.conf: a restart is needed for transport [udp], without allow_reload"
    assert line in await admin.reload("res_pjsip")
    assert line in await admin.reload()


async def test_a_named_list_counts_for_all_who_use_it(server: Server, admin: Admin) -> None:
    etc = Path(server.configuration.config_path("acl.conf"))
    etc.write_text("[office]\npermit = 127.0.0.1\n")
    append(server, "ari.conf", "\n[eve]\ntype=user\npassword=x\nacl=office\n")
    append(server, "http.conf", "\n[guard]\ntype=restriction\npath=/ari\nacl=office\n")
    append(server, "pjsip.conf", "\n[dave]\ntype=endpoint\nacl=office\n")
    await admin.reload()

    def verdicts() -> list[bool]:
        endpoint = server.sip.settings.endpoints["dave"]
        lists = [
            server.configuration.ari.users["eve"].acl,
            server.configuration.http.restrictions[0].acl,
            endpoint.acl,
        ]
        return [each.permits("127.0.0.1") for each in lists]

    assert verdicts() == [True] * 3
    etc.write_text("[office]\ndeny = 0.0.0.0/0\n")
    await admin.reload("acl")
    assert verdicts() == [False] * 3


async def test_tones_of_a_reload_are_those_of_the_next_call(server: Server, admin: Admin) -> None:
    append(server, "indications.conf", "\n[zz]\nring = 100/100\n")
    await admin.reload("indications")
    assert server.node.tone("ring", "zz") == "100/100"


async def test_a_class_of_music_that_is_gone_falls_silent(server: Server, admin: Admin) -> None:
    append(server, "musiconhold.conf", "\n[jazz]\nmode=files\ndirectory=jazz\n")
    await admin.reload("res_musiconhold")
    defined: dict[str, list[str]] = {}

    def define(name: str, files: Sequence[str], *, random: bool = False) -> None:
        defined[name] = list(files)

    path = Path(server.configuration.config_path("musiconhold.conf"))
    path.write_text("[blues]\nmode=files\ndirectory=blues\n")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(server.engine, "define_music", define)
        await admin.reload("res_musiconhold")
    assert defined.keys() == {"default", "jazz", "blues"}
    assert defined["jazz"] == []


async def test_a_storm_of_reloads_is_two(server: Server, admin: Admin) -> None:
    before = server.configuration
    count = 0
    reread = before.__class__.reread

    def counting(self: Configuration) -> Configuration:
        nonlocal count
        count += 1
        return reread(self)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(before.__class__, "reread", counting)
        first = asyncio.ensure_future(admin.reload())
        while not count:
            await asyncio.sleep(0)
        append(server, "extensions.conf", "\n[late]\nexten => 1,1,NoOp()\n")
        await asyncio.gather(first, *(admin.reload() for _ in range(50)))
    assert count == 2
    assert server.dialplan.has("late", "1", 1, "")


async def test_what_did_not_change_is_not_built_again(server: Server, admin: Admin) -> None:
    endpoints = server.sip.settings.endpoints
    await admin.reload()
    assert server.sip.settings.endpoints is endpoints


# modules.conf


async def test_modules_conf_leaves_out_what_it_does_not_load(tmp_path: Path) -> None:
    conf = "[modules]\nautoload=yes\nnoload=app_echo.so\nnoload=pbx_ael\nnoload=chan_pjsip.so\n"
    conf += "noload=res_ari_sounds.so\nnoload=res_musiconhold.so\n"
    ael = "context fromael { 1 => NoOp(); }"
    server = make_server(tmp_path, {"modules.conf": conf, "extensions.ael": ael})
    await server.start()
    try:
        assert "echo" not in server.dialplan.registry.applications
        assert "dial" in server.dialplan.registry.applications
        assert "fromael" not in server.dialplan.plan.contexts
        assert server.sip.bound_addresses() == []
        assert server.dialer.technology("PJSIP") is None
        names = {module.name for module in server.modules}
        left_out = {"app_echo.so", "chan_pjsip.so", "res_ari_sounds.so", "res_musiconhold.so"}
        assert not left_out & names

        server.modules.load("app_echo.so")
        assert "echo" in server.dialplan.registry.applications
        server.modules.load("pbx_ael")
        await until(lambda: "fromael" in server.dialplan.plan.contexts)
        server.modules.unload("pbx_ael")
        await until(lambda: "fromael" not in server.dialplan.plan.contexts)
        with pytest.raises(Conflict, match="needs a restart"):
            server.modules.load("chan_pjsip.so")
    finally:
        await server.stop()


async def test_without_autoload_there_is_what_is_named_and_what_that_needs(tmp_path: Path) -> None:
    conf = "[modules]\nload = app_stasis.so\nload = chan_pjsip.so\nrequire = pbx_config\n"
    conf += "load = res_ari_channels.so\nload = chan_dahdi.so\n"
    server = make_server(tmp_path, {"modules.conf": conf})
    await server.start()
    try:
        assert set(server.dialplan.registry.applications) & {"stasis", "dial"} == {"stasis"}
        assert server.has_module("res_pjsip")
        assert server.has_module("res_ari")
        assert not server.has_module("res_ari_bridges")
        assert server.sip.bound_addresses()
    finally:
        await server.stop()


@pytest.mark.parametrize(
    ("conf", "reason"),
    [
        ("[modules]\nautoload=yes\nrequire = chan_dahdi.so\n", r"modules.conf:3: chan_dahdi"),
        ("[modules]\nautoload=yes\nrequire=app_dial.so\nnoload=app_dial.so\n", "app_dial"),
    ],
)
async def test_a_required_module_that_is_not_there_stops_the_start(
    tmp_path: Path, conf: str, reason: str
) -> None:
    server = make_server(tmp_path, {"modules.conf": conf})
    with pytest.raises(RequiredModuleError, match=reason):
        await server.start()
    await server.stop()


async def test_a_module_that_others_need_stays(server: Server) -> None:
    for name in ("res_ari", "res_pjsip", "codec_ulaw"):
        with pytest.raises(Conflict):
            server.modules.unload(name)


async def test_a_technology_comes_and_goes(server: Server) -> None:
    server.modules.unload("chan_websocket.so")
    with pytest.raises(InvalidArgument):
        server.dialer.create_outgoing("WebSocket/INCOMING")
    server.modules.load("chan_websocket.so")
    server.dialer.create_outgoing("WebSocket/INCOMING").hangup()


async def until(condition: Callable[[], bool]) -> None:
    deadline = asyncio.get_running_loop().time() + 3
    while not condition():
        assert asyncio.get_running_loop().time() < deadline
        await asyncio.sleep(0.005)
