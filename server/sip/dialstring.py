"""What follows ``PJSIP/`` in a dial string."""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

from server.base.errors import InvalidArgument, NotFound, RemoteProtocolError
from server.sip.contacts import Contacts
from server.sip.settings import Endpoint, SipSettings
from server.sip.uri import Uri

MAX_LENGTH = 1024


class Target(NamedTuple):
    """Whom to call, and where."""

    endpoint: Endpoint
    uri: Uri


def find_target(resource: str, settings: SipSettings, contacts: Contacts) -> Target:
    """Read ``alice``, ``alice/aor``, ``alice/sip:uri``, ``number@trunk`` or ``sip:uri``.

    :raises InvalidArgument: it is none of these.
    :raises NotFound: no such endpoint, or it has no contact.
    """
    if not resource or len(resource) > MAX_LENGTH or not resource.isprintable():
        raise InvalidArgument("endpoint", f"expected PJSIP/endpoint, not {resource[:60]!r}")
    if resource.startswith(("sip:", "sips:")):
        return Target(_default(settings), _uri(resource))
    name, slash, where = resource.partition("/")
    if slash and where.startswith(("sip:", "sips:")):
        return Target(_endpoint(name, settings), _uri(where))
    user, at, trunk = name.rpartition("@")
    if at and name not in settings.endpoints:
        endpoint = _endpoint(trunk, settings)
        uri = _contact_uri(endpoint, endpoint.aors, contacts)
        return Target(endpoint, _with_user(uri, user))
    endpoint = _endpoint(name, settings)
    if slash and where not in endpoint.aors:
        raise NotFound(f"endpoint {name} has no aor {where}")
    return Target(endpoint, _contact_uri(endpoint, (where,) if slash else endpoint.aors, contacts))


def endpoint_names(resource: str) -> list[str]:
    """Return the endpoints that a dial string could mean; see :func:`find_target`."""
    name = resource.partition("/")[0]
    if len(resource) > MAX_LENGTH or name.startswith(("sip:", "sips:")):
        return []
    trunk = name.rpartition("@")[2]
    return [each for each in dict.fromkeys((name, trunk)) if each]


def find_destination(text: str, settings: SipSettings, contacts: Contacts) -> Target:
    """Read where a MESSAGE or REFER outside of calls goes.

    ``alice``, ``alice/aor``, ``alice@any.domain``; with a URI of its own ``alice/sip:uri``,
    ``alice/user@host``, ``alice/host``; by the default outbound endpoint ``sip:uri`` or
    ``user@host``. A URI may stand in ``"Name" <…>``.

    :raises InvalidArgument: it is none of these.
    :raises NotFound: no such endpoint, or it has no contact.
    """
    if not text or len(text) > MAX_LENGTH or not text.isprintable():
        raise InvalidArgument("to", f"expected pjsip:endpoint, not {text[:60]!r}")
    name, slash, where = text.partition("/")
    endpoint = settings.endpoints.get(name)
    if endpoint is not None and slash and where not in endpoint.aors:
        return Target(endpoint, read_address(where))
    if "<" in text or text.startswith(("sip:", "sips:")):
        return Target(_default(settings), read_address(text))
    if slash or endpoint is not None:
        return find_target(text, settings, contacts)
    user, at, _domain = text.partition("@")
    if user in settings.endpoints:
        return find_target(user, settings, contacts)
    if not at:
        raise NotFound(f"no endpoint PJSIP/{text}")
    return Target(_default(settings), read_address(text))


def as_phone(uri: Uri) -> Uri:
    """Mark a URI as a telephone number if its user part looks like one (``user_eq_phone``)."""
    is_number = bool(uri.user) and all(c in "+0123456789*#" for c in uri.user)
    if not is_number or "user" in uri.params:
        return uri
    return replace(uri, params={**uri.params, "user": "phone"})


def _default(settings: SipSettings) -> Endpoint:
    return _endpoint(settings.global_.default_outbound_endpoint, settings)


def read_address(text: str, field: str = "to") -> Uri:
    """Read a URI, ``user@host`` or ``host``, in brackets or not.

    :raises InvalidArgument: it is none; names *field*.
    """
    left, right = text.find("<"), text.rfind(">")
    if 0 <= left < right:
        text = text[left + 1 : right]
    return _uri(text if text.startswith(("sip:", "sips:")) else f"sip:{text}", field)


def _endpoint(name: str, settings: SipSettings) -> Endpoint:
    endpoint = settings.endpoints.get(name)
    if endpoint is None:
        raise NotFound(f"no endpoint PJSIP/{name}")
    return endpoint


def _contact_uri(endpoint: Endpoint, aors: tuple[str, ...], contacts: Contacts) -> Uri:
    contact = contacts.best(aors)
    if contact is None:
        raise NotFound(f"endpoint PJSIP/{endpoint.name} has no contact")
    return contact.uri


def _with_user(uri: Uri, user: str) -> Uri:
    return replace(uri, user=user)


def _uri(text: str, field: str = "endpoint") -> Uri:
    try:
        return Uri.parse(text)
    except RemoteProtocolError as error:
        raise InvalidArgument(field, f"{error}: {text[:60]!r}") from None
