"""The ports between a channel technology (SIP, Local, …) and the channels above it.

A technology makes :class:`Leg` objects. A leg is one call as the technology sees it: it carries
the signalling and owns a media stream. It reports upwards through the :class:`LegListener` that
the channel gave it, and new calls through the :class:`CallSink` that the composition root gave
the technology. Everything here is called on the event loop and returns without waiting.
"""

from __future__ import annotations

from collections.abc import Awaitable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING, Protocol, runtime_checkable

if TYPE_CHECKING:
    from server.media.streams import Stream


class ExtensionMatch(Enum):
    """What the dialplan says of a number that may still be incomplete."""

    NONE = "none"
    PARTIAL = "partial"
    EXACT = "exact"


@dataclass(frozen=True, slots=True)
class Party:
    """A name and number, with their presentation.

    :param presentation: RFC 3323/Q.951 wish as Asterisk names it: ``allowed``, ``prohib`` or
        ``unavailable``.
    :param details: what only the dialplan knows of a party (its tag, numbering plan, subaddress,
        exact presentation …), by item.
    """

    name: str = ""
    number: str = ""
    presentation: str = "allowed"
    details: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Redirecting:
    """How a call came to be redirected.

    :param orig: whom it was for at first; likewise *orig_reason*.
    :param from_: who redirected it last, and *to* whom.
    :param reason: as Asterisk names it: ``cfu``, ``cfb``, ``cfnr``, ``deflection`` …
    """

    orig: Party = Party()
    from_: Party = Party()
    to: Party = Party()
    reason: str = "unknown"
    orig_reason: str = "unknown"
    count: int = 0


@dataclass(frozen=True, slots=True)
class IncomingCall:
    """What a technology knows of a call when it arrives.

    :param endpoint: the resource that calls, such as ``alice``.
    :param context: where in the dialplan the call goes.
    :param exten: the dialled extension.
    :param caller: who calls.
    :param redirecting: who redirected the call here, if anybody did.
    :param variables: channel variables from configuration (``set_var``) and signalling.
    :param channel_id: the id that the new channel is to have, or empty for a new one.
    :param replaces: the leg whose place the new call takes (RFC 3891), or ``None``.
    :param peer_account: the account of who called, if that is a channel of ours.
    """

    endpoint: str
    context: str
    exten: str
    caller: Party = Party()
    redirecting: Redirecting = Redirecting()
    language: str = "en"
    account_code: str = ""
    music_class: str = "default"
    variables: Mapping[str, str] = field(default_factory=dict)
    channel_id: str = ""
    replaces: Leg | None = None
    peer_account: str = ""


@dataclass(frozen=True, slots=True)
class Traits:
    """What a channel has in common with its other half, and which accounts a call is for."""

    language: str
    music_class: str
    account_code: str
    peer_account: str


@dataclass(frozen=True, slots=True)
class OutgoingCall:
    """What a caller of :meth:`Technology.create_leg` asks for.

    :param formats: codec names in order of preference; empty means the endpoint's own.
    :param variables: channel variables that the technology may read (``SIPADDHEADER`` …).
    :param requestor: name of the channel on whose behalf this leg is made, or empty.
    :param other_channel_id: id for the channel at the other end of a Local pair, or empty.
    :param channel_id: of the channel that gets the leg.
    """

    formats: Sequence[str] = ()
    variables: Mapping[str, str] = field(default_factory=dict)
    requestor: str = ""
    other_channel_id: str = ""
    channel_id: str = ""


@dataclass(frozen=True, slots=True)
class EndpointInfo:
    """An endpoint's state.

    :param state: ``online``, ``offline`` or ``unknown`` (ARI's words).
    :param busy_at: calls from which on its device counts as busy, 0 for never.
    """

    technology: str
    resource: str
    state: str
    busy_at: int = 0


@dataclass(frozen=True, slots=True)
class ContactInfo:
    """A contact's reachability.

    :param status: ``Reachable``, ``Unreachable``, ``Unknown``, ``NonQualified`` or ``Removed``.
    :param roundtrip_usec: of the last OPTIONS, or ``None``.
    """

    uri: str
    aor: str
    status: str
    roundtrip_usec: int | None = None


@dataclass(frozen=True, slots=True)
class TextMessage:
    """A text from an endpoint.

    :param technology: as in channel names, such as ``PJSIP``.
    :param endpoint: the resource that sent it, such as ``alice``.
    :param context: where in the dialplan it goes, with *exten*; empty for one inside a call.
    :param sender: address as the technology writes it, likewise *recipient*.
    :param variables: what else came with it: headers by name.
    """

    technology: str
    endpoint: str
    context: str
    exten: str
    sender: str
    recipient: str
    body: str
    variables: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ReplacedCall:
    """The call that an attended transfer names, as the protocol names it."""

    call_id: str
    to_tag: str
    from_tag: str


class Transfer(Protocol):
    """The far end's wish to connect its other party elsewhere.

    It is accepted or refused before :meth:`LegListener.on_transfer` returns. Once accepted, the
    far end is told how it goes, by statuses as SIP has them, until a final one.
    """

    @property
    def exten(self) -> str:
        """The extension to go to."""

    @property
    def context(self) -> str:
        """Where it is looked up, unless the channel says otherwise."""

    @property
    def referred_by(self) -> str:
        """Who asks, as the far end says, or empty."""

    @property
    def replaces(self) -> ReplacedCall | None:
        """The call to take the place of: this makes the transfer an attended one."""

    @property
    def consultation(self) -> Leg | None:
        """The leg here that *replaces* names, ``None`` if there is none."""

    @property
    def wants_progress(self) -> bool:
        """Whether the far end hears more of a blind transfer than that it was begun."""

    @property
    def is_over(self) -> bool:
        """Whether there is nothing more to tell."""

    def accept(self) -> None:
        """Take it (202); the far end hears that it is being tried."""

    def refuse(self, status: int) -> None:
        """Refuse it."""

    def report(self, status: int) -> None:
        """Tell how it goes; a final status ends it."""


class LegListener(Protocol):
    """What a leg reports. :class:`server.resources.channel.Channel` implements it."""

    def on_ringing(self) -> None:
        """The far end rings (180)."""

    def on_progress(self) -> None:
        """The far end sends early media (183 with SDP)."""

    def on_answered(self) -> None:
        """The far end answered."""

    def on_hangup(self, cause: int, tech_cause: int | None, reason: str) -> None:
        """The call is over; the leg and its stream are gone after this call.

        :param cause: Q.850.
        :param tech_cause: the technology's own code, a SIP status for SIP.
        :param reason: a short text for logs.
        """

    def on_dtmf(self, digit: str, duration_ms: int) -> None:
        """A digit came by signalling (SIP INFO); digits in media come from the stream."""

    def on_hold(self, music_class: str | None) -> None:
        """The far end put this call on hold."""

    def on_unhold(self) -> None:
        """The far end resumed."""

    def on_connected_line(self, party: Party) -> None:
        """The far end says who it is now."""

    def on_redirected(self, target: str) -> None:
        """The far end asks to try elsewhere (302); *target* is a dial string without technology."""

    def on_transfer(self, transfer: Transfer) -> None:
        """The far end asks for a transfer; it is accepted or refused before this returns."""

    def on_message(self, message: TextMessage) -> None:
        """A text came inside the call."""


class Leg(Protocol):
    """One call as its technology sees it."""

    @property
    def name(self) -> str:
        """The channel name, such as ``PJSIP/alice-00000001``."""

    @property
    def protocol_id(self) -> str:
        """The technology's own id of the call: the Call-ID for SIP."""

    @property
    def stream(self) -> Stream:
        """The media; exists for as long as the leg does and is closed by it."""

    @property
    def listener(self) -> LegListener | None:
        """Who hears of what happens; set once, by the channel, before anything can happen."""

    @listener.setter
    def listener(self, listener: LegListener | None) -> None: ...

    def dial(self, caller: Party, connected: Party) -> None:
        """Start an outgoing call. Called once, on a leg made by :meth:`Technology.create_leg`."""

    def ring(self) -> None:
        """Tell the caller that the called party rings (180)."""

    def progress(self) -> None:
        """Open the media path before the answer (183 with SDP)."""

    def answer(self) -> None:
        """Answer an incoming call. Media flows at once; a second call does nothing."""

    def hangup(self, cause: int) -> None:
        """End or refuse the call. The listener hears nothing more. May be called again."""

    def hold(self) -> None:
        """Put the far end on hold."""

    def unhold(self) -> None:
        """Resume it."""

    def send_dtmf(
        self, digits: str, *, before_ms: int, between_ms: int, duration_ms: int, after_ms: int
    ) -> Awaitable[None]:
        """Send digits in media or by signalling, as the endpoint is configured.

        The awaitable ends when the last digit was sent.
        """

    def set_connected_line(self, party: Party) -> None:
        """Tell the far end who it is connected to, if the technology can."""

    def redirect(self, target: str) -> None:
        """Send the far end elsewhere: 302 before the answer, REFER after it.

        :param target: a dial string of the same technology, without the technology.
        :raises Unprocessable: the technology can't.
        """

    def send_text(self, text: str) -> None:
        """Send a text inside the call, if the technology can."""

    def info(self, item: str) -> str | None:
        """Read a fact for ``CHANNEL(item)`` and its like, ``None`` if there is none."""


@runtime_checkable
class TakesRedirecting(Protocol):
    """A leg that can tell the far end who redirected the call."""

    def set_redirecting(self, redirecting: Redirecting) -> None:
        """Take it before :meth:`Leg.dial`."""


@runtime_checkable
class TakesTraits(Protocol):
    """A leg whose other half is a channel of ours."""

    def set_traits(self, traits: Traits) -> None:
        """Take them before :meth:`Leg.dial`."""


@runtime_checkable
class VariableSource(Protocol):
    """A leg that tells facts of itself by channel variables."""

    @property
    def variables(self) -> Mapping[str, str]:
        """What the channel is made with."""


@runtime_checkable
class HoldPasser(Protocol):
    """A leg that may be put on hold itself instead of hearing the music of one who holds."""

    @property
    def passes_hold(self) -> bool:
        """Whether it is, unless the dialplan says otherwise."""


class CallSink(Protocol):
    """Where technologies deliver new calls and endpoint states."""

    def match_extension(self, context: str, exten: str, caller_number: str) -> ExtensionMatch:
        """Ask whether a call to this extension would be taken."""

    def incoming(self, leg: Leg, call: IncomingCall) -> None:
        """Take a new call. On return the leg has its listener.

        :raises Unavailable: the server is full or stopping; the technology answers 503.
        """

    def on_message(self, message: TextMessage) -> bool:
        """Take a text outside of calls; ``False`` if nobody wants it."""

    def on_endpoint_changed(self, endpoint: EndpointInfo) -> None:
        """An endpoint came or went."""

    def on_contact_changed(self, endpoint: EndpointInfo, contact: ContactInfo) -> None:
        """A contact's reachability changed."""


class Technology(Protocol):
    """A way to make and take calls."""

    @property
    def name(self) -> str:
        """As in dial strings: ``PJSIP``, ``Local``."""

    def create_leg(self, resource: str, call: OutgoingCall) -> Leg:
        """Prepare an outgoing call; nothing is sent before :meth:`Leg.dial`.

        :param resource: the dial string after the technology, such as ``alice`` or ``100@ctx/n``.
        :raises NotFound: no such endpoint, or it can't be reached now (no contact).
        :raises InvalidArgument: the resource or the formats can't be used.
        :raises Unavailable: no ports or channels left.
        """

    def endpoints(self) -> Sequence[EndpointInfo]:
        """List the configured endpoints."""

    def endpoint(self, resource: str) -> EndpointInfo | None:
        """Return one endpoint, ``None`` if there is none of this name."""


@runtime_checkable
class Messenger(Protocol):
    """What a technology can do that sends messages outside of calls."""

    def send_message(self, to: str, sender: str, body: str, variables: Mapping[str, str]) -> None:
        """Send a text; whether it arrives is not known on return.

        :param to: endpoint or address, without the technology.
        :param sender: address to send from; empty for the endpoint's own.
        :param variables: header fields to add.
        :raises NotFound: no such endpoint, or it can't be reached.
        :raises InvalidArgument: an address or variable can't be used; names it.
        """

    def refer(
        self,
        to: str,
        sender: str,
        refer_to: str,
        variables: Mapping[str, str],
        *,
        to_self: bool,
    ) -> None:
        """Ask an endpoint to call somebody; arguments and errors as above.

        :param refer_to: whom to call: an endpoint or address.
        :param to_self: let it call *refer_to* through us instead of directly.
        :raises Unavailable: too many such requests are open.
        """
