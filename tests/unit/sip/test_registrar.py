"""The registrar through whole stacks, in virtual time."""

from __future__ import annotations

from dataclasses import replace

import pytest

from server.config.acl import Acl, AclRule
from server.sip.contacts import StoredContact
from server.sip.message import Response
from server.sip.settings import Aor, Endpoint
from server.sip.settings_objects import network
from tests.support.sip_stacks import Node, SimFlow, SimNet, open_settings, registrar_settings

PHONE = ("10.0.0.2", 5060)
SERVER = ("10.0.0.1", 5060)


class Store:
    """Contacts in memory."""

    def __init__(self) -> None:
        self.saved: dict[tuple[str, str], StoredContact] = {}

    def load(self) -> list[StoredContact]:
        return list(self.saved.values())

    def save(self, contact: StoredContact) -> None:
        self.saved[contact.aor, contact.uri] = contact

    def delete(self, aor: str, uri: str) -> None:
        self.saved.pop((aor, uri), None)


class World:
    """A registrar and a phone."""

    def __init__(
        self,
        aor: Aor | None = None,
        endpoint: Endpoint | None = None,
        store: Store | None = None,
        **auth: object,
    ) -> None:
        self.net = SimNet()
        settings = registrar_settings(aor, endpoint, **auth)
        self.server = Node(self.net, "server", SERVER).start(settings, store)
        self.phone = Node(self.net, "phone", PHONE).start(open_settings())
        self.number = 0

    def register(self, *contacts: str, expires: int | None = None, **arguments: object) -> Response:
        self.number += 10
        arguments = {"password": "secret", "cseq": self.number} | arguments
        answers = self.phone.register(self.server, *contacts, expires=expires, **arguments)
        self.net.run(1.0)
        assert len(answers) == 1
        status, response = answers[0]
        assert response is not None
        assert response.status == status
        return response

    @property
    def contacts(self) -> list[str]:
        return [contact.uri_text for contact in self.server.stack.contacts.of("alice")]


@pytest.mark.parametrize("algorithm", ["MD5", "SHA-256", "SHA-512-256"])
def test_a_phone_registers_with_digest(algorithm: str) -> None:
    world = World(supported_algorithms_uas=(algorithm,))
    response = world.register("<sip:alice@10.0.0.2:5060>")
    assert response.status == 200
    assert [str(c.uri) for c in response.contacts] == ["sip:alice@10.0.0.2:5060"]
    assert response.contacts[0].expires == 3600
    assert (
        response.headers.get(
            "Date",
        )
        is not None
    )
    assert [line.split(" ", 1)[1] for line in world.net.trace] == [
        "REGISTER sip:10.0.0.1:5060 SIP/2.0",
        "SIP/2.0 401 Unauthorized",
        "REGISTER sip:10.0.0.1:5060 SIP/2.0",
        "SIP/2.0 200 OK",
    ]


def test_a_wrong_password_is_challenged_again() -> None:
    world = World()
    assert world.register("<sip:a@10.0.0.2>", password="wrong").status == 401
    assert world.contacts == []
    assert world.server.stack.counters["failed_authentications"] == 1


def test_an_unknown_user_is_challenged_exactly_like_a_known_one() -> None:
    world = World()
    shapes = []
    for user in ("alice", "nobody"):
        response = world.register("<sip:a@10.0.0.2>", user=user, password=None)
        challenge = response.headers.get("WWW-Authenticate") or ""
        names = [part.partition("=")[0].strip() for part in challenge.split(",")]
        fixed = [
            part for part in challenge.split(",") if "nonce" not in part and "opaque" not in part
        ]
        shapes.append(
            (response.status, names, fixed, [name for name, _ in response.headers.items()])
        )
    assert shapes[0] == shapes[1]


def test_an_unknown_user_with_the_right_password_of_another_is_refused() -> None:
    world = World()
    assert world.register("<sip:a@10.0.0.2>", user="nobody", password="secret").status == 401


def test_several_contacts_are_kept_and_listed() -> None:
    world = World()
    world.register("<sip:alice@10.0.0.2:5060>;expires=100")
    response = world.register("<sip:alice@10.0.0.3:5060>", expires=200)
    assert {str(c.uri): c.expires for c in response.contacts} == {
        "sip:alice@10.0.0.2:5060": 99,
        "sip:alice@10.0.0.3:5060": 200,
    }


def test_one_request_may_hold_several_contacts_in_one_header() -> None:
    world = World()
    world.register("<sip:alice@10.0.0.2>, <sip:alice@10.0.0.3>, <sip:alice@10.0.0.2>")
    assert world.contacts == ["sip:alice@10.0.0.2", "sip:alice@10.0.0.3"]


def test_without_contact_the_bindings_are_only_listed() -> None:
    world = World()
    world.register("<sip:alice@10.0.0.2>")
    response = world.register()
    assert [str(c.uri) for c in response.contacts] == ["sip:alice@10.0.0.2"]


@pytest.mark.parametrize(("asked", "given"), [(1, 60), (60, 60), (7200, 7200), (99999, 7200)])
def test_expiry_stays_between_minimum_and_maximum(asked: int, given: int) -> None:
    response = World().register("<sip:alice@10.0.0.2>", expires=asked)
    assert response.contacts[0].expires == given


def test_a_contact_expires() -> None:
    world = World()
    world.register("<sip:alice@10.0.0.2>", expires=100)
    world.net.run(98.9)
    assert len(world.contacts) == 1
    world.net.run(1.2)
    assert world.contacts == []


def test_a_refresh_lets_a_contact_live_on() -> None:
    world = World()
    world.register("<sip:alice@10.0.0.2>", expires=100)
    world.net.run(60)
    world.register("<sip:alice@10.0.0.2>", expires=100)
    world.net.run(60)
    assert len(world.contacts) == 1


def test_expires_zero_removes_one_contact() -> None:
    world = World()
    world.register("<sip:alice@10.0.0.2>, <sip:alice@10.0.0.3>")
    world.register("<sip:alice@10.0.0.2>;expires=0")
    assert world.contacts == ["sip:alice@10.0.0.3"]


def test_a_star_removes_all() -> None:
    world = World()
    world.register("<sip:alice@10.0.0.2>, <sip:alice@10.0.0.3>")
    assert world.register("*", expires=0).status == 200
    assert world.contacts == []


def test_a_star_needs_expires_zero() -> None:
    world = World()
    world.register("<sip:alice@10.0.0.2>")
    assert world.register("*", expires=60).status == 400
    assert world.contacts == ["sip:alice@10.0.0.2"]


def test_more_than_max_contacts_is_forbidden_and_changes_nothing() -> None:
    world = World(Aor(name="alice", max_contacts=1))
    world.register("<sip:alice@10.0.0.2>")
    assert world.register("<sip:alice@10.0.0.3>").status == 403
    assert world.contacts == ["sip:alice@10.0.0.2"]


def test_without_max_contacts_nobody_registers() -> None:
    world = World(Aor(name="alice"))
    assert world.register("<sip:alice@10.0.0.2>").status == 403


def test_remove_existing_makes_room_by_the_earliest_expiry() -> None:
    world = World(Aor(name="alice", max_contacts=2, remove_existing=True))
    world.register("<sip:alice@10.0.0.2>", expires=1000)
    world.register("<sip:alice@10.0.0.3>", expires=500)
    world.register("<sip:alice@10.0.0.4>", expires=100)
    assert world.contacts == ["sip:alice@10.0.0.2", "sip:alice@10.0.0.4"]


def test_remove_unavailable_gives_up_only_unreachable_contacts() -> None:
    aor = Aor(name="alice", max_contacts=1, remove_unavailable=True, qualify_frequency=10)
    world = World(aor)
    world.register("<sip:alice@10.9.9.9>")
    assert world.register("<sip:alice@10.0.0.2>").status == 403
    world.net.run(10.0)
    assert world.register("<sip:alice@10.0.0.2>").status == 200
    assert world.contacts == ["sip:alice@10.0.0.2"]


def test_rewrite_contact_stores_where_the_request_came_from() -> None:
    endpoint = Endpoint(name="alice", aors=("alice",), auth=("alice",), rewrite_contact=True)
    world = World(endpoint=endpoint)
    world.register("<sip:alice@192.168.1.5:9999;ob>")
    assert world.contacts == ["sip:alice@10.0.0.2:5060;ob"]


def test_an_aor_of_another_endpoint_is_not_found() -> None:
    endpoint = Endpoint(name="alice", aors=(), auth=("alice",))
    assert World(endpoint=endpoint).register("<sip:alice@10.0.0.2>").status == 404


def test_contact_acl_refuses_addresses() -> None:
    acl = Acl((AclRule(False, network("10.0.0.0/24")),))
    endpoint = Endpoint(name="alice", aors=("alice",), auth=("alice",), contact_acl=acl)
    assert World(endpoint=endpoint).register("<sip:alice@10.0.0.2>").status == 403


def test_an_older_request_of_the_same_call_is_refused() -> None:
    world = World()
    world.register("<sip:alice@10.0.0.2>", cseq=100)
    assert world.register("<sip:alice@10.0.0.2>", cseq=50).status == 500


@pytest.mark.parametrize("contact", ["<tel:+1234>", "<sip:", "nonsense"])
def test_unusable_contacts_are_refused(contact: str) -> None:
    assert World().register(contact).status == 400


def test_contacts_survive_a_restart() -> None:
    store = Store()
    world = World(store=store)
    world.register("<sip:alice@10.0.0.2>", expires=300)
    assert [stored.uri for stored in store.saved.values()] == ["sip:alice@10.0.0.2"]
    again = World(store=store)
    assert again.contacts == ["sip:alice@10.0.0.2"]
    again.net.run(301)
    assert again.contacts == []
    assert store.saved == {}


def test_a_saved_contact_that_expired_meanwhile_is_dropped() -> None:
    store = Store()
    World(store=store).register("<sip:alice@10.0.0.2>", expires=300)
    key, stored = next(iter(store.saved.items()))
    store.saved[key] = replace(stored, expires=999.0)
    assert World(store=store).contacts == []
    assert store.saved == {}


def test_a_contact_that_lost_its_connection_is_out_of_reach_and_makes_room() -> None:
    endpoint = Endpoint(name="alice", aors=("alice",), auth=("alice",), rewrite_contact=True)
    world = World(endpoint=endpoint)
    world.register("<sip:alice@192.168.0.2:5060>")
    world.phone.transport = "TCP"
    for _ in range(2):
        world.register("<sip:alice@192.168.0.2:5060;transport=tcp>")
    assert world.contacts == ["sip:alice@10.0.0.2:5060", "sip:alice@10.0.0.2:5060;transport=TCP"]
    contacts = world.server.stack.contacts
    lost = contacts.of("alice")[1]
    for _ in range(2):
        world.server.stack.transport_failed(SimFlow("TCP", SERVER, PHONE), world.net.now)
        assert lost.status == "Unreachable"
    assert contacts.best(["alice"]) is contacts.of("alice")[0]
    world.register("<sip:alice@192.168.0.2:5060;transport=tcp>")
    assert lost.status == "NonQualified"
    world.server.stack.transport_failed(SimFlow("TCP", SERVER, PHONE), world.net.now)
    world.phone.transport = "UDP"
    assert world.register("<sip:other@192.168.0.2:5060>").status == 200
    assert world.contacts == ["sip:alice@10.0.0.2:5060", "sip:other@10.0.0.2:5060"]


def test_registration_survives_loss_and_doubling() -> None:
    world = World()
    world.net.policy = lambda number, data: ((), (0.01, 0.4), (0.7,))[number % 3]
    answers = world.phone.register(world.server, "<sip:alice@10.0.0.2>", password="secret")
    world.net.run(30.0)
    assert [status for status, _ in answers] == [200]
    assert world.contacts == ["sip:alice@10.0.0.2"]


def test_qualify_tells_reachable_from_unreachable() -> None:
    world = World(Aor(name="alice", max_contacts=2, qualify_frequency=20))
    world.register("<sip:alice@10.0.0.2:5060>, <sip:alice@10.9.9.9>")
    world.net.run(5.0)
    contacts = world.server.stack.contacts.of("alice")
    assert [c.status for c in contacts] == ["Reachable", "Unreachable"]
    assert contacts[0].roundtrip_usec == pytest.approx(20_000, abs=1000)
    world.phone.is_dead = True
    world.net.run(24.0)
    assert contacts[0].status == "Unreachable"


def test_a_permanent_contact_is_qualified_and_comes_and_goes_with_the_settings() -> None:
    aor = Aor(name="alice", contact_lists=(("sip:alice@10.0.0.2:5060",),), qualify_frequency=60)
    world = World(aor)
    world.net.run(5.0)
    contact = world.server.stack.contacts.of("alice")[0]
    assert contact.status == "Reachable"
    world.server.stack.reload(registrar_settings(), world.net.now)
    assert world.contacts == []
    world.net.run(200.0)
    assert contact.status == "Removed"
