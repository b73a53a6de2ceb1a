"""SIP: what is configured, where phones are, and what can be done to them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from server.ami.actions import pjsip_objects as objects
from server.ami.registry import ActionError, ListItem, Reply, Request, action, done, listing
from server.base.causes import sip_to_cause
from server.base.errors import Unavailable
from server.resources.channel import EndedBy
from server.sip.reasons import REASONS

if TYPE_CHECKING:
    from server.resources.channel import Channel
    from server.sip.settings import Endpoint

ALL = "all"
_STATUSES = {
    "".join(letter if letter.isalnum() else "_" for letter in text.upper()): status
    for status, text in REASONS.items()
    if status >= 300
}


def _view(request: Request) -> objects.SipView:
    context = request.context
    if context.sip is None or context.sip_objects is None:
        raise Unavailable("SIP is not running")
    return objects.SipView(context, context.sip, context.sip_objects)


def _objects(kind: str, event: str, items: Iterable[ListItem]) -> Reply:
    found = list(items)
    if not found:
        raise ActionError(f"No {kind} found")
    message = f"A listing of {kind} follows, presented as {event} events"
    return listing(message, found, f"{event}Complete")


@action("PJSIPShowEndpoints", "system", summary="Lists PJSIP endpoints.")
def show_endpoints(request: Request) -> Reply:
    """List endpoints."""
    view = _view(request)
    items = (view.endpoint_item(each) for each in view.settings.endpoints.values())
    return _objects("Endpoints", "EndpointList", items)


@action("PJSIPShowAors", "system", summary="Lists PJSIP AORs.")
def show_aors(request: Request) -> Reply:
    """List addresses of record."""
    view = _view(request)
    items = (("AorList", view.aor_fields(name)) for name in view.settings.aors)
    return _objects("Aors", "AorList", items)


@action("PJSIPShowAuths", "system", summary="Lists PJSIP Auths.")
def show_auths(request: Request) -> Reply:
    """List credentials."""
    view = _view(request)
    items = (("AuthList", view.object_fields("auth", name)) for name in view.settings.auths)
    return _objects("Auths", "AuthList", items)


@action("PJSIPShowContacts", "system", summary="Lists PJSIP Contacts.")
def show_contacts(request: Request) -> Reply:
    """List contacts."""
    view = _view(request)
    items = (("ContactList", view.contact_fields(contact)) for contact in view.sip.contacts())
    return _objects("Contacts", "ContactList", items)


@action("PJSIPShowEndpoint", "system", summary="Detail listing of an endpoint and its objects.")
def show_endpoint(request: Request) -> Reply:
    """Describe an endpoint and everything that belongs to it."""
    view, endpoint = _view(request), _endpoint(request)
    message = "Following are Events for each object associated with the Endpoint"
    return listing(message, view.endpoint_details(endpoint), "EndpointDetailComplete")


def _endpoint(request: Request) -> Endpoint:
    name = request.need("Endpoint", "Endpoint parameter missing.")
    found = _view(request).settings.endpoints.get(name)
    if found is None:
        raise ActionError(f"Unable to retrieve endpoint {name}")
    return found


@action("PJSIPShowRegistrationsInbound", "system", summary="Lists PJSIP inbound registrations.")
def show_inbound(request: Request) -> Reply:
    """List the addresses of record of all endpoints, with who has registered there."""
    view = _view(request)
    items: list[ListItem] = [
        ("InboundRegistrationDetail", view.aor_fields(name))
        for endpoint in view.settings.endpoints.values()
        for name in endpoint.aors
        if name in view.settings.aors
    ]
    message = "Following are Events for each Inbound registration"
    return listing(message, items, "InboundRegistrationDetailComplete")


@action(
    "PJSIPShowRegistrationInboundContactStatuses",
    "system",
    summary="Lists ContactStatuses for PJSIP inbound registrations.",
)
def show_inbound_statuses(request: Request) -> Reply:
    """List contacts and whether they can be reached."""
    view = _view(request)
    items: list[ListItem] = [
        ("ContactStatusDetail", view.status_fields(contact)) for contact in view.sip.contacts()
    ]
    message = "Following are Events for each Inbound registration contact status"
    return listing(message, items, "ContactStatusDetailComplete")


@action(
    "PJSIPShowRegistrationsOutbound",
    "system",
    "reporting",
    summary="Lists PJSIP outbound registrations.",
)
def show_outbound(request: Request) -> Reply:
    """List nothing: this server does not register elsewhere yet."""
    _view(request)
    return listing(
        "Following are Events for each Outbound registration",
        [],
        "OutboundRegistrationDetailComplete",
        complete_fields=[("Registered", 0), ("NotRegistered", 0)],
    )


@action("PJSIPRegister", "system", "reporting", summary="Register an outbound registration.")
@action("PJSIPUnregister", "system", "reporting", summary="Unregister an outbound registration.")
def register(request: Request) -> Reply:
    """Refuse: there are no outbound registrations."""
    name = request.need("Registration", "Registration parameter missing.")
    raise ActionError(f"Unable to retrieve registration {name}")


def _nothing(name: str, message: str, complete: str) -> None:
    """Declare an action that lists what this server does not have yet."""

    def show(request: Request) -> Reply:
        _view(request)
        return listing(message, [], complete)

    action(name, "system", summary=message.replace("Following are Events for each", "Lists"))(show)


_nothing(
    "PJSIPShowSubscriptionsInbound",
    "Following are Events for each Inbound Subscription",
    "InboundSubscriptionDetailComplete",
)
_nothing(
    "PJSIPShowSubscriptionsOutbound",
    "Following are Events for each Outbound Subscription",
    "OutboundSubscriptionDetailComplete",
)
_nothing(
    "PJSIPShowResourceLists",
    "Following are Events for each Resource List",
    "ResourceListDetailComplete",
)


@action("PJSIPQualify", "system", "reporting", summary="Qualify a chan_pjsip endpoint.")
def qualify(request: Request) -> Reply:
    """Ask every contact of an endpoint whether it is there."""
    endpoint, view = _endpoint(request), _view(request)
    for name in endpoint.aors:
        view.sip.qualify(name)
    return done("Endpoint found, will qualify")


@action("PJSIPHangup", "system", "call", summary="Hangup a PJSIP channel with a response code.")
def hangup(request: Request) -> Reply:
    """End a call with the cause that a response code stands for."""
    channel = request.channel()
    cause = _cause(request.need("Cause", "Cause not specified"))
    if not channel.name.startswith("PJSIP/"):
        raise ActionError("Channel is not a PJSIP channel")
    _end(channel, cause)
    return done("Channel Hungup")


def _end(channel: Channel, cause: int) -> None:
    channel.hangup(cause, EndedBy.COMMAND)


def _cause(text: str) -> int:
    """Read a response code such as ``486``, or its name such as ``BUSY_HERE``."""
    if text.isascii() and text.isdigit() and 300 <= int(text[:9]) <= 699:
        return sip_to_cause(int(text))
    status = _STATUSES.get(text.strip().upper())
    if status is None:
        raise ActionError(f"Invalid cause {text[:60]}")
    return sip_to_cause(status)


@action("PJSIPSetMaintenance", "system", summary="Enable or disable maintenance of an endpoint.")
def set_maintenance(request: Request) -> Reply:
    """Take no new calls of an endpoint, or of all, nor make any to it."""
    view = _view(request)
    name = request.need("Endpoint", "Endpoint parameter missing.")
    state = request.need("State", "State parameter missing.").lower()
    if state not in ("on", "off"):
        raise ActionError("State must be on or off")
    chosen = view.settings.endpoints if name == ALL else [_endpoint(request).name]
    view.sip.maintenance.set(list(chosen), state == "on")
    return done(f"Maintenance mode {'enabled' if state == 'on' else 'disabled'}")


@action(
    "PJSIPShowMaintenance",
    "system",
    "reporting",
    summary="Show maintenance mode status of endpoints.",
)
def show_maintenance(request: Request) -> Reply:
    """Tell whether an endpoint is under maintenance, or list all that are."""
    maintenance = _view(request).sip.maintenance
    names = [_endpoint(request).name] if request.get("Endpoint") else maintenance.list()
    items: list[ListItem] = [
        (
            "PJSIPMaintenanceStatus",
            [("Endpoint", name), ("Status", "enabled" if name in maintenance else "disabled")],
        )
        for name in names
    ]
    message = "Maintenance statuses will follow"
    return listing(message, items, "PJSIPMaintenanceStatusComplete")
