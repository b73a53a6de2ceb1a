"""The actions about SIP's objects, contacts and calls."""

from __future__ import annotations

import json
from pathlib import Path
from typing import ClassVar

import pytest

from server.base.errors import Unavailable
from server.config.ini import parse_text
from server.config.sections.pjsip import build_pjsip
from server.sip.contacts import NON_QUALIFIED, REACHABLE, Contact
from server.sip.maintenance import Maintenance
from server.sip.notify import Notify
from server.sip.settings import SipSettings
from server.sip.uri import Uri
from tests.support.ami import AmiUnderTest, Block, Client
from tests.support.node import settle

PJSIP = """
[udp]
type=transport
bind=127.0.0.1:5060

[alice]
type=endpoint
context=inside
transport=udp
auth=alice-auth
aors=alice
allow=!all,alaw,ulaw
set_var=A=1
set_var=B=2

[bob]
type=endpoint
aors=bob

[alice-auth]
type=auth
username=alice
password=secret

[alice]
type=aor
max_contacts=2
contact=sip:fixed@127.0.0.1

[bob]
type=aor

[from-alice]
type=identify
endpoint=alice
match=192.0.2.1
"""
EVENTS = json.loads((Path(__file__).parents[2] / "data/ami/events.json").read_text())


class FakeSip:
    """PJSIP's view for people, without sockets."""

    def __init__(self, settings: SipSettings) -> None:
        self.settings = settings
        self.maintenance = Maintenance()
        self.found: list[Contact] = []
        self.qualified: list[str] = []
        self.notified: list[tuple[str, Notify]] = []

    def contacts(self) -> list[Contact]:
        return self.found

    def qualify(self, aor: str) -> None:
        self.qualified.append(aor)

    def notify(self, to: str, notify: Notify) -> None:
        if to == "bob":
            raise Unavailable("bob can't be reached")
        self.notified.append((to, notify))

    def now(self) -> float:
        return 1000.0


@pytest.fixture
def sip(ami: AmiUnderTest) -> FakeSip:
    objects = build_pjsip(parse_text(PJSIP), [])
    settings = ami.under.sip_objects.configure(objects, named_acls={}, language="en")
    sip = FakeSip(settings)
    uri = Uri.parse("sip:alice@192.0.2.7:5062")
    sip.found = [
        Contact("alice", Uri.parse("sip:fixed@127.0.0.1"), status=NON_QUALIFIED),
        Contact("alice", uri, 1060.0, "alice", "Phone/1", "call-9", 3, REACHABLE, 1500),
    ]
    ami.context.sip = sip  # type: ignore[assignment]
    return sip


async def listed(client: Client, action: str, event: str, **named: str) -> list[Block]:
    """Return the events of a list, whose fields have to be Asterisk's."""
    blocks = await client.ask(action, **named)
    assert blocks[0]["Response"] == "Success", blocks[0]
    assert blocks[-1]["ListItems"] == str(len(blocks) - 2)
    found = [block for block in blocks if block.get("Event") == event]
    for block in found:
        check_fields(event, block)
    return found


def check_fields(event: str, block: Block) -> None:
    # as documented, but for a slip of the pen there
    published = {name.replace("Asyc", "Async") for name, _ in EVENTS[event]["fields"]}
    assert set(block) - {"Event", "ActionID"} == published - OPTIONAL.get(event, set())


OPTIONAL = {"InboundRegistrationDetail": {"Contact"}}


async def test_endpoints_are_listed_in_short(client: Client, sip: FakeSip) -> None:
    alice, bob = await listed(client, "PJSIPShowEndpoints", "EndpointList")
    assert alice == {
        "Event": "EndpointList", "ObjectType": "endpoint", "ObjectName": "alice",
        "Transport": "udp", "Aor": "alice", "Auths": "alice-auth", "OutboundAuths": "",
        "Contacts": "alice/sip:fixed@127.0.0.1,alice/sip:alice@192.0.2.7:5062,",
        "DeviceState": "Not in use", "ActiveChannels": "",
    }  # fmt: skip
    assert (bob["ObjectName"], bob["Contacts"]) == ("bob", "")


async def test_an_endpoint_is_shown_with_all_that_is_its_own(client: Client, sip: FakeSip) -> None:
    blocks = await client.ask("PJSIPShowEndpoint", Endpoint="alice")
    assert [block.get("Event") for block in blocks[1:]] == [
        "EndpointDetail", "TransportDetail", "AorDetail", "AuthDetail", "ContactStatusDetail",
        "ContactStatusDetail", "IdentifyDetail", "EndpointDetailComplete",
    ]  # fmt: skip
    for block in blocks[1:-1]:
        check_fields(block["Event"], block)
        assert block["Event"] == "EndpointDetail" or block["EndpointName"] == "alice"
    detail, transport, aor, auth = blocks[1:5]
    assert (detail["Context"], detail["Allow"], detail["SetVar"]) == (
        "inside", "(alaw|ulaw)", "A=1,B=2",
    )  # fmt: skip
    assert (detail["RtpSymmetric"], detail["100rel"]) == ("false", "yes")
    assert transport["Bind"] == "127.0.0.1:5060"
    assert (aor["TotalContacts"], aor["ContactsRegistered"]) == ("2", "1")
    assert (auth["Username"], auth["Password"]) == ("alice", "secret")
    assert blocks[7]["Match"] == "192.0.2.1"
    gone = (await client.ask("PJSIPShowEndpoint", Endpoint="x"))[0]
    assert gone["Message"] == "Unable to retrieve endpoint x"


async def test_contacts_are_listed_with_how_they_can_be_reached(
    client: Client, sip: FakeSip
) -> None:
    fixed, phone = await listed(client, "PJSIPShowContacts", "ContactList")
    assert (fixed["Status"], fixed["RoundtripUsec"], fixed["ExpirationTime"]) == (
        "NonQualified", "N/A", "0",
    )  # fmt: skip
    assert (phone["Status"], phone["RoundtripUsec"]) == ("Reachable", "1500")
    assert (phone["ExpirationTime"], phone["UserAgent"]) == ("1700000060", "Phone/1")
    statuses = await listed(
        client, "PJSIPShowRegistrationInboundContactStatuses", "ContactStatusDetail"
    )
    assert [(s["AOR"], s["URI"]) for s in statuses][1] == ("alice", "sip:alice@192.0.2.7:5062")
    assert (statuses[1]["CallID"], statuses[1]["RegExpire"]) == ("call-9", "1700000060")


async def test_addresses_of_record_and_credentials_are_listed(client: Client, sip: FakeSip) -> None:
    aors = await listed(client, "PJSIPShowAors", "AorList")
    assert [(aor["ObjectName"], aor["MaxContacts"]) for aor in aors] == [
        ("alice", "2"),
        ("bob", "0"),
    ]
    auths = await listed(client, "PJSIPShowAuths", "AuthList")
    assert [auth["ObjectName"] for auth in auths] == ["alice-auth"]
    inbound = await listed(client, "PJSIPShowRegistrationsInbound", "InboundRegistrationDetail")
    assert [aor["ObjectName"] for aor in inbound] == ["alice", "bob"]


async def test_what_there_is_none_of_is_an_error_or_an_empty_list(
    client: Client, sip: FakeSip
) -> None:
    sip.found = []
    assert (await client.ask("PJSIPShowContacts"))[0]["Message"] == "No Contacts found"
    assert (
        await listed(client, "PJSIPShowRegistrationsOutbound", "OutboundRegistrationDetail") == []
    )
    assert client.event("OutboundRegistrationDetailComplete")["Registered"] == "0"
    for action, event in (
        ("PJSIPShowSubscriptionsInbound", "InboundSubscriptionDetail"),
        ("PJSIPShowSubscriptionsOutbound", "OutboundSubscriptionDetail"),
        ("PJSIPShowResourceLists", "ResourceListDetail"),
    ):
        assert await listed(client, action, event) == []
    for action in ("PJSIPRegister", "PJSIPUnregister"):
        gone = (await client.ask(action, Registration="trunk"))[0]
        assert gone["Message"] == "Unable to retrieve registration trunk"


async def test_without_sip_the_actions_say_so(client: Client) -> None:
    assert (await client.ask("PJSIPShowEndpoints"))[0]["Message"] == "SIP is not running"


async def test_every_contact_of_an_endpoint_is_qualified(client: Client, sip: FakeSip) -> None:
    done = (await client.ask("PJSIPQualify", Endpoint="alice"))[0]
    assert done["Message"] == "Endpoint found, will qualify"
    assert sip.qualified == ["alice"]
    missing = (await client.ask("PJSIPQualify"))[0]
    assert missing["Message"] == "Endpoint parameter missing."


async def test_a_notify_is_sent_as_the_variables_say(client: Client, sip: FakeSip) -> None:
    headers = [("Variable", "Event=check-sync"), ("Variable", "Content-Type=text/x,Content=a")]
    done = (await client.ask("PJSIPNotify", *headers, Endpoint="alice"))[0]
    assert done["Message"] == "NOTIFY sent"
    to, sent = sip.notified[0]
    assert (to, sent.headers, sent.body) == ("alice", [("Event", "check-sync")], b"a\r\n")
    both = (await client.ask("PJSIPNotify", *headers, Endpoint="alice", URI="sip:a@b"))[0]
    assert both["Message"].startswith("PJSIPNotify requires either")
    nothing = (await client.ask("PJSIPNotify", URI="sip:a@b"))[0]
    assert nothing["Message"].startswith("PJSIPNotify requires at least one variable")
    failed = (await client.ask("PJSIPNotify", *headers, Endpoint="bob"))[0]
    assert failed["Message"] == "bob can't be reached"
    wrong = (await client.ask("PJSIPNotify", ("Variable", "Via=x"), Endpoint="alice"))[0]
    assert wrong["Response"] == "Error"


async def test_only_sip_calls_are_ended_by_a_sip_status(ami: AmiUnderTest, client: Client) -> None:
    ami.load("exten => s,1,Wait(60)")
    channel = await ami.call()
    await settle()
    other = (await client.ask("PJSIPHangup", Channel=channel.name, Cause="486"))[0]
    assert other["Message"] == "Channel is not a PJSIP channel"  # FakeLeg is none
    wrong = (await client.ask("PJSIPHangup", Channel=channel.name, Cause="SILLY"))[0]
    assert wrong["Response"] == "Error"
    missing = (await client.ask("PJSIPHangup", Channel=channel.name))[0]
    assert missing["Message"] == "Cause not specified"


async def test_maintenance_is_set_and_shown(client: Client, sip: FakeSip) -> None:
    on = (await client.ask("PJSIPSetMaintenance", Endpoint="alice", State="on"))[0]
    assert on["Message"] == "Maintenance mode enabled"
    found = await listed(client, "PJSIPShowMaintenance", "PJSIPMaintenanceStatus")
    assert [(each["Endpoint"], each["Status"]) for each in found] == [("alice", "enabled")]
    found = await listed(client, "PJSIPShowMaintenance", "PJSIPMaintenanceStatus", Endpoint="bob")
    assert [(each["Endpoint"], each["Status"]) for each in found] == [("bob", "disabled")]
    await client.ask("PJSIPSetMaintenance", Endpoint="all", State="on")
    assert sip.maintenance.list() == ["alice", "bob"]
    await client.ask("PJSIPSetMaintenance", Endpoint="all", State="off")
    assert sip.maintenance.list() == []
    wrong = (await client.ask("PJSIPSetMaintenance", Endpoint="alice", State="maybe"))[0]
    assert wrong["Message"] == "State must be on or off"


class FakeCache:
    """A cache of endpoints that holds dora."""

    caches: ClassVar = {"res_pjsip/endpoint": "endpoint"}

    def __init__(self) -> None:
        self.asked: list[tuple[object, ...]] = []

    def expire(self, kind: str, name: str = "") -> bool:
        self.asked.append(("expire", kind, name))
        return name in ("", "dora")

    def mark_stale(self, kind: str, name: str = "", *, reads_now: bool = False) -> bool:
        self.asked.append(("stale", kind, name, reads_now))
        return name in ("", "dora")

    async def load(self) -> None:
        self.asked.append(("load",))


async def test_caches_are_expired_marked_and_populated(ami: AmiUnderTest, client: Client) -> None:
    prefix = "SorceryMemoryCache"
    named = {"Cache": "res_pjsip/endpoint"}
    for action in ("Expire", "ExpireObject", "Populate", "Stale", "StaleObject"):
        bare = (await client.ask(prefix + action))[0]
        assert bare["Message"] == f"{prefix}{action} requires a cache name."
        gone = (await client.ask(prefix + action, **named, Object="dora"))[0]
        assert gone["Message"] == "The provided cache does not exist"
    cache = ami.context.sip_realtime = FakeCache()  # type: ignore[assignment]
    for action in ("ExpireObject", "StaleObject"):
        bare = (await client.ask(prefix + action, **named))[0]
        assert bare["Message"] == f"{prefix}{action} requires an object name."
        gone = (await client.ask(prefix + action, **named, Object="eve"))[0]
        assert gone["Message"].startswith("The provided object could not be")
    cache.asked.clear()
    for action in ("Expire", "ExpireObject", "Populate", "Stale", "StaleObject"):
        done = (await client.ask(prefix + action, **named, Object="dora", Reload="yes"))[0]
        assert done["Response"] == "Success"
    assert cache.asked == [
        ("expire", "endpoint", ""), ("expire", "endpoint", "dora"), ("load",),
        ("stale", "endpoint", "", False), ("stale", "endpoint", "dora", True),
    ]  # fmt: skip
