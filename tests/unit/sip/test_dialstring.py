"""What may follow PJSIP/ in a dial string."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.base.errors import InvalidArgument, NotFound
from server.sip.contacts import UNREACHABLE, Contacts
from server.sip.dialstring import as_phone, find_destination, find_target
from server.sip.scheduler import Scheduler
from server.sip.settings import Aor, Endpoint, SipSettings
from server.sip.uri import Uri

SETTINGS = SipSettings(
    endpoints={
        "alice": Endpoint(name="alice", aors=("empty", "alice", "other")),
        "trunk": Endpoint(name="trunk", aors=("trunk",)),
        "bob@home": Endpoint(name="bob@home", aors=("alice",)),
        "default_outbound_endpoint": Endpoint(name="default_outbound_endpoint"),
    },
    aors={
        "empty": Aor(name="empty"),
        "alice": Aor(name="alice", contact_lists=(("sip:a1@10.0.0.1", "sip:a2@10.0.0.2"),)),
        "other": Aor(name="other", contact_lists=(("sip:o@10.0.0.3",),)),
        "trunk": Aor(name="trunk", contact_lists=(("sip:10.0.0.9:5070;transport=tcp",),)),
    },
)


def contacts() -> Contacts:
    made = Contacts(Scheduler())
    made.configure(SETTINGS, 0.0)
    return made


@pytest.mark.parametrize(
    ("resource", "endpoint", "uri"),
    [
        ("alice", "alice", "sip:a2@10.0.0.2"),
        ("alice/other", "alice", "sip:o@10.0.0.3"),
        ("alice/sip:x@10.0.0.7:99", "alice", "sip:x@10.0.0.7:99"),
        ("+49123@trunk", "trunk", "sip:+49123@10.0.0.9:5070;transport=tcp"),
        ("a@b@trunk", "trunk", "sip:a%40b@10.0.0.9:5070;transport=tcp"),
        ("bob@home", "bob@home", "sip:a2@10.0.0.2"),
        ("sip:z@10.0.0.8", "default_outbound_endpoint", "sip:z@10.0.0.8"),
    ],
)
def test_dial_strings(resource: str, endpoint: str, uri: str) -> None:
    target = find_target(resource, SETTINGS, contacts())
    assert (target.endpoint.name, str(target.uri)) == (endpoint, uri)


def test_unreachable_contacts_are_the_last_resort() -> None:
    made = contacts()
    first, second = made.of("alice")
    made.set_status(second, UNREACHABLE, None, 0.0)
    assert str(find_target("alice", SETTINGS, made).uri) == "sip:a1@10.0.0.1"
    made.set_status(first, UNREACHABLE, None, 0.0)
    assert str(find_target("alice", SETTINGS, made).uri) == "sip:a2@10.0.0.2"


@given(st.text(max_size=40))
def test_any_text_is_a_target_or_an_error(text: str) -> None:
    try:
        find_target(text, SETTINGS, contacts())
    except (NotFound, InvalidArgument):
        pass


@pytest.mark.parametrize(
    ("uri", "expected"),
    [
        ("sip:+49123@x", "sip:+49123@x;user=phone"),
        ("sip:alice@x", "sip:alice@x"),
        ("sip:x", "sip:x"),
        ("sip:1@x;user=ip", "sip:1@x;user=ip"),
    ],
)
def test_numbers_are_marked_as_such(uri: str, expected: str) -> None:
    assert str(as_phone(Uri.parse(uri))) == expected


@pytest.mark.parametrize(
    ("text", "endpoint", "uri"),
    [
        ("alice", "alice", "sip:a2@10.0.0.2"),
        ("alice/other", "alice", "sip:o@10.0.0.3"),
        ("alice@anywhere.example", "alice", "sip:a2@10.0.0.2"),
        ("bob@home", "bob@home", "sip:a2@10.0.0.2"),
        ("alice/sip:x@10.0.0.7:99", "alice", "sip:x@10.0.0.7:99"),
        ("alice/<sip:x@10.0.0.7>", "alice", "sip:x@10.0.0.7"),
        ('alice/"Bob" <sip:x@10.0.0.7>', "alice", "sip:x@10.0.0.7"),
        ("alice/x@10.0.0.7", "alice", "sip:x@10.0.0.7"),
        ("alice/10.0.0.7", "alice", "sip:10.0.0.7"),
        ("sips:z@10.0.0.8", "default_outbound_endpoint", "sips:z@10.0.0.8"),
        ('"Z" <sip:z@10.0.0.8>', "default_outbound_endpoint", "sip:z@10.0.0.8"),
        ("z@10.0.0.8", "default_outbound_endpoint", "sip:z@10.0.0.8"),
    ],
)
def test_destinations_of_messages(text: str, endpoint: str, uri: str) -> None:
    target = find_destination(text, SETTINGS, contacts())
    assert (target.endpoint.name, str(target.uri)) == (endpoint, uri)


@pytest.mark.parametrize("text", ["nobody", "nobody/other", "nobody/sip:a@b"])
def test_messages_to_unknown_endpoints_are_refused(text: str) -> None:
    with pytest.raises(NotFound):
        find_destination(text, SETTINGS, contacts())


@pytest.mark.parametrize("text", ["", "alice/sip:", "alice/ x", "sip:a b", "a\nb", "x" * 2000])
def test_destinations_that_can_not_be_read_are_refused(text: str) -> None:
    with pytest.raises(InvalidArgument):
        find_destination(text, SETTINGS, contacts())


@given(st.text(max_size=60))
def test_any_destination_is_understood_or_refused(text: str) -> None:
    try:
        find_destination(text, SETTINGS, contacts())
    except (InvalidArgument, NotFound):
        pass
