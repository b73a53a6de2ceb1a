"""Functions on what is configured for SIP, and on its addresses."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from server.base.errors import InvalidArgument, NotFound, ProtocolError, Unavailable
from server.dialplan.arguments import argument, split_arguments
from server.dialplan.registry import function
from server.dialplan.scope import Scope
from server.sip.contacts import Contact
from server.sip.headers import NameAddr
from server.sip.sorcery import CONFIG_CLASS, contact_name
from server.sip.technology import PjsipTechnology
from server.sip.text import TECHNOLOGY

if TYPE_CHECKING:
    from collections.abc import Sequence

_PARAMS = ("user", "method", "transport", "ttl", "lr", "maddr")  # … with _param behind


def technology_of(scope: Scope) -> PjsipTechnology:
    """Return PJSIP.

    :raises Unavailable: it is not there.
    """
    technology = scope.dialplan.dialer.technology(TECHNOLOGY)
    if not isinstance(technology, PjsipTechnology):
        raise Unavailable("there is no SIP")
    return technology


@function("PJSIP_ENDPOINT")
def read_endpoint(scope: Scope, data: str) -> str:
    """PJSIP_ENDPOINT(name,option): how an endpoint is configured."""
    return _read(scope, "endpoint", data)


@function("PJSIP_AOR")
def read_aor(scope: Scope, data: str) -> str:
    """PJSIP_AOR(name,option): how an aor is configured; ``contact`` lists its contacts."""
    name, field = _name_and_field("PJSIP_AOR", data)
    if field != "contact":
        return _read(scope, "aor", data)
    return ",".join(contact_name(each) for each in _contacts(scope) if each.aor == name)


@function("PJSIP_CONTACT")
def read_contact(scope: Scope, data: str) -> str:
    """PJSIP_CONTACT(name,option): of a contact as PJSIP_AOR() lists it; also rtt and status."""
    name, field = _name_and_field("PJSIP_CONTACT", data)
    if field not in ("rtt", "status"):
        return _read(scope, "contact", data)
    for contact in _contacts(scope):
        if contact_name(contact) == name:
            return contact.status if field == "status" else str(contact.roundtrip_usec or "")
    raise NotFound(f"there is no contact {name!r}")


def _contacts(scope: Scope) -> Sequence[Contact]:
    return technology_of(scope).contacts()


def _name_and_field(function_name: str, data: str) -> tuple[str, str]:
    arguments = split_arguments(data)
    name, field = argument(arguments, 0).strip(), argument(arguments, 1).strip()
    if not name or not field:
        raise InvalidArgument(function_name, "expected a name and an option")
    return name, field.lower()


def _read(scope: Scope, kind: str, data: str) -> str:
    name, field = _name_and_field(f"PJSIP_{kind.upper()}", data)
    config = scope.dialplan.dynamic_config
    if config is None:
        raise Unavailable("there is no SIP")
    if field == "type":
        config.get(CONFIG_CLASS, kind, name)
        return kind
    found = [each for each in config.get(CONFIG_CLASS, kind, name) if each.attribute == field]
    if not found:
        raise InvalidArgument("field", f"{kind} has no option {field!r}")
    return ",".join(each.value for each in found)


@function("PJSIP_DIAL_CONTACTS")
def dial_contacts(scope: Scope, data: str) -> str:
    """PJSIP_DIAL_CONTACTS(endpoint,aor,user): a dial string for all its contacts, or empty.

    With a user it takes the place of the contacts' user part.
    """
    arguments = split_arguments(data)
    name, aor, user = (argument(arguments, at).strip() for at in range(3))
    technology = technology_of(scope)
    endpoint = technology.settings.endpoints.get(name)
    if endpoint is None:
        raise NotFound(f"there is no endpoint {name!r}")
    aors = [each for each in endpoint.aors if aor in ("", each)]
    uris = [c.uri for each in aors for c in technology.contacts() if c.aor == each]
    return "&".join(
        f"{TECHNOLOGY}/{name}/{replace(uri, user=user) if user else uri}" for uri in uris
    )


@function("PJSIP_PARSE_URI")
def parse_uri(scope: Scope, data: str) -> str:
    """PJSIP_PARSE_URI(uri,part): a part of an address, such as user, host or port."""
    uri, comma, part = data.rpartition(",")
    if not comma:
        raise InvalidArgument("PJSIP_PARSE_URI", "expected an address and a part")
    return part_of(uri.strip().strip('"') if "<" not in uri else uri.strip(), part.strip())


@function("PJSIP_PARSE_URI_FROM")
def parse_uri_from(scope: Scope, data: str) -> str:
    """PJSIP_PARSE_URI_FROM(variable,part): the same of an address that a variable holds."""
    arguments = split_arguments(data)
    return part_of(scope.get(argument(arguments, 0).strip()) or "", argument(arguments, 1).strip())


def part_of(text: str, part: str) -> str:
    """Return a part of an address.

    :raises InvalidArgument: it is no address, or has no such part.
    """
    try:
        address = NameAddr.parse(text)
    except ProtocolError as error:
        raise InvalidArgument("uri", str(error)) from None
    uri, name = address.uri, part.lower()
    parts = {
        "display": address.display_name,
        "scheme": uri.scheme,
        "user": uri.user,
        "passwd": uri.password or "",
        "host": uri.host,
        "port": "" if uri.port is None else str(uri.port),
    }
    for each in _PARAMS:
        params = address.params if "<" not in text and each in address.params else uri.params
        parts[f"{each}_param"] = params.get(each) or ""
    if "lr" in uri.params:
        parts["lr_param"] = uri.params["lr"] or "1"
    if name not in parts:
        raise InvalidArgument("type", f"{part!r} is none of {', '.join(parts)}")
    return parts[name]
