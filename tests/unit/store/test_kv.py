"""The key-value store on a real file."""

from __future__ import annotations

import asyncio
import logging
import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from server.base.errors import InvalidArgument, Unavailable
from server.store import kv
from server.store.kv import MAX_KEY_LENGTH, MAX_VALUE_LENGTH, KeyValueStore


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[KeyValueStore]:
    store = KeyValueStore(tmp_path / "astdb.sqlite3")
    await store.open()
    yield store
    await store.close()


def rows(path: Path) -> dict[str, str]:
    connection = sqlite3.connect(path)
    try:
        return dict(connection.execute("SELECT key, value FROM astdb"))
    finally:
        connection.close()


async def test_a_value_is_read_back_at_once(store: KeyValueStore) -> None:
    store.put("cidname", "100", "Alice")
    assert store.get("cidname", "100") == "Alice"
    assert store.get("cidname", "101") is None


async def test_values_survive_a_restart(tmp_path: Path) -> None:
    path = tmp_path / "astdb.sqlite3"
    first = KeyValueStore(path)
    await first.open()
    first.put("a", "k", "1")
    first.put("a", "k", "2")
    first.put("b", "gone", "x")
    first.delete("b", "gone")
    await first.close()
    assert rows(path) == {"/a/k": "2"}
    second = KeyValueStore(path)
    await second.open()
    assert second.items() == [("/a/k", "2")]
    await second.close()


async def test_flush_waits_for_changes_made_while_writing(
    store: KeyValueStore, tmp_path: Path
) -> None:
    for number in range(50):
        store.put("f", str(number), "v")
        await store.flush()
        store.put("g", str(number), "w")
    await store.flush()
    assert len(rows(tmp_path / "astdb.sqlite3")) == 100


async def test_delete_says_whether_the_key_was_there(store: KeyValueStore) -> None:
    store.put("f", "k", "v")
    assert store.delete("f", "k") is True
    assert store.delete("f", "k") is False


async def test_delete_tree_takes_families_below_but_no_neighbours(store: KeyValueStore) -> None:
    store.put("a", "1", "x")
    store.put("a/b", "2", "x")
    store.put("ab", "3", "x")
    assert store.items("a") == [("1", "x"), ("b/2", "x")]
    assert store.delete_tree("a") == 2
    assert store.items() == [("/ab/3", "x")]
    assert store.delete_tree("") == 1
    assert store.items() == []


@pytest.mark.parametrize(
    ("key", "value", "field"),
    [
        ("", "v", "key"),
        ("k" * MAX_KEY_LENGTH, "v", "key"),
        ("k\0", "v", "key"),
        ("k", "v" * (MAX_VALUE_LENGTH + 1), "value"),
    ],
)
async def test_unusable_keys_and_values_are_refused(
    store: KeyValueStore, key: str, value: str, field: str
) -> None:
    with pytest.raises(InvalidArgument) as caught:
        store.put("family", key, value)
    assert caught.value.field == field


async def test_a_file_that_is_no_database_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "astdb.sqlite3"
    path.write_bytes(b"this is a text, not a database" * 40)
    with pytest.raises(Unavailable, match=r"astdb\.sqlite3"):
        await KeyValueStore(path).open()


async def test_a_failed_write_is_reported_and_the_store_goes_on(
    store: KeyValueStore, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    other = sqlite3.connect(tmp_path / "astdb.sqlite3")
    other.execute("DROP TABLE astdb")
    other.close()
    with caplog.at_level(logging.ERROR):
        store.put("f", "k", "v")
        await store.flush()
    assert "changes are lost" in caplog.text
    assert store.get("f", "k") == "v"


async def test_changes_of_a_moment_are_one_transaction(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kv, "GATHER_DELAY", 0.01)
    store = KeyValueStore(tmp_path / "db")
    await store.open()
    written: list[int] = []
    write = store._write
    monkeypatch.setattr(
        store, "_write", lambda changes: (written.append(len(changes)), write(changes))
    )
    for number in range(3):
        store.put("f", str(number), "x")
        await asyncio.sleep(0)
    while store._writing is not None:
        await asyncio.sleep(0.001)
    assert written == [3]
    await store.close()
