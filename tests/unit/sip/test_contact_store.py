"""Registered contacts in the key-value store."""

from __future__ import annotations

from pathlib import Path

from server.sip.contact_store import FAMILY, KeyValueContactStore
from server.sip.contacts import StoredContact
from server.store.kv import KeyValueStore


async def test_contacts_come_back_after_a_restart(tmp_path: Path) -> None:
    contacts = [
        StoredContact("alice", "sip:alice@10.0.0.2", 1000.5, "alice", "phone \u00e9", "c1", 7),
        StoredContact("a;@b", "sip:x@[::1]:5070;transport=tcp", 2000.0),
    ]
    first = KeyValueStore(tmp_path / "db")
    await first.open()
    for contact in contacts:
        KeyValueContactStore(first).save(contact)
    KeyValueContactStore(first).save(contacts[0])
    await first.close()
    second = KeyValueStore(tmp_path / "db")
    await second.open()
    store = KeyValueContactStore(second)
    assert sorted(store.load(), key=lambda c: c.expires) == contacts
    store.delete("alice", "sip:alice@10.0.0.2")
    store.delete("alice", "sip:nobody@10.0.0.2")
    assert list(store.load()) == contacts[1:]
    await second.close()


async def test_what_cant_be_read_is_left_out(tmp_path: Path) -> None:
    kv = KeyValueStore(tmp_path / "db")
    await kv.open()
    for number, text in enumerate(["", "{", "[]", "{}", '{"uri": "x", "expiration_time": "y"}']):
        kv.put(FAMILY, f"alice;@{number}", text)
    assert list(KeyValueContactStore(kv).load()) == []
    await kv.close()
