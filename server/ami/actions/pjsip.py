"""SIP: what is configured, where phones are, and what can be done to them."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable
from typing import TYPE_CHECKING

from server.ami.actions import pjsip_objects as objects
from server.ami.chunks import collect
from server.ami.registry import ActionError, ListItem, Reply, Request, action, done, listing
from server.base.causes import sip_to_cause
from server.base.errors import InvalidState, Unavailable
from server.dialplan.apps.pjsip import read_content, read_status
from server.dialplan.scope import Scope
from server.resources.controlled import EndedBy
from server.sip import leg_control
from server.sip.leg import SipLeg
from server.sip.notify import read_notify

if TYPE_CHECKING:
    from server.sip.settings import Endpoint

ALL = "all"


def _view(request: Request) -> objects.SipView:
    context = request.context
    if context.sip is None or context.sip_objects is None:
        raise Unavailable("SIP is not running")
    return objects.SipView(context, context.sip, context.sip_objects)


async def _objects(kind: str, event: str, items: Iterable[ListItem]) -> Reply:
    found = await collect(items)
    if not found:
        raise ActionError(f"No {kind} found")
    message = f"A listing of {kind} follows, presented as {event} events"
    return listing(message, found, f"{event}Complete")


@action("PJSIPShowEndpoints", "system", summary="List the endpoints")
async def show_endpoints(request: Request) -> Reply:
    """List endpoints."""
    view = _view(request)
    items = (view.endpoint_item(each) for each in view.settings.endpoints.values())
    return await _objects("Endpoints", "EndpointList", items)


@action("PJSIPShowAors", "system", summary="List the addresses of record")
async def show_aors(request: Request) -> Reply:
    """List addresses of record."""
    view = _view(request)
    items = (("AorList", view.aor_fields(name)) for name in view.settings.aors)
    return await _objects("Aors", "AorList", items)


@action("PJSIPShowAuths", "system", summary="List the credentials, without their secrets")
async def show_auths(request: Request) -> Reply:
    """List credentials."""
    view = _view(request)
    items = (("AuthList", view.object_fields("auth", name)) for name in view.settings.auths)
    return await _objects("Auths", "AuthList", items)


@action("PJSIPShowContacts", "system", summary="List the contacts")
async def show_contacts(request: Request) -> Reply:
    """List contacts."""
    view = _view(request)
    items = (("ContactList", view.contact_fields(contact)) for contact in view.sip.contacts())
    return await _objects("Contacts", "ContactList", items)


@action("PJSIPShowEndpoint", "system", summary="Show an endpoint and all that belongs to it")
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


@action("PJSIPShowRegistrationsInbound", "system", summary="List who is registered here")
async def show_inbound(request: Request) -> Reply:
    """List the addresses of record of all endpoints, with who has registered there."""
    view = _view(request)
    settings = view.settings
    items = (
        ("InboundRegistrationDetail", view.aor_fields(name))
        for endpoint in settings.endpoints.values()
        for name in endpoint.aors
        if name in settings.aors
    )
    message = "Following are Events for each Inbound registration"
    return listing(message, await collect(items), "InboundRegistrationDetailComplete")


@action(
    "PJSIPShowRegistrationInboundContactStatuses",
    "system",
    summary="List how registered contacts answer",
)
async def show_inbound_statuses(request: Request) -> Reply:
    """List contacts and whether they can be reached."""
    view = _view(request)
    items = (
        ("ContactStatusDetail", view.status_fields(contact)) for contact in view.sip.contacts()
    )
    message = "Following are Events for each Inbound registration contact status"
    return listing(message, await collect(items), "ContactStatusDetailComplete")


@action(
    "PJSIPShowRegistrationsOutbound",
    "system",
    "reporting",
    summary="List where this server registers",
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


@action("PJSIPRegister", "system", "reporting", summary="Register with another server now")
@action("PJSIPUnregister", "system", "reporting", summary="End a registration with another server")
def register(request: Request) -> Reply:
    """Refuse: there are no outbound registrations."""
    name = request.need("Registration", "Registration parameter missing.")
    raise ActionError(f"Unable to retrieve registration {name}")


def _nothing(name: str, summary: str, message: str, complete: str) -> None:
    """Declare an action that lists what this server does not have yet."""

    def show(request: Request) -> Reply:
        _view(request)
        return listing(message, [], complete)

    action(name, "system", summary=summary)(show)


_nothing(
    "PJSIPShowSubscriptionsInbound",
    "List who is subscribed here",
    "Following are Events for each Inbound Subscription",
    "InboundSubscriptionDetailComplete",
)
_nothing(
    "PJSIPShowSubscriptionsOutbound",
    "List what this server is subscribed to",
    "Following are Events for each Outbound Subscription",
    "OutboundSubscriptionDetailComplete",
)
_nothing(
    "PJSIPShowResourceLists",
    "List the lists of resources that can be subscribed to",
    "Following are Events for each Resource List",
    "ResourceListDetailComplete",
)


@action(
    "PJSIPQualify",
    "system",
    "reporting",
    summary="Ask the contacts of an endpoint whether they are there",
)
def qualify(request: Request) -> Reply:
    """Ask every contact of an endpoint whether it is there."""
    endpoint, view = _endpoint(request), _view(request)
    for name in endpoint.aors:
        view.sip.qualify(name)
    return done("Endpoint found, will qualify")


@action("PJSIPHangup", "system", "call", summary="Hang up a PJSIP channel with a SIP status")
def hangup(request: Request) -> Reply:
    """Refuse a call that came in by a SIP status, or end another with the cause it stands for."""
    channel = request.channel()
    status = read_status(request.need("Cause", "Cause not specified"))
    if not isinstance(channel.leg, SipLeg):
        raise ActionError("Channel is not a PJSIP channel")
    with contextlib.suppress(InvalidState):  # it is answered, or one of ours: the cause says it
        leg_control.refuse(channel.leg, status)
    channel.tech_cause = status
    channel.hangup(sip_to_cause(status), EndedBy.COMMAND)
    return done("Channel Hungup")


@action("PJSIPNotify", "system", summary="Send NOTIFY to an endpoint, to a URI or within a call")
async def notify(request: Request) -> Reply:
    """Send what a section of pjsip_notify.conf says, or what the variables say."""
    to = [name for name in ("Endpoint", "URI", "Channel") if request.get(name)]
    if len(to) != 1:
        raise ActionError("PJSIPNotify requires either an endpoint name, a SIP URI, or a channel.")
    scope = Scope(request.context.dialplan, None)
    if request.get("Option"):
        content = await read_content(scope, request.get("Option"))
    else:
        content = read_notify(_variables(request))
    if to[0] != "Channel":
        _view(request).sip.notify(request.get(to[0]), content)
    else:
        leg = request.channel().leg
        if not isinstance(leg, SipLeg):
            raise ActionError("Channel is not a PJSIP channel")
        leg_control.notify(leg, content)
    return done("NOTIFY sent")


def _variables(request: Request) -> list[tuple[str, str]]:
    """Return the fields that the headers Variable name, each ``name=value[,name=value]``."""
    parts = [part for text in request.message.all("Variable") for part in text.split(",")]
    if not any(parts):
        raise ActionError("PJSIPNotify requires at least one variable, or an option.")
    pairs = (part.partition("=") for part in parts if part)
    return [(name.strip(), value) for name, _, value in pairs]


@action("PJSIPSetMaintenance", "system", summary="Take an endpoint out of service, or back")
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
    summary="List the endpoints that are out of service",
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
