"""The event log on disk: what comes back, what is given up, and what a crash leaves."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from server.base.errors import Unavailable
from server.store import event_log
from server.store.event_log import RESERVE, EventLog, StoredLog


async def reopen(path: Path) -> tuple[EventLog, dict[str, StoredLog]]:
    log = EventLog(path)
    await log.open()
    return log, {stored.key: stored for stored in log.take_stored()}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "events.sqlite3"


def fill(log: EventLog, key: str, first: int, count: int) -> None:
    for number in range(first, first + count):
        log.append(key, number, 1000.5, b'{"n":%d}' % number)


async def test_journals_come_back_as_they_were(path: Path) -> None:
    log, stored = await reopen(path)
    assert (stored, log.was_closed, log.last_number) == ({}, True, 0)
    log.keep("a", 1, b"about a")
    fill(log, "a", 2, 3)
    await log.flush()
    fill(log, "a", 5, 2)
    await log.close(9)
    log, stored = await reopen(path)
    assert (log.was_closed, log.last_number) == (True, 9)
    assert (stored["a"].floor, stored["a"].about) == (1, b"about a")
    assert [r[0] for r in stored["a"].records] == [2, 3, 4, 5, 6]
    assert stored["a"].records[0] == (2, 1000.5, b'{"n":2}')
    await log.close(9)


async def test_what_is_trimmed_or_dropped_does_not_come_back(path: Path) -> None:
    log, _ = await reopen(path)
    for key in ("a", "b", "c"):
        log.keep(key, 0, b"")
        fill(log, key, 1, 4)
        await log.flush()
    log.trim("a", 2)
    log.drop("b")
    log.drop("c")
    log.keep("c", 7, b"again")
    fill(log, "c", 8, 1)
    await log.close(9)
    log, stored = await reopen(path)
    assert set(stored) == {"a", "c"}
    assert [r[0] for r in stored["a"].records] == [3, 4]
    assert [r[0] for r in stored["c"].records] == [8]
    await log.close(9)


async def test_a_crash_is_noticed_and_gives_no_number_twice(path: Path) -> None:
    log, _ = await reopen(path)
    log.keep("a", 0, b"")
    fill(log, "a", 1, 2)
    await log.flush()
    fill(log, "a", 3, 1)
    await log.close()  # says nothing about what is there
    log, stored = await reopen(path)
    assert not log.was_closed
    assert log.last_number == RESERVE
    assert [r[0] for r in stored["a"].records] == [1, 2, 3]
    await log.close(RESERVE + 1)
    log, _ = await reopen(path)
    assert (log.was_closed, log.last_number) == (True, RESERVE + 1)
    await log.close(log.last_number)


async def test_numbers_are_reserved_ahead_for_as_long_as_it_runs(path: Path) -> None:
    log, _ = await reopen(path)
    log.keep("a", 0, b"")
    fill(log, "a", RESERVE - 5, 1)
    await log.close()
    log, _ = await reopen(path)
    assert log.last_number > RESERVE
    await log.close()


async def test_a_disk_that_is_too_slow_costs_the_journal_and_no_memory(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log, _ = await reopen(path)
    log.keep("a", 0, b"")
    await log.flush()
    monkeypatch.setattr(event_log, "MAX_PENDING", 30)
    fill(log, "a", 1, 10)
    await log.close(10)
    log, stored = await reopen(path)
    assert stored["a"].floor >= 5
    numbers = [r[0] for r in stored["a"].records]
    assert numbers == list(range(stored["a"].floor + 1, 11))
    await log.close(10)


async def test_a_failed_write_is_a_hole_that_the_next_start_knows_of(path: Path) -> None:
    log, _ = await reopen(path)
    log.keep("a", 0, b"")
    await log.flush()
    log.append("a", 1, 0.0, b"x")
    log.append("b", "no number", 0.0, None or b"")  # type: ignore[arg-type]
    await log.flush()
    await log.close(1)
    log, _ = await reopen(path)
    assert not log.was_closed
    await log.close()


async def test_a_file_that_is_no_database_is_refused(path: Path) -> None:
    path.write_text("no database, but long enough to be taken for one" * 100)
    with pytest.raises(Unavailable):
        await EventLog(path).open()


async def test_close_may_be_called_again_and_without_open(path: Path) -> None:
    log = EventLog(path)
    await log.close()
    await log.close()
    await asyncio.sleep(0)
