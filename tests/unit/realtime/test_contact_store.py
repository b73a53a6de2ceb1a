"""Contacts in a table: read once, written behind, in order."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from server.base.tasks import TaskScope
from server.realtime import contact_store
from server.realtime.contact_store import RealtimeContactStore, contact_id
from server.sip.contacts import StoredContact
from tests.support.families import Families
from tests.support.node import settle

CONTACT = StoredContact("dora", "sip:dora@192.0.2.1;x=1", 2_000_000_000.0, "dora", "Phone", "c1")


@pytest.fixture
async def scope() -> AsyncIterator[TaskScope]:
    made = TaskScope("test")
    yield made
    await made.close()


async def test_a_contact_is_a_row_and_comes_back(scope: TaskScope) -> None:
    families = Families(contacts=[])
    store = RealtimeContactStore(families, "contacts", scope, "here")
    store.save(CONTACT)
    await store.flush()
    (row,) = families.rows["contacts"]
    assert row["id"] == contact_id("dora", CONTACT.uri)
    assert row["id"].startswith("dora;@")
    assert row["reg_server"] == "here"
    store.save(StoredContact("dora", CONTACT.uri, 2_000_000_300.0, "dora"))
    await store.flush()
    assert [each["expiration_time"] for each in families.rows["contacts"]] == ["2000000300"]

    again = RealtimeContactStore(families, "contacts", scope, "here")
    await again.preload()
    assert [each.uri for each in again.load()] == [CONTACT.uri]
    assert list(again.load()) == []
    again.delete("dora", CONTACT.uri)
    await again.flush()
    assert families.rows["contacts"] == []


async def test_contacts_of_other_servers_and_broken_ones_are_left_alone(scope: TaskScope) -> None:
    good = {"uri": "sip:a@b", "expiration_time": "5"}
    families = Families(
        contacts=[
            {"id": "a;@1", "reg_server": "there", **good},
            {"id": "b;@2", "uri": "sip:b@b", "expiration_time": "soon"},
            {"id": "c;@3", **good},
        ]
    )
    store = RealtimeContactStore(families, "contacts", scope, "here")
    await store.preload()
    assert [each.aor for each in store.load()] == ["c"]


async def test_what_can_not_be_written_is_tried_again(
    scope: TaskScope, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(contact_store, "RETRY_S", 0.0)
    families = Families(contacts=[])
    families.is_dead = True
    store = RealtimeContactStore(families, "contacts", scope)
    store.save(CONTACT)
    await settle()
    families.is_dead = False
    await settle()
    assert len(families.rows["contacts"]) == 1


async def test_what_waits_is_bounded(
    scope: TaskScope, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(contact_store, "MAX_PENDING", 2)
    families = Families(contacts=[])
    families.gate.clear()
    store = RealtimeContactStore(families, "contacts", scope)
    for number in range(3):
        store.save(StoredContact(f"a{number}", "sip:x@y", 1.0))
    assert "too many wait" in caplog.text
    families.gate.set()
    await settle()
    assert len(families.rows["contacts"]) == 2
