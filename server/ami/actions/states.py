"""States of extensions, devices and people."""

from __future__ import annotations

from collections.abc import Iterator

from server.ami.chunks import collect
from server.ami.events.states import extension_fields
from server.ami.protocol import Field
from server.ami.registry import ListItem, Reply, Request, action, failure, listing, success
from server.dialplan.pattern import is_pattern
from server.resources import device_states, presence_states
from server.resources.presence_states import Presence

DEFAULT_CONTEXT = "default"
NO_HINT = -1


@action(
    "ExtensionState", "call", "reporting", summary="Tell the state of an extension that has a hint"
)
def extension_state(request: Request) -> Reply:
    """Return the state of an extension's hint; -1 if it has none."""
    exten = request.need("Exten", "Extension not specified")
    context = request.get("Context", DEFAULT_CONTEXT)
    hint = request.context.dialplan.hints.get(exten, context)
    if hint is None:
        fields: list[Field] = [
            ("Exten", exten),
            ("Context", context),
            ("Hint", ""),
            ("Status", NO_HINT),
            ("StatusText", "Unknown"),
        ]
    else:
        # the extension that was asked for, though its hint may be in an included context
        fields = [("Exten", exten), ("Context", context), *extension_fields(hint)[2:]]
    return success(*fields, message="Extension Status")


@action("ExtensionStateList", "call", "reporting", summary="List the states of all hints")
def extension_state_list(request: Request) -> Reply:
    """List every hint that is not a pattern's."""
    items: list[ListItem] = [
        ("ExtensionStatus", extension_fields(hint))
        for hint in request.context.dialplan.hints.all()
        if not is_pattern(hint.exten)
    ]
    return listing("Extension Statuses will follow", items, "ExtensionStateListComplete")


@action("DeviceStateList", "call", "reporting", summary="List the states of all devices")
async def device_state_list(request: Request) -> Reply:
    """List endpoints, devices that were set by hand, and those that hints follow."""
    devices = request.context.devices
    names = sorted(set(_devices(request)))
    items = (
        ("DeviceStateChange", [("Device", name), ("State", devices.state(name))]) for name in names
    )
    return listing(
        "Device State Changes will follow", await collect(items), "DeviceStateListComplete"
    )


def _devices(request: Request) -> Iterator[str]:
    context = request.context
    for endpoint in context.endpoints.list().items:
        yield f"{endpoint.technology}/{endpoint.resource}"
    for family in (device_states.STASIS, device_states.CUSTOM):
        yield from (device.name for device in context.devices.stored(family))
    for hint in context.dialplan.hints.all():
        if not is_pattern(hint.exten):
            yield from hint.devices


@action("PresenceState", "call", "reporting", summary="Tell the presence of somebody")
def presence_state(request: Request) -> Reply:
    """Return what somebody says about being reachable."""
    provider = request.need("Provider", "No provider specified")
    found = request.context.presences.get(provider)
    if found is None:
        return failure(f"Invalid provider {provider} or provider in invalid state")
    optional = [("Subtype", found.subtype), ("PresenceMessage", found.message)]
    fields = [("State", found.state), *((name, text) for name, text in optional if text)]
    return success(*fields, message="Presence State")


@action("PresenceStateList", "call", "reporting", summary="List all presences")
def presence_state_list(request: Request) -> Reply:
    """List the custom presences, and those that hints follow."""
    presences = request.context.presences
    found: dict[str, Presence] = {
        f"{presence_states.CUSTOM}:{name}": stored.decoded() for name, stored in presences.stored()
    }
    for hint in request.context.dialplan.hints.all():
        known = presences.get(hint.presentity) if hint.presentity else None
        if known is not None:
            found.setdefault(hint.presentity, known)
    items: list[ListItem] = [
        (
            "PresenceStateChange",
            [
                ("Presentity", name),
                ("Status", presence.state),
                ("Subtype", presence.subtype),
                ("Message", presence.message),
            ],
        )
        for name, presence in sorted(found.items())
    ]
    return listing("Presence State Changes will follow", items, "PresenceStateListComplete")
