"""Dialogs (RFC 3261 section 12): the state that requests of one call share.

A dialog is early until a 2xx confirms it. It numbers the requests of this side, checks the order
of the peer's, and knows where requests go: the remote target, by way of the route set.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from typing import NamedTuple

from server.base.errors import RemoteProtocolError
from server.sip.headers import NameAddr
from server.sip.message import Message, Request, Response
from server.sip.uri import Uri

MAX_CSEQ = 2**31 - 1  # RFC 3261 section 8.1.1.5


class DialogState(StrEnum):
    """How far a dialog is."""

    EARLY = "Early"
    CONFIRMED = "Confirmed"
    TERMINATED = "Terminated"


TRANSITIONS: dict[DialogState, frozenset[DialogState]] = {
    DialogState.EARLY: frozenset({DialogState.CONFIRMED, DialogState.TERMINATED}),
    DialogState.CONFIRMED: frozenset({DialogState.TERMINATED}),
    DialogState.TERMINATED: frozenset(),
}


class DialogId(NamedTuple):
    """What a message is matched by."""

    call_id: str
    local_tag: str
    remote_tag: str


class Dialog:
    """One dialog. Make it with :meth:`from_request` or :meth:`from_response`.

    :param local: our From or To, with its tag.
    :param remote: the peer's, with its tag (RFC 2543 peers have none).
    :param target: the peer's Contact.
    :param routes: Record-Route values in the order in which our requests pass them.
    :param local_cseq: number of our last request, 0 if there was none.
    :param remote_cseq: number of the peer's last request, ``None`` if there was none.
    """

    __slots__ = (
        "call_id", "is_initiator", "local", "local_cseq", "remote", "remote_cseq", "routes",
        "state", "target",
    )  # fmt: skip

    def __init__(
        self,
        *,
        call_id: str,
        local: NameAddr,
        remote: NameAddr,
        target: Uri,
        routes: Sequence[NameAddr],
        local_cseq: int = 0,
        remote_cseq: int | None = None,
        is_initiator: bool,
    ) -> None:
        self.call_id = call_id
        self.local = local
        self.remote = remote
        self.target = target
        self.routes = list(routes)
        self.local_cseq = local_cseq
        self.remote_cseq = remote_cseq
        self.is_initiator = is_initiator
        self.state = DialogState.EARLY

    @classmethod
    def from_request(cls, request: Request, local_tag: str) -> Dialog:
        """The called side's dialog (section 12.1.1).

        :raises RemoteProtocolError: the request has no usable Contact (400).
        """
        contact = request.contact
        if contact is None:
            raise RemoteProtocolError("no Contact in a request that makes a dialog", 400)
        return cls(
            call_id=request.call_id,
            local=request.to.with_params(tag=local_tag),
            remote=request.from_,
            target=contact.uri,
            routes=request.record_routes,
            remote_cseq=request.cseq.number,
            is_initiator=False,
        )

    @classmethod
    def from_response(cls, request: Request, response: Response) -> Dialog:
        """The calling side's dialog (section 12.1.2).

        :raises RemoteProtocolError: the response has no usable Contact.
        """
        contact = response.contact
        if contact is None:
            raise RemoteProtocolError("no Contact in a response that makes a dialog")
        return cls(
            call_id=request.call_id,
            local=request.from_,
            remote=response.to,
            target=contact.uri,
            routes=response.record_routes[::-1],
            local_cseq=request.cseq.number,
            is_initiator=True,
        )

    @property
    def id(self) -> DialogId:
        """What messages of this dialog are matched by."""
        return DialogId(self.call_id, self.local.tag, self.remote.tag)

    def confirm(self, response: Response | None = None) -> None:
        """A 2xx was sent or came; the calling side takes its routes anew (section 13.2.2.4)."""
        if self.state is not DialogState.CONFIRMED:
            self._set_state(DialogState.CONFIRMED)
        if response is not None:
            self.routes = list(response.record_routes[::-1])
            self.refresh_target(response)

    def terminate(self) -> None:
        """End it; no more requests. May be called again."""
        if self.state is not DialogState.TERMINATED:
            self._set_state(DialogState.TERMINATED)

    def refresh_target(self, message: Message) -> None:
        """Take the Contact of a target refresh request or its 2xx (section 12.2)."""
        contact = message.contact
        if contact is not None:
            self.target = contact.uri

    def next_cseq(self) -> int:
        """Number the next request of ours."""
        self.local_cseq = self.local_cseq % MAX_CSEQ + 1
        return self.local_cseq

    def check_request(self, request: Request) -> None:
        """Check the order of the peer's requests, and remember the last number.

        :raises RemoteProtocolError: it is out of order (500, section 12.2.2).
        """
        number = request.cseq.number
        if self.remote_cseq is not None and number <= self.remote_cseq:
            raise RemoteProtocolError(f"CSeq {number} after {self.remote_cseq}", 500)
        self.remote_cseq = number

    def create_request(self, method: str, *, max_forwards: int = 70) -> Request:
        """Make the next request inside the dialog (section 12.2.1.1)."""
        return self._create(method, self.next_cseq(), max_forwards)

    def create_ack(self, cseq: int, *, max_forwards: int = 70) -> Request:
        """Make the ACK for a 2xx to the INVITE of number *cseq* (section 13.2.2.4)."""
        return self._create("ACK", cseq, max_forwards)

    @property
    def next_hop(self) -> Uri:
        """Where requests are sent: the first route, or the target."""
        return self.routes[0].uri if self.routes else self.target

    def _create(self, method: str, cseq: int, max_forwards: int) -> Request:
        uri, routes = self.target, tuple(self.routes)
        if routes and "lr" not in routes[0].uri.params:
            # A strict router wants itself as Request-URI and the target as the last route.
            uri = routes[0].uri
            routes = (*routes[1:], NameAddr(self.target))
        request = Request.create(
            method,
            uri,
            from_=self.local,
            to=self.remote,
            call_id=self.call_id,
            cseq=cseq,
            max_forwards=max_forwards,
        )
        if routes:
            request.routes = routes
        return request

    def _set_state(self, state: DialogState) -> None:
        assert state in TRANSITIONS[self.state], f"{self.state} -> {state}"
        self.state = state
