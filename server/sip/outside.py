"""MESSAGE and REFER outside of any call: sent once, and for REFER what is told of it afterwards."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable
from enum import StrEnum

from server.base.errors import LocalProtocolError, RemoteProtocolError, Unavailable
from server.sip.dialog import DialogId
from server.sip.dialstring import Target
from server.sip.headers import NameAddr
from server.sip.message import Request, Response
from server.sip.refer import parse_sipfrag
from server.sip.requests import Done, OwnRequest
from server.sip.scheduler import Timer
from server.sip.session_ports import SessionHost
from server.sip.transaction import Flow, ServerTransaction, new_tag
from server.sip.uri import Uri

logger = logging.getLogger(__name__)

MAX_EXPIRES = 600  # seconds that a referral is followed, whatever the peer says
MAX_REFERRALS = 10_000  # followed at a time


class OutsideRequest:
    """One request of ours that belongs to no call.

    :param target: the endpoint, and the Request-URI.
    :param prepare: adds From, headers and body once it is known where the request leaves from.
    :param done: hears the final status; 408 without response, 503 without a way.
    """

    __slots__ = ("_cseq", "_done", "_host", "_prepare", "_routes", "_target", "call_id", "method",
                 "tag")  # fmt: skip

    def __init__(
        self,
        host: SessionHost,
        method: str,
        target: Target,
        prepare: Callable[[Request, Flow], None],
        done: Done,
        routes: list[Uri],
    ) -> None:
        self._host = host
        self._target = target
        self._prepare = prepare
        self._done = done
        self._routes = routes
        self._cseq = 0
        self.method = method
        self.call_id = os.urandom(16).hex()
        self.tag = new_tag()

    def send(self, now: float) -> None:
        """Find the way and send; what goes wrong is told to ``done``."""
        hop = self._routes[0] if self._routes else self._target.uri
        self._host.find_flow(hop, self._target.endpoint, self._on_flow, now)

    def _on_flow(self, flow: Flow | None, now: float) -> None:
        if flow is None:
            self._done(503, None, now)
            return
        endpoint = self._target.endpoint
        own_address = self._host.contact(flow, endpoint)
        request = Request.create(
            self.method,
            self._target.uri,
            from_=NameAddr(own_address.uri.without_params()),
            to=NameAddr(self._target.uri.without_params()),
            call_id=self.call_id,
            cseq=self._next_cseq(),
            max_forwards=self._host.settings.global_.max_forwards,
        )
        if self._routes:
            request.routes = [NameAddr(route) for route in self._routes]
        request.contact = own_address
        try:
            self._prepare(request, flow)
            request.from_ = request.from_.with_params(tag=self.tag)
            OwnRequest(
                self._host,
                request,
                flow,
                self._done,
                next_cseq=self._next_cseq,
                digest=self._host.digest(endpoint),
            ).send(now)
        except (LocalProtocolError, Unavailable) as error:
            logger.warning("%s to %s is not sent: %s", self.method, endpoint.name, error)
            self._done(503, None, now)

    def _next_cseq(self) -> int:
        self._cseq += 1
        return self._cseq


class ReferralState(StrEnum):
    """How far a REFER of ours is."""

    SENT = "Sent"  # no final response yet; a NOTIFY may be faster
    ACTIVE = "Active"
    TERMINATED = "Terminated"


TRANSITIONS: dict[ReferralState, frozenset[ReferralState]] = {
    ReferralState.SENT: frozenset({ReferralState.ACTIVE, ReferralState.TERMINATED}),
    ReferralState.ACTIVE: frozenset({ReferralState.TERMINATED}),
    ReferralState.TERMINATED: frozenset(),
}


class Referral:
    """The subscription that a REFER of ours implies (RFC 3515): NOTIFYs until it terminates."""

    __slots__ = ("_owner", "_timer", "key", "state", "status")

    def __init__(self, owner: Referrals, key: DialogId) -> None:
        self._owner = owner
        self._timer: Timer | None = None
        self.key = key
        self.state = ReferralState.SENT
        self.status = 0  # what the peer told last

    def on_final(self, status: int, response: Response | None, now: float) -> None:
        """The REFER was answered: a refusal ends it, a 2xx is followed by NOTIFYs."""
        if self.state is ReferralState.TERMINATED:
            return
        if response is None or status >= 300:
            logger.info("REFER was refused: %s", status)
            self.terminate()
        elif self.state is ReferralState.SENT:
            self._set_state(ReferralState.ACTIVE)
            # RFC 6665 section 4.1.2.4: Timer N, for the first NOTIFY
            self._wait(64 * self._owner.host.timers.t1, now)

    def take_notify(self, request: Request, now: float) -> None:
        """Take a NOTIFY.

        :raises RemoteProtocolError: it can't be read.
        """
        self.status = parse_sipfrag(request.content_type, request.body)
        state, _, params = (request.headers.get("Subscription-State") or "").partition(";")
        if self.state is ReferralState.SENT:
            self._set_state(ReferralState.ACTIVE)
        if state.strip().lower() == "terminated":
            logger.info("the referred call ended with %s", self.status)
            self.terminate()
        else:
            self._wait(_expires(params), now)

    def terminate(self) -> None:
        """Follow it no more. May be called again."""
        if self.state is ReferralState.TERMINATED:
            return
        self._set_state(ReferralState.TERMINATED)
        if self._timer is not None:
            self._timer.cancel()
        self._owner.forget(self)

    def _wait(self, seconds: float, now: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self._owner.host.scheduler.schedule(now + seconds, self._on_timeout)

    def _on_timeout(self, now: float) -> None:
        logger.info("nothing more was heard of a REFER; last status %s", self.status)
        self.terminate()

    def _set_state(self, state: ReferralState) -> None:
        assert state in TRANSITIONS[self.state], f"{self.state} -> {state}"
        logger.debug("referral: %s -> %s", self.state, state)
        self.state = state


class Referrals:
    """All REFERs of ours outside of calls, by Call-ID and our tag."""

    def __init__(self, host: SessionHost) -> None:
        self.host = host
        self._by_key: dict[DialogId, Referral] = {}

    def __len__(self) -> int:
        return len(self._by_key)

    def send(
        self,
        target: Target,
        prepare: Callable[[Request, Flow], None],
        routes: list[Uri],
        now: float,
    ) -> Referral:
        """Send a REFER and follow it.

        :raises Unavailable: too many are followed already.
        """
        if len(self._by_key) >= MAX_REFERRALS:
            raise Unavailable("too many REFERs are open")

        def on_final(status: int, response: Response | None, now: float) -> None:
            referral.on_final(status, response, now)

        request = OutsideRequest(self.host, "REFER", target, prepare, on_final, routes)
        referral = Referral(self, DialogId(request.call_id, request.tag, ""))
        self._by_key[referral.key] = referral
        request.send(now)
        return referral

    def take_notify(self, txn: ServerTransaction, request: Request, now: float) -> None:
        """Take a NOTIFY that belongs to no call.

        :raises RemoteProtocolError: it belongs to no REFER of ours either (481), or is malformed.
        """
        event = (request.headers.get("Event") or "").partition(";")[0].strip().lower()
        referral = self._by_key.get(DialogId(request.call_id, request.to.tag, ""))
        if event != "refer" or referral is None:
            raise RemoteProtocolError("no such subscription", 481)
        referral.take_notify(request, now)
        self.host.respond(txn, request.response(200), now)

    def forget(self, referral: Referral) -> None:
        """A referral has terminated."""
        self._by_key.pop(referral.key, None)


def _expires(params: str) -> float:
    """The seconds that a Subscription-State promises, within :data:`MAX_EXPIRES`."""
    for param in params.split(";"):
        name, _, value = param.partition("=")
        value = value.strip()
        if name.strip().lower() == "expires" and value.isascii() and value.isdigit():
            return float(min(int(value[:9]), MAX_EXPIRES))
    return float(MAX_EXPIRES)
