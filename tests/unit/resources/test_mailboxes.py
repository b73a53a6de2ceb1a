"""Mailboxes whose messages somebody else counts."""

from __future__ import annotations

from pathlib import Path

import pytest

from server import model
from server.base.errors import InvalidArgument, NotFound
from server.resources.mailboxes import FAMILY, Mailboxes
from server.store.kv import KeyValueStore
from tests.support.node import MemoryStore


def mailbox(name: str, old: int, new: int) -> model.Mailbox:
    return model.Mailbox(name=name, old_messages=old, new_messages=new)


async def test_mailboxes_are_made_changed_listed_and_forgotten() -> None:
    mailboxes = Mailboxes(MemoryStore())
    mailboxes.update("200@b", old_messages=0, new_messages=1)
    mailboxes.update("100@a", old_messages=1, new_messages=2)
    mailboxes.update("100@a", old_messages=3, new_messages=0)
    assert mailboxes.list() == [mailbox("100@a", 3, 0), mailbox("200@b", 0, 1)]
    assert mailboxes.get("200@b") == mailbox("200@b", 0, 1)
    mailboxes.delete("200@b")
    for missing in (mailboxes.get, mailboxes.delete):
        with pytest.raises(NotFound):
            missing("200@b")


async def test_listeners_hear_of_changes_only() -> None:
    mailboxes = Mailboxes(MemoryStore())
    heard: list[model.Mailbox] = []
    mailboxes.add_listener(heard.append)
    mailboxes.update("1", old_messages=0, new_messages=1)
    mailboxes.update("1", old_messages=0, new_messages=1)
    mailboxes.delete("1")
    assert heard == [mailbox("1", 0, 1), mailbox("1", 0, 0)]


@pytest.mark.parametrize(
    ("name", "old", "new", "field"),
    [
        ("1", -1, 0, "oldMessages"),
        ("1", 0, -1, "newMessages"),
        ("x" * 300, 0, 0, "mailboxName"),
        ("a\0b", 0, 0, "mailboxName"),
    ],
)
async def test_what_cant_be_kept_is_refused(name: str, old: int, new: int, field: str) -> None:
    mailboxes = Mailboxes(MemoryStore())
    with pytest.raises(InvalidArgument, match=field):
        mailboxes.update(name, old_messages=old, new_messages=new)
    assert mailboxes.list() == []


async def test_counts_survive_a_restart_and_what_cant_be_read_is_left_out(tmp_path: Path) -> None:
    store = KeyValueStore(tmp_path / "astdb.sqlite3")
    await store.open()
    Mailboxes(store).update("100@a", old_messages=1, new_messages=2)
    store.put(FAMILY, "odd", "[]")
    await store.close()
    store = KeyValueStore(tmp_path / "astdb.sqlite3")
    await store.open()
    listed = Mailboxes(store).list()
    await store.close()
    assert listed == [mailbox("100@a", 1, 2)]
