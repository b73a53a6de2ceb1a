"""CALLERID(), CONNECTEDLINE() and REDIRECTING(), and the subroutines that intercept them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.base.errors import InvalidArgument
from server.dialplan.parties import (
    PRESENTATIONS,
    parse_party,
    read_party,
    write_party,
)
from server.tech.base import Party, Redirecting
from tests.support.calls import called, channel_of, talk, until
from tests.support.dialplan import DialplanUnderTest

FUNCTIONS = json.loads(
    (Path(__file__).parents[2] / "data" / "dialplan" / "parties.json").read_text()
)
ALICE = Party("Alice", "100")


@pytest.mark.parametrize(
    ("function", "item"),
    [(function, item) for function, items in FUNCTIONS.items() for item in items],
)
async def test_every_published_item_can_be_read(
    dut: DialplanUnderTest, function: str, item: str, caplog: pytest.LogCaptureFixture
) -> None:
    await dut.run(f"Set(A=${{{function}({item})}})")
    assert f"{function}()" not in caplog.text


@pytest.mark.parametrize(
    ("item", "value", "reads"),
    [
        ("all", '"Bob" <200>', '"Bob" <200>'),
        ("name", "Bob", "Bob"),
        ("num", "200", "200"),
        ("number", "200", "200"),
        ("pres", "prohib_passed_screen", "prohib_passed_screen"),
        ("pres", "32", "prohib_not_screened"),
        ("num-pres", "unavailable", "unavailable"),
        ("name-pres", "prohib", "prohib"),
        ("num-plan", "16", "16"),
        ("name-charset", "utf8", "utf8"),
        ("tag", "t", "t"),
        ("subaddr", "7", "7"),
        ("subaddr-type", "2", "2"),
        ("priv-name", "In", "In"),
        ("priv-num", "9", "9"),
        ("priv-num-pres", "prohib", "prohib"),
        ("priv-tag", "x", "x"),
        ("name-valid", "0", "0"),
        ("num-valid", "0", "0"),
        ("num-valid", "1", "1"),
    ],
)
def test_what_is_written_is_read(item: str, value: str, reads: str) -> None:
    assert read_party(write_party(ALICE, item, value), item) == reads


@pytest.mark.parametrize(
    ("item", "value"),
    [("pres", "secret"), ("pres", "99"), ("name-charset", "x"), ("what", "1"), ("priv-what", "1"),
     ("all", '"A" <1> rest <')],
)  # fmt: skip
def test_what_can_not_be_written(item: str, value: str) -> None:
    with pytest.raises(InvalidArgument):
        write_party(ALICE, item, value)


def test_a_hidden_number_hides_the_party() -> None:
    assert write_party(ALICE, "num-pres", "prohib").presentation == "prohib"
    assert write_party(ALICE, "name-pres", "prohib").presentation == "prohib"
    assert write_party(ALICE, "name-pres", "allowed").presentation == "allowed"


def test_what_a_technology_says_counts_more_than_what_was_written() -> None:
    party = write_party(ALICE, "pres", "prohib_passed_screen")
    changed = Party(party.name, party.number, "allowed", party.details)
    assert read_party(changed, "pres") == "allowed_not_screened"


def test_the_private_side_is_another_party() -> None:
    party = write_party(write_party(ALICE, "priv-name", "In"), "priv-num", "9")
    assert read_party(party, "priv-all") == '"In" <9>'
    assert read_party(party, "all") == '"Alice" <100>'


@given(name=st.text(max_size=20), number=st.text("0123456789*#+", max_size=20))
def test_a_party_survives_being_written(name: str, number: str) -> None:
    kept = "".join(letter for letter in name if letter.isprintable() and letter not in '"')
    assert parse_party(f'"{kept}" <{number}>') == Party(kept, number)


@given(st.text(max_size=60))
def test_any_text_is_a_party_or_refused(text: str) -> None:
    try:
        party = parse_party(text)
    except InvalidArgument:
        return
    assert (party.name + party.number).isprintable()


@pytest.mark.parametrize("name", PRESENTATIONS)
def test_every_presentation_is_read_as_it_was_written(name: str) -> None:
    assert read_party(write_party(ALICE, "pres", name), "pres") == name


@pytest.mark.parametrize(
    ("change", "text", "value"),
    [
        ("CALLERID(num)=5", "${CALLERID(ANI-num)}", "5"),
        ("CALLERID(name)=5", "${CALLERID(ANI-num)}", "alice"),
        ("CALLERID(ANI)=5", "${CALLERID(ANI)} ${CALLERID(num)}", "5 alice"),
        ("CALLERID(ANI-all)=A <5>", "${CALLERID(ANI-all)}", '"A" <5>'),
        ("CALLERID(ANI2)=62", "${CALLERID(ANI2)}", "62"),
        ("CALLERID(DNID)=77", "${CALLERID(DNID)}", "77"),
        ("X=", "${CALLERID(DNID)}", "s"),
        ("CALLERID(dnid-num-plan)=3", "${CALLERID(dnid-num-plan)}", "3"),
        ("CALLERID(RDNIS)=8", "${CALLERID(RDNIS)} ${REDIRECTING(from-num)}", "8 8"),
        ("X=", "${CALLERID(num,Bob <9>)}", "9"),
        ("REDIRECTING(from-all)=A <5>", "${REDIRECTING(from-name)}", "A"),
        ("REDIRECTING(to-num,i)=6", "${REDIRECTING(to-num)}", "6"),
        ("REDIRECTING(orig-tag)=x", "${REDIRECTING(orig-tag)}", "x"),
        ("REDIRECTING(priv-from-num)=4", "${REDIRECTING(priv-from-num)}", "4"),
        ("REDIRECTING(from-pres)=prohib", "${REDIRECTING(from-num-pres)}", "prohib"),
        ("REDIRECTING(reason)=cfb", "${REDIRECTING(reason)}", "cfb"),
        ("REDIRECTING(orig-reason)=DND", "${REDIRECTING(orig-reason)}", "dnd"),
        ("REDIRECTING(reason)=why", "${REDIRECTING(reason)}", "unknown"),
        ("REDIRECTING(count)=3", "${REDIRECTING(count)}", "3"),
        ("REDIRECTING(count)=-3", "${REDIRECTING(count)}", "0"),
        ("REDIRECTING(what)=1", "${REDIRECTING(from-what)}", ""),
    ],
)
async def test_functions(dut: DialplanUnderTest, change: str, text: str, value: str) -> None:
    channel = await dut.run(f"Set({change})\nSet(A={text})")
    assert channel.variables.get("A") == value


async def test_who_redirected_a_call_goes_through_local_channels(dut: DialplanUnderTest) -> None:
    dut.load(
        """
        exten => s,1,Set(REDIRECTING(from-num)=700)
        same => n,Set(REDIRECTING(reason)=cfnr)
        same => n,Dial(Local/in@default)
        exten => in,1,Dial(PJSIP/bob)
        """
    )
    caller = await dut.call()
    await until(lambda: called(dut))
    redirecting = channel_of(called(dut)[0]).redirecting
    assert redirecting == Redirecting(from_=Party(number="700"), reason="cfnr")
    caller.hangup()


class TestInterception:
    SOURCE = """
        [default]
        exten => s,1,Set({name}=sub,s,1)
        same => n,Set({name}_ARGS=x)
        same => n,{step}
        same => n,WaitDigit()
        [sub]
        exten => s,1,Set(RAN=${{ARG1}} ${{CONNECTEDLINE(name)}})
        same => n,Set(CONNECTEDLINE(name,i)=Changed)
        same => n,Return()
        """

    async def test_a_phone_hears_what_the_subroutine_made_of_it(
        self, dut: DialplanUnderTest
    ) -> None:
        dut.load(
            self.SOURCE.format(
                name="CONNECTED_LINE_SEND_SUB", step="Set(CONNECTEDLINE(all)=Bob <200>)"
            )
        )
        channel = await dut.call()
        told = [said[1] for said in dut.leg(channel).said if said[0] == "connected"]
        await until(lambda: channel.variables.get("RAN"))
        assert channel.variables.get("RAN") == "x Bob"
        told = [said[1] for said in dut.leg(channel).said if said[0] == "connected"]
        assert told == [Party("Changed", "200")]
        assert channel.exten == "s"

    async def test_what_a_called_phone_hears_is_intercepted_on_its_own_channel(
        self, dut: DialplanUnderTest
    ) -> None:
        _caller, peer = await talk(
            dut, self.SOURCE.format(name="__CONNECTED_LINE_SEND_SUB", step="Dial(PJSIP/bob)")
        )
        await until(lambda: called(dut)[0].said[-1][0] == "connected" or True)
        assert peer.variables.get("CONNECTED_LINE_SEND_SUB") == "sub,s,1"

    async def test_a_redirection_is_intercepted(self, dut: DialplanUnderTest) -> None:
        dut.load(
            self.SOURCE.format(name="REDIRECTING_SEND_SUB", step="Dial(PJSIP/bob)").replace(
                "CONNECTEDLINE(name)", "REDIRECTING(to-num)"
            )
        )
        channel = await dut.call()
        channel_of(called(dut)[0]).on_redirected("777")
        await until(lambda: channel.variables.get("RAN"))
        assert channel.variables.get("RAN") == "x 777"

    async def test_a_macro_of_old_runs_where_there_is_one(self, dut: DialplanUnderTest) -> None:
        ran: list[str] = []
        dut.dialplan.registry.applications.pop("macro", None)
        dut.dialplan.registry.add_application("Macro", lambda _call, data: ran.append(data))
        dut.load(
            self.SOURCE.format(
                name="CONNECTED_LINE_CALLER_SEND_MACRO", step="Set(CONNECTEDLINE(all)=Bob <200>)"
            )
        )
        channel = await dut.call()
        await until(lambda: ran)
        assert ran == ["sub,s,1,x"]
        channel.hangup()
