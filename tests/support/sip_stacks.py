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
from server.sip.headers import NameAddr, Via
from server.sip.message import Message, Request, Response, parse_message
from server.sip.offer_answer import Capabilities, Negotiated, OfferAnswer
from server.sip.refer_notifier import IncomingRefer
from server.sip.requests import OwnRequest
from server.sip.session_incoming import IncomingSession
from server.sip.session_outgoing import OutgoingSession
from server.sip.settings import Aor, Auth, Endpoint, SipSettings
from server.sip.stack import SipStack
from server.sip.stack_ports import FlowFound
from server.sip.transaction import Flow, new_branch, new_tag
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
        self.refers: list[IncomingRefer] = []
        self.on_transfer: Callable[[IncomingRefer], None] = lambda refer: None

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

    def on_refer(self, refer: IncomingRefer) -> None:
        self.refers.append(refer)
        self.on_transfer(refer)

    def on_message(self, request: Request) -> None:
        self.events.append(f"message {request.body.decode()}")

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
    messages: list[Request] = field(default_factory=list)
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

    def on_message(self, endpoint: Endpoint, request: Request, flow: Flow) -> None:
        if request.uri.user not in self.extensions:
            raise RemoteProtocolError("no such extension", 404)
        self.messages.append(request)

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


class RawStack:
    """In place of a stack: keeps what comes, sends what it is given."""

    def __init__(self) -> None:
        self.received: list[Request | Response] = []
        self.outgoing: list[tuple[Flow, bytes]] = []

    def messages_to_send(self) -> list[tuple[Flow, bytes]]:
        messages, self.outgoing = self.outgoing, []
        return messages

    def receive(self, data: bytes, flow: Flow, now: float) -> None:
        self.received.append(parse_message(data))

    def get_timer(self) -> None: ...

    def handle_timer(self, now: float) -> None: ...


class RawPeer(Node):
    """A peer without a mind of its own: the test writes its messages."""

    def begin(self) -> RawPeer:
        self.raw = RawStack()
        self.stack = self.raw  # type: ignore[assignment]
        self.net.nodes[self.address] = self
        return self

    def send(self, message: Request | Response, other: Node) -> None:
        flow = SimFlow(self.transport, self.address, other.address)
        self.raw.outgoing.append((flow, message.encode()))

    def requests(self, method: str) -> list[Request]:
        """What came with this method, in order."""
        return [m for m in self.raw.received if isinstance(m, Request) and m.method == method]

    def responses(self) -> list[int]:
        """The statuses that came, in order."""
        return [m.status for m in self.raw.received if isinstance(m, Response)]

    def answer(
        self, other: Node, request: Request, status: int, tag: str = "", body: bytes = b""
    ) -> Response:
        """Send a response, with a Contact."""
        response = request.response(status, to_tag=tag)
        response.contact = NameAddr(Uri("sip", tag or "raw", *self.address))
        if body:
            response.set_body("application/sdp", body)
        self.send(response, other)
        return response

    def in_dialog(
        self, method: str, other: Node, invite: Request, tag: str, cseq: int = 1
    ) -> Request:
        """Make a request of the called side."""
        assert invite.contact is not None
        return Request.create(
            method,
            invite.contact.uri,
            from_=invite.to.with_params(tag=tag),
            to=invite.from_,
            call_id=invite.call_id,
            cseq=cseq,
        )

    def send_request(self, request: Request, other: Node, branch: str = "") -> None:
        """Send a request with a new branch, or with *branch*."""
        host, port = self.address
        params: dict[str, str | None] = {"branch": branch or new_branch()}
        request.vias = (Via(self.transport, host, port, params),)
        self.send(request, other)

    def invite(self, other: Node, body: bytes = b"", call_id: str = "raw-1") -> Request:
        """Make an INVITE."""
        request = Request.create(
            "INVITE",
            Uri("sip", "100", *other.address),
            from_=NameAddr(Uri("sip", "alice", self.address[0]), "", {"tag": "raw"}),
            to=NameAddr(Uri("sip", "100", other.address[0])),
            call_id=call_id,
            cseq=1,
        )
        request.contact = NameAddr(Uri("sip", "raw", *self.address))
        if body:
            request.set_body("application/sdp", body)
        return request

    def ack(self, other: Node, invite: Request, body: bytes = b"") -> Request:
        """Make the ACK to the 2xx that came last."""
        final = [m for m in self.raw.received if isinstance(m, Response) and m.status == 200][-1]
        assert final.contact is not None
        request = Request.create(
            "ACK",
            final.contact.uri,
            from_=invite.from_,
            to=final.to,
            call_id=invite.call_id,
            cseq=invite.cseq.number,
        )
        if body:
            request.set_body("application/sdp", body)
        return request

    def sdp(self, port: int = 20000, direction: str = "sendrecv") -> bytes:
        """A description with ulaw and telephone-event."""
        host = self.address[0]
        return (
            f"v=0\r\no=- 1 1 IN IP4 {host}\r\ns=-\r\nc=IN IP4 {host}\r\nt=0 0\r\n"
            f"m=audio {port} RTP/AVP 0 101\r\na=rtpmap:101 telephone-event/8000\r\n"
            f"a={direction}\r\n"
        ).encode()


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
