"""A technology without a network: the test plays the far end."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Awaitable, Mapping, Sequence

from server.base.errors import NotFound
from server.media.engine import MediaEngine
from server.tech.base import (
    CallSink,
    EndpointInfo,
    IncomingCall,
    Leg,
    LegListener,
    OutgoingCall,
    Party,
    ReplacedCall,
)


class FakeLeg:
    """A leg that records what it is told; ``listener`` is for the test to call."""

    def __init__(self, name: str, engine: MediaEngine) -> None:
        self.name = name
        self.protocol_id = f"{name}@test"
        self.stream = engine.open_rtp("127.0.0.1")
        self.listener: LegListener | None = None
        self.said: list[tuple[object, ...]] = []

    def dial(self, caller: Party, connected: Party) -> None:
        self.said.append(("dial", caller, connected))

    def ring(self) -> None:
        self.said.append(("ring",))

    def progress(self) -> None:
        self.said.append(("progress",))

    def answer(self) -> None:
        self.said.append(("answer",))

    def hangup(self, cause: int) -> None:
        self.said.append(("hangup", cause))
        self.listener = None
        self.stream.close()

    def hold(self) -> None:
        self.said.append(("hold",))

    def unhold(self) -> None:
        self.said.append(("unhold",))

    def send_dtmf(self, digits: str, **times: int) -> Awaitable[None]:
        self.said.append(("dtmf", digits, times))
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        future.set_result(None)
        return future

    def set_connected_line(self, party: Party) -> None:
        self.said.append(("connected", party))

    def redirect(self, target: str) -> None:
        self.said.append(("redirect", target))

    def send_text(self, text: str) -> None:
        self.said.append(("text", text))

    def info(self, item: str) -> str | None:
        return None

    def far_end_hangs_up(self, cause: int = 16, tech_cause: int | None = None) -> None:
        """Be the phone that hangs up."""
        listener, self.listener = self.listener, None
        assert listener is not None
        listener.on_hangup(cause, tech_cause, "test")
        self.stream.close()


class FakeTechnology:
    """Makes :class:`FakeLeg`; ``legs`` holds all of them in order."""

    def __init__(self, engine: MediaEngine, endpoints: Sequence[str], name: str = "PJSIP") -> None:
        self.name = name
        self.legs: list[FakeLeg] = []
        self.sent: list[tuple[object, ...]] = []
        self.busy_at = 0  # calls at which every endpoint is busy
        self._engine = engine
        self._endpoints = dict.fromkeys(endpoints, "online")
        self._numbers = itertools.count(1)

    def create_leg(self, resource: str, call: OutgoingCall) -> FakeLeg:
        if resource not in self._endpoints:
            raise NotFound(f"endpoint {resource} does not exist")
        return self.make_leg(resource)

    def make_leg(self, resource: str) -> FakeLeg:
        leg = FakeLeg(f"{self.name}/{resource}-{next(self._numbers):08x}", self._engine)
        self.legs.append(leg)
        return leg

    def call(self, sink: CallSink, endpoint: str, exten: str, context: str = "default") -> FakeLeg:
        """Bring a call in."""
        leg = self.make_leg(endpoint)
        caller = Party(name=endpoint.title(), number=endpoint)
        sink.incoming(leg, IncomingCall(endpoint, context, exten, caller))
        return leg

    def send_message(self, to: str, sender: str, body: str, variables: Mapping[str, str]) -> None:
        self._check_destination(to)
        self.sent.append(("message", to, sender, body, dict(variables)))

    def refer(
        self, to: str, sender: str, refer_to: str, variables: Mapping[str, str], *, to_self: bool
    ) -> None:
        self._check_destination(to)
        self.sent.append(("refer", to, sender, refer_to, dict(variables), to_self))

    def _check_destination(self, to: str) -> None:
        if to not in self._endpoints:
            raise NotFound(f"no endpoint {to}")

    def endpoints(self) -> Sequence[EndpointInfo]:
        return [EndpointInfo(self.name, name, state) for name, state in self._endpoints.items()]

    def endpoint(self, resource: str) -> EndpointInfo | None:
        state = self._endpoints.get(resource)
        return EndpointInfo(self.name, resource, state, self.busy_at) if state else None


class FakeTransfer:
    """The far end's wish to be transferred; ``told`` is what it was answered and told."""

    def __init__(
        self,
        exten: str = "stasis",
        *,
        consultation: Leg | None = None,
        replaces: ReplacedCall | None = None,
        referred_by: str = "",
        wants_progress: bool = True,
    ) -> None:
        self.exten = exten
        self.context = "default"
        self.referred_by = referred_by
        self.replaces = replaces
        if consultation is not None:
            self.replaces = ReplacedCall(consultation.protocol_id, "to", "from")
        self.consultation = consultation
        self.wants_progress = wants_progress
        self.told: list[int] = []

    @property
    def is_over(self) -> bool:
        return any(status >= 200 for status in self.told if status != 202)

    def accept(self) -> None:
        assert self.told == []
        self.told.append(202)

    def refuse(self, status: int) -> None:
        assert self.told == []
        self.told.append(status)

    def report(self, status: int) -> None:
        assert self.told
        if not self.is_over and status != self.told[-1]:
            self.told.append(status)
