"""Who is connected as which application: coming, going, coming back, and being replaced.

A consumer without a number to resume after is gone when its connection is. The seat of one that
resumes stays for a time, with its journal, and so does the registration of its application: calls
go on, and those that arrive meanwhile are in the journal when it comes back.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence

from server.base.errors import Unavailable
from server.model import events
from server.model.events import Event
from server.stasis.application import Application
from server.stasis.bus import Bus
from server.stasis.journal import MAX_JOURNALS, Journals, Record
from server.stasis.options import Options
from server.stasis.pool import Handover, Pool
from server.stasis.seats import Consumer, Resyncing, Seat, describe_options, restored_options
from server.stasis.state import Resources
from server.stasis.topics import Topic, TopicKind

logger = logging.getLogger(__name__)


class Connections:
    """The seats of all applications.

    :param applications: by name; entries are made here, and removed by who keeps the table.
    :param on_deserted: called when nobody serves an application any more.
    """

    def __init__(
        self,
        applications: dict[str, Application],
        bus: Bus,
        journals: Journals,
        on_deserted: Callable[[Application], None],
    ) -> None:
        self.resources: Resources | None = None
        self._applications = applications
        self._bus = bus
        self._journals = journals
        self._on_deserted = on_deserted
        self._seats_of: dict[Consumer, list[Seat]] = {}

    def register(
        self, names: Sequence[str], consumer: Consumer, options: Options, *, subscribe_all: bool
    ) -> list[Application]:
        """Give *consumer* a seat in each of the applications.

        :raises Unavailable: there are too many journals.
        """
        if options.resume is not None and len(self._journals) + len(names) > MAX_JOURNALS:
            raise Unavailable(f"the node keeps at most {MAX_JOURNALS} event logs")
        taken: list[tuple[Application, Seat]] = []
        for name in names:
            application = self._applications.setdefault(name, Application(name))
            application.is_subscribed_to_all |= subscribe_all
            if options.is_shared:
                seat = self._join(application, consumer, options)
            else:
                self._dissolve(application)
                seat = self._occupy(application, application.seat, consumer, options, "")
                application.seat = seat
            taken.append((application, seat))
            logger.info("Stasis application %s registered", name)
        self._seats_of.setdefault(consumer, []).extend(seat for _, seat in taken)
        if options.resume is not None:
            self._resume(taken, consumer, options.resume)
        return [application for application, _ in taken]

    def workers_of(self, consumer: Consumer) -> list[tuple[str, str]]:
        """Return the applications that *consumer* shares, with its worker's name in each."""
        seats = self._seats_of.get(consumer, ())
        return [
            (seat.application, seat.worker)
            for seat in seats
            if seat.consumer is consumer and seat.options.is_shared
        ]

    def unregister(self, consumer: Consumer) -> None:
        """Take *consumer* off its seats."""
        for seat in self._seats_of.pop(consumer, ()):
            application = self._applications.get(seat.application)
            if application is None or seat.consumer is not consumer or not application.holds(seat):
                continue
            if seat.journal is not None:
                self._await_return(application, seat)
            else:
                self._vacate(application, seat)

    def restore(self) -> list[Application]:
        """Expect back whoever could resume when the server ended."""
        restored = []
        for journal, about in self._journals.restore():
            name, worker = about["application"], about["worker"]
            application = self._applications.setdefault(name, Application(name))
            options = restored_options(about["options"], worker)
            seat = Seat(name, None, options, worker)
            seat.journal = journal
            if options.is_shared:
                application.pool = application.pool or Pool()
                application.pool.join(seat)
            else:
                application.seat = seat
            application.is_subscribed_to_all |= about["is_subscribed_to_all"]
            self._await_return(application, seat)
            restored.append(application)
        return restored

    def close(self) -> None:
        """Wait for nobody any more. Journals stay."""
        for application in self._applications.values():
            for seat in self._seats(application):
                seat.stop_grace()

    # coming

    def _join(self, application: Application, consumer: Consumer, options: Options) -> Seat:
        pool = application.pool
        if pool is None:
            pool = application.pool = self._share(application)
        worker = options.worker or pool.new_name()
        former = pool.seats.get(worker)
        seat = self._occupy(application, former, consumer, options, worker)
        if former is None:
            self._offer(pool.join(seat))
        elif former is not seat:
            pool.replace(former, seat)
        return seat

    def _share(self, application: Application) -> Pool:
        """Make an application one that is shared: what it controls is nobody's yet."""
        if application.seat is not None:
            self._dismiss(application.seat)
            application.seat = None
        pool = Pool()
        for topic in application.controlled():
            pool.own(topic, None)
        return pool

    def _dissolve(self, application: Application) -> None:
        """Make a shared application one that a single consumer has."""
        if application.pool is not None:
            for seat in application.pool.seats.values():
                self._dismiss(seat)
            application.pool = None

    def _occupy(
        self,
        application: Application,
        former: Seat | None,
        consumer: Consumer,
        options: Options,
        worker: str,
    ) -> Seat:
        """Return the seat that *consumer* has from now on: the one there is, or a new one."""
        is_resumable = options.resume is not None
        if former is not None and former.consumer is consumer and not is_resumable:
            return former
        if former is not None and former.journal is not None and is_resumable:
            self._farewell(former, consumer)
            seat = former
            seat.stop_grace()
            seat.consumer, seat.is_muted = consumer, False
            seat.configure(options)
        else:
            if former is not None:
                self._dismiss(former)
            seat = Seat(application.name, consumer, options, worker)
        if is_resumable:
            about = {
                "application": application.name,
                "worker": worker,
                "is_subscribed_to_all": application.is_subscribed_to_all,
                "options": describe_options(options),
            }
            seat.journal = self._journals.open(application.name, worker, about)
        return seat

    def _farewell(self, seat: Seat, successor: Consumer | None = None) -> None:
        """Tell whoever has a seat that another one takes it."""
        consumer = seat.consumer
        if consumer is not None and consumer is not successor:
            recipient = Seat(seat.application, consumer)
            self._bus.send(events.application_replaced(), (recipient,))

    def _dismiss(self, seat: Seat) -> None:
        """Give up a seat whose application goes on otherwise."""
        self._farewell(seat)
        seat.stop_grace()
        if seat.journal is not None:
            self._journals.drop(seat.journal)
            seat.journal = None

    def _resume(
        self, taken: Sequence[tuple[Application, Seat]], consumer: Consumer, number: int
    ) -> None:
        """Send what came after *number*, in order, and a Resync where that is not all there was.

        The Resync goes by the bus: what was published before it, and is not delivered yet, is in
        its snapshots already.
        """
        backlog: list[tuple[Record, Seat]] = []
        resyncs: list[tuple[Event, Resyncing]] = []
        for application, seat in taken:
            journal = seat.journal
            assert journal is not None
            reason = journal.why_not(number)
            if reason in (None, "restarted"):
                backlog += ((record, seat) for record in journal.after(number))
            else:
                seat.is_muted = True
            if reason is not None:
                event = self._describe(application, seat, reason)
                resyncs.append((event, Resyncing(seat, consumer, journal)))
        backlog.sort(key=lambda item: item[0].number)
        for record, seat in backlog:
            consumer.deliver(seat.replay(record.message))
        for event, recipient in resyncs:
            self._bus.send(event, (recipient,))

    def _describe(self, application: Application, seat: Seat, reason: str) -> Event:
        topics = set(application.topics)
        if application.pool is not None:
            topics &= application.pool.owned(seat)
        ids: dict[TopicKind, list[str]] = {kind: [] for kind in TopicKind}
        for kind, name in topics:
            ids[kind].append(name)
        assert self.resources is not None
        held = self.resources.holdings(ids[TopicKind.CHANNEL], ids[TopicKind.BRIDGE])
        return events.resync(
            reason=reason,
            channels=held.channels,
            bridges=held.bridges,
            playbacks=held.playbacks,
            recordings=held.recordings,
        )

    # going

    def _await_return(self, application: Application, seat: Seat) -> None:
        seat.consumer = None
        seat.is_muted = False
        grace = self._journals.limits.grace
        logger.info("Stasis application %s is expected back within %g s", application.name, grace)
        loop = asyncio.get_running_loop()
        seat.grace = loop.call_later(grace, self._vacate, application, seat)

    def _vacate(self, application: Application, seat: Seat) -> None:
        seat.stop_grace()
        if seat.journal is not None:
            self._journals.drop(seat.journal)
            seat.journal = None
        if application.pool is not None:
            self._offer(application.pool.leave(seat))
        else:
            application.seat = None
        logger.info("Stasis application %s disconnected", application.name)
        if not application.is_registered:
            self._on_deserted(application)

    def _offer(self, handovers: Sequence[Handover]) -> None:
        """Tell workers of calls that were another one's."""
        for topic, seat, former in handovers:
            event = self._reoffer(topic, seat, former)
            if event is not None:
                self._bus.send(event, (seat,))

    def _reoffer(self, topic: Topic, seat: Seat, former: str) -> Event | None:
        if topic[0] is not TopicKind.CHANNEL or self.resources is None:
            return None
        call = self.resources.call(topic[1])
        if call is None:
            return None
        return events.stasis_reoffered(
            args=list(call.args),
            channel=call.channel,
            worker=seat.worker,
            former_worker=former,
            bridges=call.holdings.bridges,
            playbacks=call.holdings.playbacks,
            recordings=call.holdings.recordings,
        )

    def _seats(self, application: Application) -> Sequence[Seat]:
        if application.pool is not None:
            return list(application.pool.seats.values())
        return (application.seat,) if application.seat is not None else ()
