"""A console context on a whole node of fakes."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from pathlib import Path

import pytest

from server.base.errors import NotFound, Unavailable
from server.base.log import LogService
from server.base.log_settings import LogSettings
from server.cli.commands import load_commands
from server.cli.context import (
    AriUserView,
    CliContext,
    ContactView,
    HttpView,
    ModuleView,
    OutboundView,
    RegistrationView,
    SipMessageView,
    SipTaskView,
    WebhookView,
    WebsocketView,
)
from server.cli.manager_port import ManagerActionView, ManagerSessionView, ManagerUserView
from server.config.loader import load_configuration
from server.config.types import SocketAddress
from server.dialplan.port import Dialplan, DialplanSettings
from server.resources.channel import Channel
from server.resources.mailboxes import Mailboxes
from server.resources.presence_states import PresenceStates
from server.sip.maintenance import Maintenance
from server.sip.settings import Aor, Auth, Endpoint, Identify, SipSettings, Transport
from server.tech.base import Party
from tests.support.node import NodeUnderTest

START = 1_700_000_000.25  # the fixed clock's time
CONTACTS = [
    ContactView("alice", "sip:alice@192.0.2.1:5060", "Avail", 2.345),
    ContactView("bob", "sip:bob@192.0.2.2", "Unavail"),
]
SIP_SETTINGS = SipSettings(
    transports={"udp": Transport("udp", "udp", SocketAddress("0.0.0.0", 5060))},
    endpoints={
        "alice": Endpoint(
            "alice", aors=("alice",), auth=("alice-auth",), transport="udp",
            callerid=Party("Alice", "100"),
        ),
        "bob": Endpoint("bob", aors=("bob",)),
    },
    aors={"alice": Aor("alice", max_contacts=1), "bob": Aor("bob", max_contacts=5)},
    auths={"alice-auth": Auth("alice-auth", username="alice", password="secret")},
    identifies=(Identify("id", endpoint="alice", matches=(("192.0.2.0/24",),)),),
)  # fmt: skip


class FakeLifecycle:
    """Remembers what it was asked."""

    def __init__(self) -> None:
        self.started_at = START
        self.reloaded_at = START + 60
        self.is_fully_booted = True
        self.asked: list[tuple[str, bool]] = []
        self.reloads: list[str | None] = []

    async def wait_fully_booted(self) -> None:
        return

    def stop(self, *, when: str, restart: bool) -> None:
        self.asked.append((when, restart))

    def abort_shutdown(self) -> bool:
        return bool(self.asked)

    async def reload(self, module: str | None = None) -> Sequence[str]:
        if module == "none":
            raise NotFound("no module none")
        self.reloads.append(module)
        return ["extensions.conf:3: look at this"]


class FakeOriginator:
    """Remembers the calls."""

    def __init__(self) -> None:
        self.calls: list[dict[str, str]] = []

    async def originate(
        self, endpoint: str, *, application: str, data: str, context: str, exten: str
    ) -> None:
        if endpoint == "PJSIP/nobody":
            raise NotFound("no endpoint nobody")
        self.calls.append(
            {"endpoint": endpoint, "app": application, "data": data}
            | {"context": context, "exten": exten}
        )


DIALPLAN = """
[general]
static=yes
[default]
exten => 100,1,Answer()
same => n(again),Echo(a,b)
exten => 100,hint,Custom:lamp,CustomPresence:alice
include => other
lswitch => Loopback/@other
ignorepat => 9
[other]
exten => _X./200,1,Answer()
"""


class FakeSip:
    """Two endpoints, of which one is there."""

    settings = SIP_SETTINGS

    def __init__(self) -> None:
        self.logger: tuple[bool, str, str, bool] | None = None
        self.asked: list[str] = []
        self.maintenance = Maintenance()
        self.messages = [
            SipMessageView(
                0, START, False, "192.0.2.1:5060", "INVITE sip:1@x SIP/2.0\r\nTo: x\r\n"
            ),
            SipMessageView(1, START + 1, True, "192.0.2.1:5060", "SIP/2.0 100 Trying\r\n"),
        ]

    def contacts(self) -> Sequence[ContactView]:
        return CONTACTS

    def registrations(self) -> Sequence[RegistrationView]:
        return [RegistrationView("trunk", "sip:example.org", "trunk-auth", "Registered")]

    def set_logger(
        self, is_on: bool, *, host: str = "", method: str = "", adds: bool = False
    ) -> None:
        self.logger = is_on, host, method, adds

    def scheduled_tasks(self) -> Sequence[SipTaskView]:
        return [SipTaskView("pjsip/qualify/alice/sip:a@b", 60, 12.34)]

    def set_history(self, is_on: bool) -> None:
        self.asked.append(f"history {is_on}")

    def clear_history(self) -> None:
        self.messages.clear()

    def history(self) -> Sequence[SipMessageView]:
        return self.messages

    def notify(self, to: str, fields: Sequence[tuple[str, str]]) -> None:
        self.asked.append(f"notify {to} {list(fields)}")

    def notify_in_call(self, channel: Channel, fields: Sequence[tuple[str, str]]) -> None:
        self.asked.append(f"notify {channel.name} {list(fields)}")

    def qualify(self, aor: str) -> None:
        self.asked.append(f"qualify {aor}")


class FakeRtp:
    """Can't log packets of port 1."""

    def __init__(self) -> None:
        self.debug: tuple[bool, str | None] | None = None

    def set_debug(self, is_on: bool, address: str | None = None) -> None:
        if address == "192.0.2.1:1":
            raise Unavailable("packets can't be logged")
        self.debug = is_on, address

    def counters(self) -> Mapping[str, int]:
        return {"rx_bad": 3}


class FakeHttp:
    """Listens twice."""

    def status(self) -> HttpView:
        addresses = ["http://127.0.0.1:8088", "https://127.0.0.1:8089"]
        return HttpView("Arion", "/x", addresses, [("/x/ari/...", "REST interface")])


class FakeWebsockets:
    """One connection either way."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def sessions(self) -> Sequence[WebsocketView]:
        inbound = WebsocketView("192.0.2.1:4000", "inbound", "192.0.2.1:4000", "alice", ["a", "b"])
        return [inbound, WebsocketView("crm", "persistent", "192.0.2.9:80", "bob", ["c"])]

    def shut_down(self, session_id: str) -> None:
        if session_id == "none":
            raise NotFound("no WebSocket session none")
        self.asked.append(f"shut down {session_id}")

    def outbound(self) -> Sequence[OutboundView]:
        uri = "ws://192.0.2.9/x"
        return [OutboundView("crm", "peer", "persistent", uri, "bob", ["c"], False, "Connected")]

    def webhooks(self) -> Sequence[WebhookView]:
        return [WebhookView("crm", ["a", "b"], 7, 12, 3, 1, "Retrying (2): status 500")]

    def set_debug(self, application: str | None, is_on: bool) -> None:
        self.asked.append(f"debug {application} {is_on}")

    def start(self, name: str) -> None:
        self.asked.append(f"start {name}")


class FakeManager:
    """One user, who is connected, and two actions."""

    def __init__(self) -> None:
        self.is_debugging = False
        self.kicked: list[int] = []

    def set_debug(self, is_on: bool) -> None:
        self.is_debugging = is_on

    def settings(self) -> Sequence[tuple[str, str]]:
        return [("Manager (AMI)", "Yes"), ("TCP Bindaddress", "127.0.0.1:5038")]

    def users(self) -> Sequence[ManagerUserView]:
        return [ManagerUserView("admin", True, False, "call,log", "all", True, False)]

    def sessions(self) -> Sequence[ManagerSessionView]:
        return [ManagerSessionView(7, "admin", "192.0.2.1", START)]

    def kick(self, number: int) -> None:
        if number != 7:
            raise NotFound("No manager session with file descriptor")
        self.kicked.append(number)

    def actions(self) -> Sequence[ManagerActionView]:
        return [
            ManagerActionView("Originate", "Make a call", "originate,all"),
            ManagerActionView("Ping", "Say Pong", ""),
        ]

    def events(self) -> Mapping[str, str]:
        return {"Hangup": "call", "Newchannel": "call"}


class Fixture:
    """The context, and what is behind it."""

    def __init__(self, node: NodeUnderTest, directory: Path) -> None:
        (directory / "asterisk.conf").write_text(f"[directories]\nastrundir => {directory}\n")
        self.node = node
        self.lifecycle = FakeLifecycle()
        self.originator = FakeOriginator()
        self.sip = FakeSip()
        self.rtp = FakeRtp()
        self.websockets = FakeWebsockets()
        self.manager = FakeManager()
        self.log = LogService(LogSettings(), str(directory))
        self.registry = load_commands()
        source = directory / "extensions.conf"
        source.write_text(DIALPLAN)
        self.dialplan = Dialplan(
            node.node,
            node.dialer,
            node.bridges,
            devices=node.devices,
            presences=PresenceStates(node.store),
            store=node.store,
            settings=DialplanSettings(str(source)),
        )
        self.context = CliContext(
            configuration=load_configuration(str(directory / "asterisk.conf")),
            log=self.log,
            lifecycle=self.lifecycle,
            channels=node.registry,
            bridges=node.bridges,
            applications=node.applications,
            originator=self.originator,
            dialplan=self.dialplan,
            version="1.2.3",
            wall=lambda: START + 65,
            sip=self.sip,
            rtp=self.rtp,
            http=FakeHttp(),
            websockets=self.websockets,
            manager=self.manager,
            mailboxes=Mailboxes(node.store),
            scopes=lambda: [node.node.scope],
            ari_users=lambda: [AriUserView("alice", False), AriUserView("bob", True)],
            modules=lambda: [ModuleView("res_ari", "REST interface", 2), ModuleView("res_x", "X")],
            entity_id="00:11:22:33:44:55",
        )

    async def run(self, line: str) -> str:
        """Run one command as ``-x`` does."""
        return await self.registry.execute(self.context, line, None)


@pytest.fixture
async def cli(tmp_path: Path) -> AsyncIterator[Fixture]:
    node = NodeUnderTest(tmp_path)
    await node.start()
    node.connect("test")
    fixture = Fixture(node, tmp_path)
    fixture.log.start()
    await fixture.dialplan.reload()
    yield fixture
    fixture.log.close()
    await node.close()
