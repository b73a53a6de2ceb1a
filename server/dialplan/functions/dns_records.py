"""Functions that ask the DNS: ENUM (RFC 6116), service records, names of callers."""

from __future__ import annotations

import asyncio
import itertools
import random
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from weakref import WeakKeyDictionary

import dns.asyncresolver
import dns.exception
import dns.name
import dns.resolver

from server.base.errors import InvalidArgument, Unavailable
from server.dialplan.arguments import argument, split_arguments
from server.dialplan.enum_numbers import ENUM_SUFFIX, Naptr, enum_domain, normalize_number, select
from server.dialplan.numbers import parse_integer
from server.dialplan.port import Dialplan
from server.dialplan.registry import function
from server.dialplan.scope import Scope
from server.resources.channel import Channel

TIMEOUT = 10.0  # seconds for one question with its repetitions
MAX_KEPT = 64  # results that a channel keeps; the oldest go


@dataclass(frozen=True, slots=True)
class Service:
    """One SRV record."""

    priority: int
    weight: int
    port: int
    host: str


Answers = Sequence[str] | Sequence[Service]


class Dns:
    """Asks the DNS.

    :ivar resolver: the machine's own unless another is put here.
    """

    def __init__(self, _dialplan: Dialplan) -> None:
        self.resolver: dns.asyncresolver.Resolver | None = None
        self._kept: WeakKeyDictionary[Channel, OrderedDict[str, Answers]] = WeakKeyDictionary()
        self._ids = itertools.count(1)

    async def ask(self, name: str, record_type: str) -> list[Any]:
        """Return the records of a name; none if it does not exist.

        :raises InvalidArgument: it is no name.
        :raises Unavailable: no server answers.
        """
        if self.resolver is None:
            self.resolver = await asyncio.to_thread(dns.asyncresolver.Resolver)
        try:
            return list(await self.resolver.resolve(name, record_type, lifetime=TIMEOUT))
        except (dns.resolver.NXDOMAIN, dns.resolver.NoAnswer):
            return []
        except (dns.name.LabelTooLong, dns.name.EmptyLabel, dns.name.NameTooLong) as error:
            raise InvalidArgument("name", f"{name!r}: {error}") from None
        except (dns.exception.DNSException, OSError) as error:
            raise Unavailable(f"{name}: {error}") from None

    async def services(self, name: str) -> list[Service]:
        """Return the services of ``_sip._udp.example.com``, in the order to try them.

        :raises InvalidArgument: it is no name.
        :raises Unavailable: no server answers.
        """
        return _in_order(
            [
                Service(record.priority, record.weight, record.port, record.target.to_text(True))
                for record in await self.ask(name, "SRV")
            ]
        )

    def keep(self, channel: Channel, answers: Answers) -> str:
        """Keep answers with a channel and return the id to read them by."""
        kept = self._kept.setdefault(channel, OrderedDict())
        if len(kept) >= MAX_KEPT:
            kept.popitem(last=False)
        key = str(next(self._ids))
        kept[key] = answers
        return key

    def kept(self, channel: Channel, key: str) -> Answers:
        """Return kept answers.

        :raises InvalidArgument: there are none of this id.
        """
        kept = self._kept.get(channel)
        found = None if kept is None else kept.get(key.strip())
        if found is None:
            raise InvalidArgument("id", f"{key!r} is not known here")
        return found


async def _naptrs(scope: Scope, number: str, options: str, suffix: str) -> list[Naptr]:
    domain = enum_domain(number, options, suffix)
    records = await scope.dialplan.part(Dns).ask(domain, "NAPTR")
    return [
        Naptr(
            record.order,
            record.preference,
            record.flags.decode("latin-1"),
            record.service.decode("latin-1"),
            record.regexp.decode("utf-8", "replace"),
        )
        for record in records
    ]


@function("ENUMLOOKUP")
async def enum_lookup(scope: Scope, data: str) -> str:
    """ENUMLOOKUP(number,method,options,record,zone): what a telephone number is reached by.

    Options: ``c`` how many records there are, ``u`` the whole URI with its scheme, ``s`` an ISN
    such as ``1234*256``, ``i`` infrastructure ENUM, ``d`` the number is the name to ask for.
    """
    arguments = split_arguments(data, 5)
    number, method = argument(arguments, 0), argument(arguments, 1, "pjsip")
    options, suffix = argument(arguments, 2), argument(arguments, 4, ENUM_SUFFIX)
    if not number:
        raise InvalidArgument("number", "a number is needed")
    records = await _naptrs(scope, number, options, suffix)
    uris = select(records, normalize_number(number), method)
    if "c" in options:
        return str(len(uris))
    wanted = parse_integer(argument(arguments, 3), 1)
    if not 1 <= wanted <= len(uris):
        return ""
    keeps_scheme = "u" in options or method.upper() == "ALL"
    return uris[wanted - 1] if keeps_scheme else _without_scheme(uris[wanted - 1])


def _without_scheme(uri: str) -> str:
    _scheme, colon, rest = uri.partition(":")
    return rest if colon else uri


@function("ENUMQUERY")
async def enum_query(scope: Scope, data: str) -> str:
    """ENUMQUERY(number,method,zone): ask once; the id is for ENUMRESULT()."""
    arguments = split_arguments(data, 3)
    number, method = argument(arguments, 0), argument(arguments, 1, "pjsip")
    if not number:
        raise InvalidArgument("number", "a number is needed")
    records = await _naptrs(scope, number, "", argument(arguments, 2, ENUM_SUFFIX))
    uris = select(records, normalize_number(number), method)
    if method.upper() != "ALL":
        uris = [_without_scheme(uri) for uri in uris]
    return scope.dialplan.part(Dns).keep(scope.channel, uris)


@function("ENUMRESULT")
def enum_result(scope: Scope, data: str) -> str:
    """ENUMRESULT(id,number): one of the results, from 1, or ``getnum`` for how many there are."""
    return str(_result(scope, "ENUMRESULT", split_arguments(data, 2)))


def _result(scope: Scope, name: str, arguments: list[str]) -> str | Service | int:
    if len(arguments) < 2:
        raise InvalidArgument(name, "expected an id and a number")
    found = scope.dialplan.part(Dns).kept(scope.channel, arguments[0])
    if arguments[1].strip().lower() == "getnum":
        return len(found)
    wanted = parse_integer(arguments[1])
    if not 1 <= wanted <= len(found):
        raise InvalidArgument("resultnum", f"there are {len(found)} results")
    return found[wanted - 1]


@function("TXTCIDNAME")
async def caller_name(scope: Scope, data: str) -> str:
    """TXTCIDNAME(number,zone): the caller's name as the DNS has it."""
    arguments = split_arguments(data, 2)
    if not argument(arguments, 0):
        raise InvalidArgument("number", "a number is needed")
    domain = enum_domain(arguments[0], "", argument(arguments, 1, ENUM_SUFFIX))
    records = await scope.dialplan.part(Dns).ask(domain, "TXT")
    if not records:
        return ""
    return b"".join(records[0].strings).decode("utf-8", "replace").replace("\0", "")


@function("SRVQUERY")
async def service_query(scope: Scope, data: str) -> str:
    """SRVQUERY(service): ask for ``_sip._udp.example.com``; the id is for SRVRESULT()."""
    if not data.strip():
        raise InvalidArgument("service", "the name of a service is needed")
    part = scope.dialplan.part(Dns)
    return part.keep(scope.channel, await part.services(data.strip()))


def _in_order(services: list[Service]) -> list[Service]:
    """Sort by priority, and by chance in proportion to the weights (RFC 2782)."""
    ordered: list[Service] = []
    for priority in sorted({service.priority for service in services}):
        left = [service for service in services if service.priority == priority]
        while left:
            chosen = random.choices(left, [service.weight or 0.01 for service in left])[0]
            left.remove(chosen)
            ordered.append(chosen)
    return ordered


@function("SRVRESULT")
def service_result(scope: Scope, data: str) -> str:
    """SRVRESULT(id,number,field): host, port, priority or weight of a result; host by default."""
    arguments = split_arguments(data, 3)
    found = _result(scope, "SRVRESULT", arguments)
    if not isinstance(found, Service):
        return str(found)
    field = argument(arguments, 2, "host").strip().lower()
    values = {
        "host": found.host, "port": found.port,
        "priority": found.priority, "weight": found.weight,
    }  # fmt: skip
    if field not in values:
        raise InvalidArgument("field", f"{field!r} is none of {', '.join(values)}")
    return str(values[field])
