"""Transactions told as traces in virtual time.

What goes in follows ``>>``, what must come out follows ``<<``, in order and completely::

    Playbook() >> Request_(INVITE) << Send("INVITE") >> advance(T1) << Send("INVITE")

Outputs are what the layer sends and reports. A step in asks that everything before it has been
accounted for; :meth:`Playbook.done` asks the same at the end. `quiet` is a step out that asks for
nothing to have come.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from server.sip.message import Request, Response, parse_message
from server.sip.timers import Timers
from server.sip.transaction import (
    AckReceived,
    CancelReceived,
    ClientTransaction,
    RequestReceived,
    ResponseReceived,
    ServerTransaction,
    TransactionLayer,
    TransactionTerminated,
    TransactionTimeout,
    TransportFailed,
)
from server.sip.uri import Uri

T1, T2, T4 = 0.5, 4.0, 5.0


class TestFlow(NamedTuple):
    """A flow of made-up addresses."""

    __test__ = False
    transport: str = "UDP"
    local: tuple[str, int] = ("192.0.2.1", 5060)
    remote: tuple[str, int] = ("192.0.2.2", 5060)

    @property
    def is_reliable(self) -> bool:
        return self.transport != "UDP"


UDP = TestFlow()
TCP = TestFlow("TCP")


@dataclass(frozen=True)
class Send:
    """A message leaves: what its start line begins with (``INVITE``, ``SIP/2.0 200``)."""

    what: str | int


@dataclass(frozen=True)
class Report:
    """An event comes: its class, and the status or method it carries."""

    event: type
    what: str | int | None = None


@dataclass(frozen=True)
class Step:
    """Something that happens; gets the playbook."""

    run: Callable[[Playbook], None]


quiet = object()


@dataclass
class Playbook:
    """One transaction layer and its story."""

    flow: TestFlow = UDP
    timers: Timers = field(default_factory=Timers)
    options: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.layer = TransactionLayer(self.timers, **self.options)
        self.now = 100.0
        self.outputs: deque[Any] = deque()
        self.sent: list[Request | Response] = []  # every message that left
        self.client: ClientTransaction | None = None  # of the last request sent
        self.server: ServerTransaction | None = None  # of the last request received
        self.request: Request | None = None  # the last one received

    def __rshift__(self, step: Step) -> Playbook:
        assert not self.outputs, f"unexpected: {list(self.outputs)}"
        step.run(self)
        self.collect()
        return self

    def __lshift__(self, expected: Any) -> Playbook:
        if expected is quiet:
            assert not self.outputs, f"unexpected: {list(self.outputs)}"
            return self
        assert self.outputs, f"missing: {expected}"
        output = self.outputs.popleft()
        assert output == expected, f"{output} instead of {expected}"
        return self

    def done(self) -> Playbook:
        """Nothing is left to be accounted for."""
        return self << quiet

    def collect(self) -> None:
        for flow, data in self.layer.messages_to_send():
            message = parse_message(data)
            self.sent.append(message)
            assert flow == self.flow
            is_request = isinstance(message, Request)
            self.outputs.append(Send(message.method if is_request else message.status))
        while (event := self.layer.next_event()) is not None:
            self.outputs.append(self._report(event))

    def _report(self, event: Any) -> Report:
        match event:
            case RequestReceived():
                self.server, self.request = event.txn, event.request
                return Report(RequestReceived, event.request.method)
            case AckReceived():
                return Report(AckReceived)
            case CancelReceived():
                return Report(CancelReceived)
            case ResponseReceived():
                return Report(ResponseReceived, event.response.status)
            case TransactionTimeout() | TransportFailed() | TransactionTerminated():
                return Report(type(event), event.txn.method)
        raise AssertionError(event)


def advance(seconds: float) -> Step:
    """Time passes; timers that are due fire at their own moments."""

    def run(book: Playbook) -> None:
        end = book.now + seconds
        while (deadline := book.layer.get_timer()) is not None and deadline <= end:
            book.now = max(book.now, deadline)
            book.layer.handle_timer(book.now)
            book.collect()
        book.now = end

    return Step(run)


def make_request(
    method: str = "INVITE", *, branch: str = "z9hG4bKtest", cseq: int = 1, to_tag: str = "",
    call_id: str = "call-1", uri: str = "sip:bob@192.0.2.1", extra: str = "",
) -> Request:  # fmt: skip
    """A request as a peer would send it."""
    tag = f";tag={to_tag}" if to_tag else ""
    text = (
        f"{method} {uri} SIP/2.0\r\n"
        f"Via: SIP/2.0/UDP 192.0.2.2:5060;branch={branch}\r\n"
        "Max-Forwards: 70\r\n"
        "From: Alice <sip:alice@192.0.2.2>;tag=alice-tag\r\n"
        f"To: <sip:bob@192.0.2.1>{tag}\r\n"
        f"Call-ID: {call_id}\r\nCSeq: {cseq} {method}\r\n"
        f"Contact: <sip:alice@192.0.2.2>\r\n{extra}Content-Length: 0\r\n\r\n"
    )
    message = parse_message(text.encode())
    assert isinstance(message, Request)
    return message


def own_request(method: str = "INVITE") -> Request:
    """A request as our side makes one, without Via."""
    request = make_request(method)
    request.headers.remove("Via")
    request.uri = Uri.parse("sip:bob@192.0.2.2")
    return request


def submit(method: str = "INVITE") -> Step:
    """Our side sends a request."""

    def run(book: Playbook) -> None:
        book.client = book.layer.send_request(own_request(method), book.flow, book.now)

    return Step(run)


def receive(method: str = "INVITE", **arguments: Any) -> Step:
    """A request arrives."""
    return Step(
        lambda book: book.layer.receive(make_request(method, **arguments), book.flow, book.now)
    )


def reply(status: int, to_tag: str = "bob-tag") -> Step:
    """A response to our last request arrives."""

    def run(book: Playbook) -> None:
        assert book.client is not None
        data = book.client.request.response(status, to_tag=to_tag).encode()
        book.layer.receive(parse_message(data), book.flow, book.now)

    return Step(run)


def respond(status: int) -> Step:
    """Our side answers the last request received."""

    def run(book: Playbook) -> None:
        assert book.server is not None
        assert book.request is not None
        response = book.request.response(status, to_tag="our-tag")
        book.layer.respond(book.server, response, book.now)

    return Step(run)


def cancel() -> Step:
    """Our side cancels its INVITE."""

    def run(book: Playbook) -> None:
        assert book.client is not None
        book.layer.cancel(book.client, book.now)

    return Step(run)


def break_flow() -> Step:
    """The transport reports that the flow is broken."""
    return Step(lambda book: book.layer.transport_failed(book.flow, book.now))
