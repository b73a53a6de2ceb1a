"""Which endpoint sends a request: by address, by user name, by digest user, or anonymous."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Iterable, Iterator, Mapping

from server.sip.message import Request
from server.sip.settings import Endpoint, Network, SipSettings
from server.sip.transaction import Flow

_find_username = re.compile(r'\busername\s*=\s*"((?:[^"\\]|\\.){0,255})"', re.IGNORECASE).search


class EndpointIdentifier:
    """Finds endpoints, in the order of pjsip.conf ``endpoint_identifier_order``."""

    def __init__(self, settings: SipSettings) -> None:
        self._settings = settings
        self._endpoints = settings.endpoints
        self._hosts: dict[str, Endpoint] = {}  # by address
        self._networks: list[tuple[Network, Endpoint]] = []  # the narrowest first
        self._names: dict[str, list[Endpoint]] = {}  # by host name, until that is resolved
        self._learn(settings)
        methods: dict[str, Callable[[Request, Flow], Endpoint | None]] = {
            "ip": self._by_address,
            "username": self._by_user_name,
            "auth_username": self._by_digest_user,
            "anonymous": self._anonymous,
        }
        self._order = [methods[name] for name in _complete_order(settings) if name in methods]

    def identify(self, request: Request, flow: Flow) -> Endpoint | None:
        """Return the endpoint that sends *request*, ``None`` if it is a stranger.

        :raises RemoteProtocolError: a header that says who sends it is malformed.
        """
        for method in self._order:
            endpoint = method(request, flow)
            if endpoint is not None:
                return endpoint
        return None

    def names_of(self, user: str, host: str) -> tuple[str, ...]:
        """Return under which names the endpoint of a user may be found."""
        return self._settings.names_of(user, host)

    @property
    def host_names(self) -> Iterable[str]:
        """The names in ``match`` options; :meth:`set_addresses` gives them meaning."""
        return list(self._names)

    def set_addresses(self, name: str, addresses: Iterable[str]) -> None:
        """Say what addresses a host name has."""
        for endpoint in self._names.get(name, ()):
            for address in addresses:
                self._hosts.setdefault(address, endpoint)

    def _learn(self, settings: SipSettings) -> None:
        for identify in settings.identifies:
            endpoint = settings.endpoints.get(identify.endpoint)
            if endpoint is None:  # made at run time; the endpoint may follow
                continue
            if "ip" not in endpoint.identify_by:
                continue
            for network in identify.networks:
                if network.num_addresses == 1:
                    self._hosts.setdefault(str(network.network_address), endpoint)
                else:
                    self._networks.append((network, endpoint))
            for name in identify.hosts:
                self._names.setdefault(name, []).append(endpoint)
        self._networks.sort(key=lambda entry: entry[0].prefixlen, reverse=True)

    def _by_address(self, request: Request, flow: Flow) -> Endpoint | None:
        host = flow.remote[0]
        endpoint = self._hosts.get(host)
        if endpoint is not None or not self._networks:
            return endpoint
        address = ipaddress.ip_address(host.partition("%")[0])
        for network, endpoint in self._networks:
            if address.version == network.version and address in network:
                return endpoint
        return None

    def _by_user_name(self, request: Request, flow: Flow) -> Endpoint | None:
        uri = request.from_.uri
        return self._named(uri.user, uri.host, "username")

    def _by_digest_user(self, request: Request, flow: Flow) -> Endpoint | None:
        for user in _digest_users(request):
            endpoint = self._named(user, request.from_.uri.host, "auth_username")
            if endpoint is not None:
                return endpoint
        return None

    def _anonymous(self, request: Request, flow: Flow) -> Endpoint | None:
        host = request.from_.uri.host
        return self._endpoints.get(f"anonymous@{host}") or self._endpoints.get("anonymous")

    def _named(self, user: str, host: str, method: str) -> Endpoint | None:
        endpoints: Mapping[str, Endpoint] = self._endpoints
        names = self._settings.names_of(user, host)
        endpoint = next((endpoints[name] for name in names if name in endpoints), None)
        if endpoint is None or method not in endpoint.identify_by:
            return None
        return endpoint


def digest_user(request: Request) -> str | None:
    """Return the user name of the first credentials, ``None`` if there are none."""
    return next(_digest_users(request), None)


def _digest_users(request: Request) -> Iterator[str]:
    for header in ("Authorization", "Proxy-Authorization"):
        for value in request.headers.get_all(header):
            if (found := _find_username(value)) is not None:
                yield found[1]


def _complete_order(settings: SipSettings) -> list[str]:
    """The configured order; ``auth_username`` comes before ``anonymous`` when it is used at all."""
    order = [name.lower() for name in settings.global_.endpoint_identifier_order]
    is_used = any("auth_username" in e.identify_by for e in settings.endpoints.values())
    if is_used and "auth_username" not in order:
        where = order.index("anonymous") if "anonymous" in order else len(order)
        order.insert(where, "auth_username")
    return order
