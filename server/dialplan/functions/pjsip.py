"""Functions on a SIP call's headers, media and dialog."""

from __future__ import annotations

from server.base.errors import InvalidArgument, InvalidState
from server.config.types import FALSE_WORDS, TRUE_WORDS
from server.dialplan.arguments import argument, split_arguments
from server.dialplan.numbers import parse_integer
from server.dialplan.registry import function, function_write
from server.dialplan.scope import Scope
from server.sip.header_list import HeaderList, check_header
from server.sip.headers import NameAddr
from server.sip.leg import OutgoingLeg, SipLeg
from server.sip.leg_control import refresh, response_headers
from server.sip.offer_answer import CODECS

DTMF_MODES = ("rfc4733", "inband", "info", "auto", "auto_info")
INHERITED = "SIPADDHEADER-inherited-"  # variables that new calls add headers by, see extra_headers
MAX_INHERITED = 50


def sip_leg(scope: Scope) -> SipLeg:
    """Return the SIP call of the channel.

    :raises InvalidArgument: it is of another technology.
    """
    leg = scope.channel.leg
    if not isinstance(leg, SipLeg):
        raise InvalidArgument("channel", f"{scope.channel.name} is not a PJSIP channel")
    return leg


def _read_header(headers: HeaderList, arguments: list[str]) -> str:
    name = argument(arguments, 1).strip()
    if argument(arguments, 0).strip().lower() != "read" or not name:
        raise InvalidArgument("action", "expected read and the name of a header")
    value = headers.read(name, parse_integer(argument(arguments, 2), 1))
    return value or ""


@function("PJSIP_HEADER")
def read_header(scope: Scope, data: str) -> str:
    """PJSIP_HEADER(read,name,number): of the INVITE; a name may end in ``*``."""
    return _read_header(sip_leg(scope).headers, split_arguments(data))


@function_write("PJSIP_HEADER")
def write_header(scope: Scope, data: str, value: str) -> None:
    """PJSIP_HEADER(add|update|remove,name,number)=value: of the INVITE that is to be sent.

    Used in a subroutine of Dial()'s option ``b``. What is read of a call that came in changes too.
    """
    arguments = split_arguments(data)
    action, name = argument(arguments, 0).strip().lower(), argument(arguments, 1).strip()
    headers = sip_leg(scope).headers
    match action:
        case "add":
            headers.add(name, value)
        case "update":
            headers.update(name, value, parse_integer(argument(arguments, 2), 1))
        case "remove":
            headers.remove(name)
        case _:
            raise InvalidArgument("action", f"{action!r} is none of add, update, remove")


@function("PJSIP_HEADERS")
def read_headers(scope: Scope, data: str) -> str:
    """PJSIP_HEADERS(prefix): the names of the INVITE's headers that begin so, with commas."""
    return ",".join(sip_leg(scope).headers.names(data.strip()))


@function("PJSIP_RESPONSE_HEADER")
def read_response_header(scope: Scope, data: str) -> str:
    """PJSIP_RESPONSE_HEADER(read,name,number): of the last response to our INVITE."""
    return _read_header(response_headers(sip_leg(scope)), split_arguments(data))


@function("PJSIP_RESPONSE_HEADERS")
def read_response_headers(scope: Scope, data: str) -> str:
    """PJSIP_RESPONSE_HEADERS(prefix): the names of its headers that begin so, with commas."""
    return ",".join(response_headers(sip_leg(scope)).names(data.strip()))


@function_write("PJSIP_INHERITABLE_HEADER")
def write_inheritable(scope: Scope, data: str, value: str) -> None:
    """PJSIP_INHERITABLE_HEADER(add|update|remove,name,number)=value: for calls made from here on.

    Each call that this one makes carries the header, and so do those that they make.
    """
    arguments = split_arguments(data)
    action, name = argument(arguments, 0).strip().lower(), argument(arguments, 1).strip()
    variables = scope.channel.variables
    mine = [each for each, text in variables.items() if _is_inherited(each, text, name)]
    number = parse_integer(argument(arguments, 2), 1)
    check_header(name, value)
    match action:
        case "add":
            free = (f"{INHERITED}{at}" for at in range(MAX_INHERITED))
            key = next((key for key in free if key not in variables), None)
            if key is None:
                raise InvalidArgument("name", f"more than {MAX_INHERITED} headers")
            variables.set(f"__{key}", f"{name}: {value}")
        case "update" if 1 <= number <= len(mine):
            variables.set(f"__{mine[number - 1]}", f"{name}: {value}")
        case "update":
            raise InvalidArgument("name", f"there is no header {name} to update")
        case "remove":
            for key in mine:
                variables.remove(key)
        case _:
            raise InvalidArgument("action", f"{action!r} is none of add, update, remove")


def _is_inherited(variable: str, text: str, name: str) -> bool:
    return variable.startswith(INHERITED) and text.partition(":")[0].lower() == name.lower()


def _from_arguments(data: str) -> tuple[str, str]:
    arguments = split_arguments(data)
    header, kind, name = (argument(arguments, at).strip() for at in range(3))
    if header.lower() != "from":
        raise InvalidArgument("header_name", "only From can be used")
    if kind.lower() not in ("header", "uri") or not name:
        raise InvalidArgument("parameter_type", "expected header or uri, and a name")
    return kind.lower(), name


@function("PJSIP_HEADER_PARAM")
def read_param(scope: Scope, data: str) -> str:
    """PJSIP_HEADER_PARAM(From,header|uri,name): a parameter of who calls."""
    kind, name = _from_arguments(data)
    leg = sip_leg(scope)
    if isinstance(leg, OutgoingLeg):
        return leg.from_params.get((kind, name), "")
    address = NameAddr.parse(leg.headers.read("From") or "")
    params = address.uri.params if kind == "uri" else address.params
    return params.get(name.lower()) or ""


@function_write("PJSIP_HEADER_PARAM")
def write_param(scope: Scope, data: str, value: str) -> None:
    """Set a parameter of From, in a subroutine of Dial()'s option ``b``."""
    kind, name = _from_arguments(data)
    leg = sip_leg(scope)
    if not isinstance(leg, OutgoingLeg):
        raise InvalidArgument("channel", "only a call that is to be made can have one")
    leg.set_from_param(kind, name, value)


@function("PJSIP_DTMF_MODE")
def read_dtmf_mode(scope: Scope, data: str) -> str:
    """PJSIP_DTMF_MODE(): how digits are sent."""
    return sip_leg(scope).dtmf_mode


@function_write("PJSIP_DTMF_MODE")
def write_dtmf_mode(scope: Scope, data: str, value: str) -> None:
    """PJSIP_DTMF_MODE()=rfc4733, inband, info, auto or auto_info."""
    mode = value.strip().lower()
    if mode not in DTMF_MODES:
        raise InvalidArgument("dtmf_mode", f"{value!r} is none of {', '.join(DTMF_MODES)}")
    sip_leg(scope).dtmf_mode = mode


@function("PJSIP_MEDIA_OFFER")
def read_media_offer(scope: Scope, data: str) -> str:
    """PJSIP_MEDIA_OFFER(audio): the codecs that are offered, with commas."""
    return ",".join(sip_leg(scope).codecs) if _is_audio(data) else ""


@function_write("PJSIP_MEDIA_OFFER")
def write_media_offer(scope: Scope, data: str, value: str) -> None:
    """PJSIP_MEDIA_OFFER(audio)=codecs: for the next offer; ``!all`` and ``!name`` take away."""
    if not _is_audio(data):
        return
    leg = sip_leg(scope)
    codecs = list(leg.codecs)
    for word in value.replace("|", ",").split(","):
        name = word.strip().lower()
        if name in ("!all", "all"):
            codecs = [] if name[0] == "!" else list(CODECS)
        elif name.startswith("!"):
            codecs = [each for each in codecs if each != name[1:]]
        elif name not in CODECS:
            raise InvalidArgument("media", f"unknown codec {name[:40]!r}")
        elif name not in codecs:
            codecs.append(name)
    if not codecs:
        raise InvalidArgument("media", "no codec is left")
    leg.codecs = codecs


def _is_audio(data: str) -> bool:
    media = data.strip().lower()
    if media not in ("audio", "video"):
        raise InvalidArgument("media", f"{data!r} is neither audio nor video")
    return media == "audio"


@function("PJSIP_MOH_PASSTHROUGH")
def read_moh_passthrough(scope: Scope, data: str) -> str:
    """PJSIP_MOH_PASSTHROUGH(): whether hold is passed to the phone instead of music."""
    return "yes" if scope.channel.passes_hold else "no"


@function_write("PJSIP_MOH_PASSTHROUGH")
def write_moh_passthrough(scope: Scope, data: str, value: str) -> None:
    """PJSIP_MOH_PASSTHROUGH()=yes or no."""
    sip_leg(scope)
    word = value.strip().lower()
    if word not in TRUE_WORDS | FALSE_WORDS:
        raise InvalidArgument("value", f"{value!r} is neither yes nor no")
    scope.channel.passes_hold = word in TRUE_WORDS


@function_write("PJSIP_SEND_SESSION_REFRESH")
def write_session_refresh(scope: Scope, data: str, value: str) -> None:
    """PJSIP_SEND_SESSION_REFRESH()=invite or update: offer anew, or refresh the session."""
    method = (value or data or "invite").strip().lower()
    if method not in ("invite", "update"):
        raise InvalidArgument("update_type", f"{method!r} is neither invite nor update")
    leg = sip_leg(scope)
    if scope.channel.state != "Up":
        raise InvalidState("the call is not up")
    refresh(leg, method)
