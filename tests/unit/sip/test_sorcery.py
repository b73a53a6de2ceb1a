"""SIP objects that come and go while the server runs."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.base.errors import Forbidden, InvalidArgument, NotFound
from server.config.binder import canonical_names, option_names
from server.config.objects import ConfigObject, Option
from server.sip.contacts import Contact
from server.sip.settings import SipSettings
from server.sip.sorcery import (
    CLASSES,
    CREATABLE,
    Fields,
    SipObjects,
    contact_name,
    option_kinds,
)
from server.sip.uri import Uri
from server.store.kv import KeyValueStore
from tests.support.node import MemoryStore

PUBLISHED = json.loads(
    (Path(__file__).parents[2] / "data" / "pjsip_options.json").read_text(encoding="utf-8")
)


class Setup:
    """Objects, and what was done with them."""

    def __init__(self, *items: ConfigObject, store: KeyValueStore | None = None) -> None:
        self.used: list[SipSettings] = []
        self.contacts: list[Contact] = []
        self.objects = SipObjects(
            store or MemoryStore(),
            apply=self.used.append,
            contacts=lambda: self.contacts,
            remove_contact=lambda contact: self.contacts.remove(contact),
        )
        self.configure(*items)

    def configure(self, *items: ConfigObject) -> SipSettings:
        return self.objects.configure(items, named_acls={}, language="en")

    def put(self, object_type: str, object_id: str, **options: str) -> None:
        self.objects.put(object_type, object_id, list(options.items()))

    def read(self, object_type: str, object_id: str) -> dict[str, str]:
        found = self.objects.get(object_type, object_id)
        assert found is not None
        return dict(found)


def item(kind: str, name: str, *options: tuple[str, str]) -> ConfigObject:
    return ConfigObject(kind, name, [Option(n, v, "pjsip.conf", 1) for n, v in options], "p", 1)


def test_every_published_option_is_known() -> None:
    known = {(t, name) for t, options in option_kinds().items() for name in options}
    published = {(row["section"], row["option"]) for row in PUBLISHED}
    assert {pair for pair in published if pair[1] != "type"} <= known


@pytest.mark.parametrize("kind", sorted(CLASSES))
def test_every_option_of_ours_is_known(kind: str) -> None:
    assert set(canonical_names(CLASSES[kind]).values()) <= set(option_kinds()[kind])
    assert set(canonical_names(CLASSES[kind])) == option_names(CLASSES[kind])


async def test_objects_are_live_when_they_are_made_in_any_order() -> None:
    setup = Setup()
    parts: list[tuple[str, dict[str, str]]] = [
        ("endpoint", {"auth": "dave", "aors": "dave", "allow": "alaw"}),
        ("aor", {"max_contacts": "1"}),
        ("auth", {"password": "secret", "username": "dave"}),
    ]
    for kind, options in parts:
        setup.put(kind, "dave", **options)
    settings = setup.used[-1]
    assert len(setup.used) == 3
    assert settings.endpoints["dave"].codecs == ("alaw",)
    assert settings.aors["dave"].max_contacts == 1
    assert settings.auths["dave"].password == "secret"


async def test_what_is_shown_has_every_option_and_default() -> None:
    setup = Setup()
    setup.put("endpoint", "e", Context="inside", rtp_symmetric="yes", timers_min_se="100")
    shown = setup.read("endpoint", "e")
    assert set(shown) == set(option_kinds()["endpoint"])
    assert shown["context"] == "inside"
    assert shown["rtp_symmetric"] == "true"
    assert shown["rewrite_contact"] == "false"
    assert shown["timers_min_se"] == "100"
    assert shown["timers_sess_expires"] == "1800"
    assert (shown["allow"], shown["disallow"]) == ("(ulaw|alaw)", "")
    setup.put("aor", "a")
    assert setup.read("aor", "a")["qualify_timeout"] == "3.000000"


@pytest.mark.parametrize("kind", CREATABLE)
async def test_what_is_shown_can_be_put_again(kind: str) -> None:
    setup = Setup()
    made = {
        "auth": {"password": "x"},
        "endpoint": {"allow": "alaw,ulaw", "disallow": "all", "callerid": "A <1>", "acl": ""},
        "aor": {"contact": "sip:a@127.0.0.1"},
        "identify": {"endpoint": "e", "match": "127.0.0.1"},
    }[kind]
    setup.put(kind, "one", **made)
    shown = setup.objects.get(kind, "one")
    assert shown is not None
    setup.objects.put(kind, "two", shown)
    assert setup.objects.get(kind, "two") == shown


async def test_a_change_leaves_other_options_alone() -> None:
    setup = Setup()
    setup.put("endpoint", "e", context="one", accountcode="a")
    setup.put("endpoint", "e", context="two")
    shown = setup.read("endpoint", "e")
    assert (shown["context"], shown["accountcode"]) == ("two", "a")


CODEC_FIELDS = [("disallow", "all"), ("allow", "ulaw,alaw,slin"), ("disallow", "slin")]


@pytest.mark.parametrize("fields", list(itertools.permutations(CODEC_FIELDS)))
async def test_the_order_of_codec_options_does_not_matter(fields: Fields) -> None:
    setup = Setup()
    setup.objects.put("endpoint", "e", list(fields))
    assert setup.used[-1].endpoints["e"].codecs == ("ulaw", "alaw")


async def test_rules_of_an_address_list_keep_their_order_and_go_together() -> None:
    setup = Setup()
    rules = [("deny", "0.0.0.0/0"), ("permit", "127.0.0.1"), ("deny", "127.0.0.2")]
    setup.objects.put("endpoint", "e", rules)
    acl = setup.used[-1].endpoints["e"].acl
    assert [rule.is_permit for rule in acl.rules] == [False, True, False]
    shown = setup.objects.get("endpoint", "e")
    assert shown is not None
    assert [value for name, value in shown if name == "deny"] == ["0.0.0.0/0", "127.0.0.2"]
    setup.put("endpoint", "e", permit="127.0.0.3")
    assert len(setup.used[-1].endpoints["e"].acl.rules) == 1


async def test_variables_are_listed_one_by_one() -> None:
    setup = Setup()
    setup.objects.put("endpoint", "e", [("set_var", "A=1"), ("set_var", "B=2")])
    assert setup.used[-1].endpoints["e"].variables == (("A", "1"), ("B", "2"))
    shown = setup.objects.get("endpoint", "e")
    assert shown is not None
    assert [value for name, value in shown if name == "set_var"] == ["A=1", "B=2"]


@pytest.mark.parametrize(
    ("kind", "options", "field"),
    [
        ("endpoint", {"colour": "red"}, "colour"),
        ("endpoint", {"rtp_symmetric": "perhaps"}, "rtp_symmetric"),
        ("endpoint", {"webrtc": "perhaps"}, "webrtc"),
        ("endpoint", {"timers_min_se": "5"}, "timers_min_se"),
        ("endpoint", {"allow": "morse"}, "allow"),
        ("endpoint", {"disallow": "all"}, "allow"),
        ("endpoint", {"callerid": "a\r\nX: y"}, "callerid"),
        ("endpoint", {"permit": "nowhere"}, "permit"),
        ("endpoint", {"type": "aor"}, "type"),
        ("aor", {"contact": "nonsense"}, "contact"),
        ("aor", {"minimum_expiration": "9000"}, "fields"),
        ("aor", {"contact": "sip:" + "x" * 70_000}, "fields"),
        ("auth", {}, "fields"),
        ("auth", {"auth_type": "trust", "password": "x"}, "auth_type"),
        ("identify", {"match": "??"}, "match"),
    ],
)
async def test_wrong_options_are_named_and_change_nothing(
    kind: str, options: dict[str, str], field: str
) -> None:
    setup = Setup()
    with pytest.raises(InvalidArgument) as caught:
        setup.put(kind, "x", **options)
    assert caught.value.field == field
    assert setup.used == []
    assert setup.objects.get(kind, "x") is None


@pytest.mark.parametrize("name", ["", "a\nb", "x" * 201, "a\0b"])
async def test_names_are_checked(name: str) -> None:
    with pytest.raises(InvalidArgument, match="id"):
        Setup().put("aor", name)


async def test_too_many_options_are_refused() -> None:
    with pytest.raises(InvalidArgument, match="fields"):
        Setup().objects.put("endpoint", "e", [("set_var", "A=1")] * 1001)


@given(
    st.sampled_from(CREATABLE),
    st.lists(
        st.tuples(
            st.sampled_from(sorted({n for o in option_kinds().values() for n in o})), st.text()
        ),
        max_size=4,
    ),
)
def test_any_fields_are_taken_or_refused(kind: str, fields: Fields) -> None:
    setup = Setup()
    try:
        setup.objects.put(kind, "x", fields)
    except InvalidArgument:
        assert setup.objects.get(kind, "x") is None
    else:
        assert setup.objects.get(kind, "x")


async def test_objects_of_the_file_are_shown_and_cant_be_changed() -> None:
    setup = Setup(item("aor", "a", ("max_contacts", "3")), item("transport", "t", ("bind", "::")))
    assert setup.read("aor", "a")["max_contacts"] == "3"
    assert setup.read("transport", "t")["bind"] == "::"
    for kind, name in (("aor", "a"), ("transport", "t"), ("transport", "new"), ("global", "g")):
        with pytest.raises(Forbidden):
            setup.put(kind, name)
    for kind, name in (("aor", "a"), ("transport", "t")):
        with pytest.raises(Forbidden):
            setup.objects.delete(kind, name)
    assert setup.used == []


async def test_what_is_deleted_is_gone() -> None:
    setup = Setup()
    for kind in CREATABLE:
        setup.put(kind, "x", **({"password": "p"} if kind == "auth" else {}))
    for kind in CREATABLE:
        setup.objects.delete(kind, "x")
        assert setup.objects.get(kind, "x") is None
        with pytest.raises(NotFound):
            setup.objects.delete(kind, "x")
    last = setup.used[-1]
    assert (last.aors, last.auths, last.endpoints, last.identifies) == ({}, {}, {}, ())


async def test_what_the_file_needs_stays() -> None:
    setup = Setup()
    setup.put("auth", "a", password="p")
    setup.put("endpoint", "e")
    setup.configure(
        item("endpoint", "f", ("auth", "a")),
        item("identify", "i", ("endpoint", "e"), ("match", "127.0.0.1")),
    )
    for kind, name in (("auth", "a"), ("endpoint", "e")):
        with pytest.raises(Forbidden, match=r"pjsip\.conf"):
            setup.objects.delete(kind, name)


async def test_objects_survive_a_restart(tmp_path: Path) -> None:
    store = KeyValueStore(tmp_path / "astdb.sqlite3")
    await store.open()
    first = Setup(store=store)
    first.objects.put("endpoint", "e/1", [("disallow", "all"), ("allow", "alaw")])
    first.put("aor", "a", max_contacts="4")
    first.put("aor", "gone")
    first.objects.delete("aor", "gone")
    store.put("res_pjsip/aor", "broken", "{")
    store.put("res_pjsip/aor", "wrong", json.dumps([["max_contacts", "many"]]))
    await store.close()
    store = KeyValueStore(tmp_path / "astdb.sqlite3")
    await store.open()
    again = Setup(store=store)
    await store.close()
    assert set(again.objects.settings.aors) == {"a"}
    assert again.objects.settings.endpoints["e/1"].codecs == ("alaw",)
    assert again.objects.get("endpoint", "e/1") == first.objects.get("endpoint", "e/1")
    assert any("wrong" in warning.message for warning in again.objects.settings.warnings)


async def test_the_file_wins_over_what_was_made_before() -> None:
    setup = Setup()
    setup.put("aor", "a", max_contacts="4")
    settings = setup.configure(item("aor", "a", ("max_contacts", "1")))
    assert settings.aors["a"].max_contacts == 1
    assert setup.configure().aors["a"].max_contacts == 4


def contacts() -> Iterable[Contact]:
    yield Contact("a", Uri.parse("sip:a@127.0.0.1:5070"), 100.0, "a", "Phone/1")
    yield Contact("a", Uri.parse("sip:fixed@127.0.0.1"))


async def test_contacts_are_shown_and_those_of_phones_can_be_deleted() -> None:
    setup = Setup(item("aor", "a", ("qualify_frequency", "30")))
    setup.contacts = list(contacts())
    registered, permanent = map(contact_name, setup.contacts)
    shown = setup.read("contact", registered)
    assert set(shown) == set(option_kinds()["contact"])
    assert (shown["uri"], shown["user_agent"]) == ("sip:a@127.0.0.1:5070", "Phone/1")
    assert shown["qualify_frequency"] == "30"
    with pytest.raises(Forbidden):
        setup.objects.delete("contact", permanent)
    with pytest.raises(Forbidden):
        setup.put("contact", "a;@x", uri="sip:x@127.0.0.1")
    setup.objects.delete("contact", registered)
    assert setup.objects.get("contact", registered) is None
    with pytest.raises(NotFound):
        setup.objects.delete("contact", registered)
