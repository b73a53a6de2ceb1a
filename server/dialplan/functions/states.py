"""Functions on the state of devices, extensions and people."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING

from server.base.errors import InvalidArgument, Unavailable
from server.dialplan import hints
from server.dialplan.arguments import argument, split_arguments
from server.dialplan.registry import function, function_write
from server.dialplan.scope import Scope
from server.resources import device_states, presence_states
from server.resources.device_states import DeviceStates
from server.resources.presence_states import PresenceStates

if TYPE_CHECKING:
    from server.dialplan.port import Dialplan

_FIELDS = ("value", "subtype", "message")
_EXTENSION_STATES = {
    hints.IDLE: "NOT_INUSE",
    hints.IN_USE: "INUSE",
    hints.BUSY: "BUSY",
    hints.UNAVAILABLE: "UNAVAILABLE",
    hints.RINGING: "RINGING",
    hints.IN_USE | hints.RINGING: "RINGINUSE",
    hints.IN_USE | hints.ON_HOLD: "HOLDINUSE",
    hints.ON_HOLD: "ONHOLD",
}


@function("DEVICE_STATE")
def read_device_state(scope: Scope, data: str) -> str:
    """DEVICE_STATE(device): such as NOT_INUSE."""
    if not data:
        raise InvalidArgument("DEVICE_STATE", "a device is needed")
    return devices_of(scope.dialplan).state(data)


@function_write("DEVICE_STATE")
def write_device_state(scope: Scope, data: str, value: str) -> None:
    """Set the state of a ``Custom:`` device; a word that is no state means UNKNOWN."""
    prefix, _, name = data.partition(":")
    if prefix.lower() != device_states.CUSTOM.lower() or not name:
        raise InvalidArgument("DEVICE_STATE", "only Custom: devices can be set")
    state = value.strip().upper()
    if state not in device_states.PRECEDENCE:
        state = device_states.UNKNOWN
    devices_of(scope.dialplan).set(device_states.CUSTOM, name, state)


@function("HINT")
def read_hint(scope: Scope, data: str) -> str:
    """HINT(extension[@context][,n]): the devices of its hint; n: the hint's name."""
    arguments = split_arguments(data)
    exten, context = _split_place(argument(arguments, 0), "HINT")
    devices, name = scope.dialplan.hints.describe(exten, context)
    return name if "n" in argument(arguments, 1) else devices


@function("EXTENSION_STATE")
def read_extension_state(scope: Scope, data: str) -> str:
    """EXTENSION_STATE(extension[@context]): UNKNOWN if it has no hint."""
    hint = scope.dialplan.hints.get(*_split_place(data, "EXTENSION_STATE"))
    status = -1 if hint is None or hint.status is None else hint.status
    return _EXTENSION_STATES.get(status, "UNKNOWN")


@function("PRESENCE_STATE")
def read_presence_state(scope: Scope, data: str) -> str:
    """PRESENCE_STATE(provider,value|subtype|message[,e]); e: in Base64."""
    arguments = split_arguments(data)
    wanted = argument(arguments, 1)
    if not argument(arguments, 0) or wanted not in _FIELDS:
        raise InvalidArgument("PRESENCE_STATE", "a provider, and value, subtype or message")
    presence = presences_of(scope.dialplan).get(arguments[0])
    if presence is None:
        raise InvalidArgument("PRESENCE_STATE", f"nobody knows {arguments[0]}")
    if wanted == "value":
        return presence.state
    text = presence.subtype if wanted == "subtype" else presence.message
    return base64.b64encode(text.encode()).decode() if "e" in argument(arguments, 2) else text


@function_write("PRESENCE_STATE")
def write_presence_state(scope: Scope, data: str, value: str) -> None:
    """Set ``CustomPresence:name`` to ``state[,subtype[,message[,e]]]``."""
    prefix, _, name = data.partition(":")
    if prefix.lower() != presence_states.CUSTOM.lower():
        raise InvalidArgument("PRESENCE_STATE", "only CustomPresence: can be set")
    presences_of(scope.dialplan).set_custom(name, value)


def _split_place(text: str, function_name: str) -> tuple[str, str]:
    exten, _, context = text.partition("@")
    if not exten:
        raise InvalidArgument(function_name, "an extension is needed")
    return exten, context or "default"


def devices_of(dialplan: Dialplan) -> DeviceStates:
    """Return the device states.

    :raises Unavailable: there are none.
    """
    if dialplan.devices is None:
        raise Unavailable("there are no device states")
    return dialplan.devices


def presences_of(dialplan: Dialplan) -> PresenceStates:
    """Return the presence states.

    :raises Unavailable: there are none.
    """
    if dialplan.presences is None:
        raise Unavailable("there are no presence states")
    return dialplan.presences
