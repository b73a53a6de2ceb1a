"""ENUM, SRV and TXT look-ups with a real resolver and a DNS server of the test."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import cast

import dns.asyncresolver
import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdatatype
import dns.rrset
import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.base import suspension
from server.base.errors import InvalidArgument, Unavailable
from server.dialplan.enum_numbers import Naptr, enum_domain, select, substitute
from server.dialplan.functions.dns_records import Dns, Service, _in_order
from server.dialplan.scope import Scope
from server.resources.channel import Channel
from tests.support.dialplan import DialplanUnderTest

ZONE = {
    ("4.3.2.1.9.4.e164.arpa.", "NAPTR"): [
        '20 10 "u" "E2U+sip" "!^\\\\+49(.*)$!sip:\\\\1@second.example!" .',
        '10 20 "u" "E2U+sip" "!^.*$!sip:first@example.org!" .',
        '10 10 "u" "E2U+tel" "!^.*$!tel:+123!" .',
        '10 30 "s" "SIP+D2U" "" _sip._udp.example.org.',
    ],
    ("4.3.2.1.9.4.e164.arpa.", "TXT"): ['"Ms. " "Example"'],
    ("3.2.1.256.freenum.org.", "NAPTR"): ['1 1 "u" "E2U+sip" "!^.*$!sip:isn@example.org!" .'],
    ("_sip._udp.example.org.", "SRV"): [
        "20 0 5070 backup.example.org.",
        "10 5 5060 main.example.org.",
    ],
}


class _Responder(asyncio.DatagramProtocol):
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.DatagramTransport, transport)

    def datagram_received(self, data: bytes, address: tuple[str, int]) -> None:
        query = dns.message.from_wire(data)
        question = query.question[0]
        name, kind = question.name.to_text(), dns.rdatatype.to_text(question.rdtype)
        answer = dns.message.make_response(query)
        answer.flags |= dns.flags.RA
        records = ZONE.get((name, kind))
        if "broken" in name:
            answer.set_rcode(dns.rcode.REFUSED)
        elif records is None:
            answer.set_rcode(dns.rcode.NXDOMAIN)
        else:
            answer.answer.append(dns.rrset.from_text_list(name, 60, "IN", kind, records))
        self.transport.sendto(answer.to_wire(), address)


@pytest.fixture
async def channel(dut: DialplanUnderTest) -> AsyncIterator[Channel]:
    loop = asyncio.get_running_loop()
    transport, _ = await loop.create_datagram_endpoint(_Responder, ("127.0.0.1", 0))
    resolver = dns.asyncresolver.Resolver(configure=False)
    resolver.nameservers = ["127.0.0.1"]
    resolver.port = transport.get_extra_info("sockname")[1]
    dut.dialplan.part(Dns).resolver = resolver
    yield await dut.run("WaitDigit()")
    transport.close()


async def value(dut: DialplanUnderTest, channel: Channel, text: str) -> str:
    return await suspension.call(Scope(dut.dialplan, channel).substitute, f"${{{text}}}")


@pytest.mark.parametrize(
    ("text", "result"),
    [
        ("ENUMLOOKUP(+491234)", "first@example.org"),
        ("ENUMLOOKUP(+491234,sip)", "first@example.org"),
        ("ENUMLOOKUP(+49 (12) 34,sip,u)", "sip:first@example.org"),
        ("ENUMLOOKUP(+491234,sip,,2)", "1234@second.example"),
        ("ENUMLOOKUP(+491234,sip,,3)", ""),
        ("ENUMLOOKUP(+491234,sip,c)", "2"),
        ("ENUMLOOKUP(+491234,ALL,c)", "3"),
        ("ENUMLOOKUP(+491234,ALL,,1)", "tel:+123"),
        ("ENUMLOOKUP(+491234,tel)", "+123"),
        ("ENUMLOOKUP(+491234,iax2,c)", "0"),
        ("ENUMLOOKUP(+999,sip)", ""),
        ("ENUMLOOKUP(+999,sip,c)", "0"),
        ("ENUMLOOKUP(123*256,sip,s,,freenum.org)", "isn@example.org"),
        ("ENUMLOOKUP(4.3.2.1.9.4,sip,d,1)", "first@example.org"),
        ("TXTCIDNAME(+491234)", "Ms. Example"),
        ("TXTCIDNAME(999)", ""),
        ("ENUMLOOKUP()", ""),
        ("ENUMLOOKUP(none)", ""),
        ("TXTCIDNAME()", ""),
        ("SRVQUERY()", ""),
        ("ENUMRESULT(1,1)", ""),
        ("SRVRESULT(1)", ""),
    ],
)
async def test_a_look_up(dut: DialplanUnderTest, channel: Channel, text: str, result: str) -> None:
    assert await value(dut, channel, text) == result


async def test_an_enum_query_is_read_piece_by_piece(
    dut: DialplanUnderTest, channel: Channel
) -> None:
    key = await value(dut, channel, "ENUMQUERY(+491234,sip)")
    assert await value(dut, channel, f"ENUMRESULT({key},getnum)") == "2"
    assert await value(dut, channel, f"ENUMRESULT({key},1)") == "first@example.org"
    assert await value(dut, channel, f"ENUMRESULT({key},2)") == "1234@second.example"
    assert await value(dut, channel, f"ENUMRESULT({key},3)") == ""
    every = await value(dut, channel, "ENUMQUERY(+491234,ALL)")
    assert await value(dut, channel, f"ENUMRESULT({every},1)") == "tel:+123"


async def test_a_service_is_read_piece_by_piece(dut: DialplanUnderTest, channel: Channel) -> None:
    key = await value(dut, channel, "SRVQUERY(_sip._udp.example.org)")
    for text, result in [
        ("getnum", "2"), ("1", "main.example.org"), ("1,port", "5060"), ("1,priority", "10"),
        ("1,weight", "5"), ("2,host", "backup.example.org"), ("3", ""), ("0", ""), ("1,x", ""),
    ]:  # fmt: skip
        assert await value(dut, channel, f"SRVRESULT({key},{text})") == result, text
    nothing = await value(dut, channel, "SRVQUERY(_none._udp.example.org)")
    assert await value(dut, channel, f"SRVRESULT({nothing},getnum)") == "0"


async def test_a_server_that_refuses_is_an_error(dut: DialplanUnderTest, channel: Channel) -> None:
    scope = Scope(dut.dialplan, channel)
    with pytest.raises(Unavailable):
        await suspension.call(scope.evaluate_function, "SRVQUERY", "_sip._udp.broken.example")
    with pytest.raises(InvalidArgument):
        await suspension.call(scope.evaluate_function, "SRVQUERY", "a..b")


async def test_a_channel_keeps_a_bounded_number_of_results(
    dut: DialplanUnderTest, channel: Channel
) -> None:
    part = dut.dialplan.part(Dns)
    keys = [part.keep(channel, ["x"]) for _ in range(65)]
    assert part.kept(channel, keys[-1]) == ["x"]
    with pytest.raises(InvalidArgument):
        part.kept(channel, keys[0])


def test_services_are_ordered_by_priority_first() -> None:
    services = [Service(n % 3, n, 5060, f"h{n}") for n in range(9)]
    ordered = _in_order(services)
    assert [each.priority for each in ordered] == [0] * 3 + [1] * 3 + [2] * 3
    assert sorted(ordered, key=str) == sorted(services, key=str)


@pytest.mark.parametrize(
    ("number", "options", "domain"),
    [
        ("+1-555-42", "", "2.4.5.5.5.1.e164.arpa"),
        ("4312345", "i", "5.4.3.2.1.i.3.4.e164.arpa"),
        ("+15551", "i", "1.5.5.5.i.1.e164.arpa"),
        ("+35312", "i", "2.1.i.3.5.3.e164.arpa"),
        ("123*45", "s", "3.2.1.45.e164.arpa"),
        ("my.name", "d", "my.name.e164.arpa"),
    ],
)
def test_a_number_is_asked_for_by_its_name(number: str, options: str, domain: str) -> None:
    assert enum_domain(number, options, "e164.arpa.") == domain


@pytest.mark.parametrize(
    ("regexp", "uri"),
    [
        ("!^.*$!sip:x@y!", "sip:x@y"),
        ("!^\\+1(5+)$!sip:\\1@y!", "sip:555@y"),
        ("/^.*$/sip:x@y/i", "sip:x@y"),
        ("!^9!sip:x@y!", ""),
        ("!(!sip:x@y!", ""),
        ("!^.*$!sip:x@y", ""),
        ("!^.*$!sip:\n!", ""),
        ("", ""),
        ("!", ""),
    ],
)
def test_a_rule_makes_a_uri_of_a_number(regexp: str, uri: str) -> None:
    assert substitute(regexp, "+1555") == uri


@given(st.text(alphabet="!\\^$.*()+1aé\n", max_size=20), st.text(max_size=10))
def test_any_rule_gives_a_printable_uri_or_none(regexp: str, number: str) -> None:
    uris = select([Naptr(1, 1, "u", "E2U+sip", regexp)], number, "sip")
    assert all(uri.isprintable() and len(uri) <= 512 for uri in uris)
