"""The heap of deadlines."""

from __future__ import annotations

from server.sip.scheduler import MIN_GARBAGE, Scheduler, Timer


def test_timers_fire_in_order_and_once() -> None:
    scheduler = Scheduler()
    fired: list[str] = []
    scheduler.schedule(2.0, lambda now: fired.append(f"b{now}"))
    scheduler.schedule(1.0, lambda now: fired.append(f"a{now}"))
    scheduler.schedule(2.0, lambda now: fired.append(f"c{now}"))
    assert scheduler.get_timer() == 1.0
    scheduler.handle_timer(0.5)
    assert fired == []
    scheduler.handle_timer(2.5)
    assert fired == ["a2.5", "b2.5", "c2.5"]
    assert scheduler.get_timer() is None
    assert len(scheduler) == 0


def test_a_cancelled_timer_never_fires() -> None:
    scheduler = Scheduler()
    fired: list[float] = []
    timer = scheduler.schedule(1.0, fired.append)
    timer.cancel()
    timer.cancel()
    assert not timer.is_active
    assert scheduler.get_timer() is None
    scheduler.handle_timer(5.0)
    assert fired == []


def test_a_handler_may_schedule_and_cancel() -> None:
    scheduler = Scheduler()
    fired: list[str] = []
    late: list[Timer] = []

    def first(now: float) -> None:
        scheduler.schedule(now, lambda now: fired.append("added"))
        late[0].cancel()

    scheduler.schedule(1.0, first)
    late.append(scheduler.schedule(1.0, lambda now: fired.append("late")))
    scheduler.handle_timer(1.0)
    assert fired == ["added"]


def test_cancelled_timers_do_not_pile_up() -> None:
    scheduler = Scheduler()
    keep = scheduler.schedule(1e9, lambda now: None)
    for _ in range(10_000):
        scheduler.schedule(1e6, lambda now: None).cancel()
    assert len(scheduler) == 1
    assert len(scheduler._heap) <= 2 * MIN_GARBAGE
    assert keep.is_active
