"""SIP stacks joined in virtual time, on a network that loses, doubles and reorders as told."""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from server.base.errors import RemoteProtocolError
from server.sip.auth import Credentials, DigestClient
from server.sip.contacts import ContactStore
from server.sip.headers import NameAddr
from server.sip.message import Message, Request, Response, parse_message
from server.sip.offer_answer import Capabilities, Negotiated, OfferAnswer
from server.sip.requests import OwnRequest
from server.sip.session import Session
from server.sip.session_incoming import IncomingSession
from server.sip.session_outgoing import OutgoingSession
from server.sip.settings import Aor, Auth, Endpoint, SipSettings
from server.sip.stack import FlowFound, SipStack
from server.sip.transaction import Flow, new_tag
from server.sip.uri import Uri

DELAY = 0.01  # seconds one way


class SimFlow(NamedTuple):
    """A flow between two addresses of the simulated network."""

    transport: str
    local: tuple[str, int]
    remote: tuple[str, int]

    @property
    def is_reliable(self) -> bool:
        return self.transport != "UDP"


Policy = Callable[[int, bytes], Sequence[float]]
"""Gets the number of a message on the wire and its bytes; returns the delays of its copies."""


def perfect(number: int, data: bytes) -> Sequence[float]:
    """Every message arrives, once, in order."""
    return (DELAY,)


@dataclass
class SimNet:
    """The wire and the time."""

    policy: Policy = perfect
    now: float = 1000.0
    nodes: dict[tuple[str, int], Node] = field(default_factory=dict)
    wire: list[tuple[float, int, tuple[str, int], tuple[str, int], str, bytes]] = field(
        default_factory=list
    )
    trace: list[str] = field(default_factory=list)
    counter: itertools.count[int] = field(default_factory=itertools.count)

    def flush(self) -> None:
        """Put on the wire what the stacks want to send."""
        for node in self.nodes.values():
            for flow, data in node.stack.messages_to_send():
                number = next(self.counter)
                first_line = data.split(b"\r\n", 1)[0].decode()
                self.trace.append(f"{node.name} {first_line}")
                for delay in self.policy(number, data):
                    entry = (self.now + delay, next(self.counter), flow.local, flow.remote,
                             flow.transport, data)  # fmt: skip
                    heapq.heappush(self.wire, entry)

    def run(self, seconds: float) -> None:
        """Let time pass."""
        end = self.now + seconds
        self.flush()
        while True:
            deadlines = [n.stack.get_timer() for n in self.nodes.values() if not n.is_dead]
            due = [when for when in deadlines if when is not None]
            if self.wire:
                due.append(self.wire[0][0])
            when = min(due, default=end + 1)
            if when > end:
                break
            self.now = max(self.now, when)
            self._step()
            self.flush()
        self.now = end

    def _step(self) -> None:
        while self.wire and self.wire[0][0] <= self.now:
            _, _, source, target, transport, data = heapq.heappop(self.wire)
            node = self.nodes.get(target)
            if node is not None and not node.is_dead:
                node.stack.receive(data, SimFlow(transport, target, source), self.now)
        for node in self.nodes.values():
            if not node.is_dead:
                node.stack.handle_timer(self.now)


class Recorder:
    """A session listener that writes down what it hears."""

    def __init__(self) -> None:
        self.events: list[str] = []
        self.media: list[Negotiated] = []
        self.ended: tuple[int, int | None, str] | None = None
        self.redirected: list[str] = []

    def on_ringing(self) -> None:
        self.events.append("ringing")

    def on_progress(self) -> None:
        self.events.append("progress")

    def on_answered(self) -> None:
        self.events.append("answered")

    def on_media(self, negotiated: Negotiated) -> None:
        self.media.append(negotiated)
        self.events.append(f"media {negotiated.codec} {negotiated.direction}")

    def on_hold(self) -> None:
        self.events.append("hold")

    def on_unhold(self) -> None:
        self.events.append("unhold")

    def on_dtmf(self, digit: str, duration_ms: int) -> None:
        self.events.append(f"dtmf {digit} {duration_ms}")

    def on_identity(self, message: Message) -> None: ...

    def on_redirected(self, targets: Sequence[NameAddr]) -> None:
        self.redirected = [str(target.uri) for target in targets]

    def on_ended(self, cause: int, status: int | None, reason: str) -> None:
        assert self.ended is None, "a call ends once"
        self.ended = (cause, status, reason)
        self.events.append(f"ended {cause} {status}")


@dataclass
class Node:
    """A stack at an address, that takes calls as its ``on_invite`` says."""

    net: SimNet
    name: str
    address: tuple[str, int]
    stack: SipStack = field(init=False)
    is_dead: bool = False
    sessions: list[IncomingSession] = field(default_factory=list)
    recorders: list[Recorder] = field(default_factory=list)
    on_invite: Callable[[IncomingSession, Request, float], None] | None = None
    codecs: tuple[str, ...] = ("ulaw", "alaw")
    transport: str = "UDP"
    extensions: frozenset[str] = frozenset({"100", "alice"})
    ports: itertools.count[int] = field(default_factory=lambda: itertools.count(10000, 2))

    def start(self, settings: SipSettings, store: ContactStore | None = None) -> Node:
        self.stack = SipStack(settings, self, self, contact_store=store, secret=b"s" * 32)
        self.stack.start(self.net.now)
        self.net.nodes[self.address] = self
        return self

    # StackUser

    def on_call(self, session: IncomingSession, request: Request, now: float) -> None:
        if request.uri.user not in self.extensions:
            raise RemoteProtocolError("no such extension", 404)
        session.start(self.media())
        recorder = Recorder()
        session.listener = recorder
        self.sessions.append(session)
        self.recorders.append(recorder)
        if self.on_invite is not None:
            self.on_invite(session, request, now)

    def has_extension(self, endpoint: Endpoint, user: str) -> bool:
        return user in self.extensions

    # FlowProvider

    def find_flow(self, uri: Uri, transport: str, done: FlowFound, now: float) -> None:
        if not uri.host[:1].isdigit():
            done(None, now)
            return
        name = (uri.params.get("transport") or "udp").upper()
        done(SimFlow(name, self.address, (uri.host, uri.port or 5060)), now)

    def reply_flow(self, flow: Flow, address: tuple[str, int]) -> Flow:
        return SimFlow(flow.transport, self.address, address)

    def advertised(self, flow: Flow) -> tuple[str, int]:
        return self.address

    # What tests ask for

    def media(self) -> OfferAnswer:
        port = next(self.ports)
        return OfferAnswer(Capabilities(self.codecs, self.address[0], port), session_id=port)

    def call(
        self,
        other: Node,
        *,
        endpoint: str = "peer",
        user: str = "100",
        from_user: str = "alice",
        prepare: Callable[[Request, Flow], None] = lambda request, flow: None,
    ) -> tuple[OutgoingSession, Recorder]:
        """Call another node."""
        session = self.stack.create_call(self.stack.settings.endpoints[endpoint])
        recorder = Recorder()
        session.listener = recorder
        params: dict[str, str | None] = (
            {} if self.transport == "UDP" else {"transport": self.transport.lower()}
        )
        session.start(
            target=Uri("sip", user, *other.address, params),
            from_=lambda flow: NameAddr(Uri("sip", from_user, self.address[0])),
            media=self.media(),
            prepare=prepare,
            now=self.net.now,
        )
        return session, recorder

    def request(
        self,
        method: str,
        other: Node,
        *,
        user: str = "alice",
        target_user: str = "",
        password: str | None = None,
        call_id: str = "call-1",
        cseq: int = 1,
        headers: Sequence[tuple[str, str]] = (),
    ) -> list[tuple[int, Response | None]]:
        """Send a request outside dialogs; the result is filled when it is answered."""
        answers: list[tuple[int, Response | None]] = []
        numbers = itertools.count(cseq)
        address = NameAddr(Uri("sip", user, other.address[0]))
        request = Request.create(
            method,
            Uri("sip", target_user, *other.address),
            from_=address.with_params(tag=new_tag()),
            to=address,
            call_id=call_id,
            cseq=next(numbers),
        )
        for name, value in headers:
            request.headers.add(name, value)
        digest = DigestClient([Credentials(user, password)]) if password is not None else None
        flow = SimFlow(self.transport, self.address, other.address)
        own = OwnRequest(
            self.stack,
            request,
            flow,
            lambda status, response, now: answers.append((status, response)),
            next_cseq=lambda: next(numbers),
            digest=digest,
        )
        own.send(self.net.now)
        return answers

    def register(
        self, other: Node, *contacts: str, expires: int | None = None, **arguments: object
    ) -> list[tuple[int, Response | None]]:
        """REGISTER contacts."""
        headers = [("Contact", contact) for contact in contacts]
        if expires is not None:
            headers.append(("Expires", str(expires)))
        return self.request("REGISTER", other, headers=headers, **arguments)  # type: ignore[arg-type]


def open_settings(**options: object) -> SipSettings:
    """Settings of a node that takes anybody's calls."""
    endpoint = Endpoint(name="peer", **options)  # type: ignore[arg-type]
    anybody = Endpoint(name="anonymous", **options)  # type: ignore[arg-type]
    return SipSettings(endpoints={"peer": endpoint, "anonymous": anybody})


def registrar_settings(
    aor: Aor | None = None, endpoint: Endpoint | None = None, **auth: object
) -> SipSettings:
    """Settings of a registrar with one user, ``alice`` with the password ``secret``."""
    options: dict[str, object] = {"username": "alice", "password": "secret"} | auth
    return SipSettings(
        endpoints={
            "alice": endpoint or Endpoint(name="alice", aors=("alice",), auth=("alice",)),
        },
        aors={"alice": aor or Aor(name="alice", max_contacts=2)},
        auths={"alice": Auth(name="alice", **options)},  # type: ignore[arg-type]
    )


def parse(data: bytes) -> Request | Response:
    """Parse a message that was on the wire."""
    return parse_message(data)


def state_of(session: Session) -> str:
    """The session's state as text."""
    return str(session.state)
