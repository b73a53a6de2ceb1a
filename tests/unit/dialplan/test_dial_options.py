"""Dial(): the options that test_dial.py does not have."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from server.dialplan.apps.dial import OPTIONS
from server.dialplan.conversation import Limit, parse_limit
from server.tech.base import Party
from tests.support.calls import called, channel_of, press, sent_digits, talk, together, until
from tests.support.dialplan import DialplanUnderTest
from tests.support.node import settle


@pytest.mark.parametrize("letter", OPTIONS)
async def test_no_option_keeps_the_call_from_being_answered(
    dut: DialplanUnderTest, letter: str, caplog: pytest.LogCaptureFixture
) -> None:
    if letter in "pP":
        return  # they ask first; see TestScreening
    dut.load(f"exten => s,1,Dial(PJSIP/bob,,{letter})\nsame => n,WaitDigit()")
    caller = await dut.call()
    peer = channel_of(called(dut)[0])
    peer.on_answered()
    await until(lambda: caller.bridge is not None or letter in "GU")
    assert "not supported" not in caplog.text
    caller.hangup()
    peer.hangup()


class TestWhoCalls:
    """What the called phone hears of the caller: ``f``, ``u``, ``s``, ``o``, and predial."""

    async def dialled(self, dut: DialplanUnderTest, options: str, before: str = "NoOp()") -> Party:
        await dut.run(f"{before}\nDial(PJSIP/bob,,{options})")
        said = called(dut)[0].said[0]
        assert said[0] == "dial"
        assert isinstance(said[1], Party)
        return said[1]

    async def test_the_caller(self, dut: DialplanUnderTest) -> None:
        assert await self.dialled(dut, "") == Party("Alice", "alice")

    async def test_f_says_somebody_else(self, dut: DialplanUnderTest) -> None:
        assert await self.dialled(dut, 'f("Desk" <100>)') == Party("Desk", "100")

    async def test_f_alone_counts_for_forwarded_calls_only(self, dut: DialplanUnderTest) -> None:
        assert await self.dialled(dut, "f") == Party("Alice", "alice")

    async def test_u_and_s_mark_it(self, dut: DialplanUnderTest) -> None:
        party = await self.dialled(dut, "f(100)u(prohib)s(mark)")
        assert (party.number, party.presentation) == ("100", "prohib")
        assert dict(party.details)["tag"] == "mark"

    @pytest.mark.parametrize(("option", "number"), [("", "s"), ("o", "alice"), ("o(5)", "5")])
    async def test_o_says_who_the_called_channel_is(
        self, dut: DialplanUnderTest, option: str, number: str
    ) -> None:
        await self.dialled(dut, option)
        assert channel_of(called(dut)[0]).caller.number == number

    async def test_predial_can_change_it(self, dut: DialplanUnderTest) -> None:
        dut.load(
            """
            [default]
            exten => s,1,Dial(PJSIP/bob,,b(sub^s^1))
            [sub]
            exten => s,1,Set(CONNECTEDLINE(all,i)="Front" <9>)
            same => n,Return()
            """
        )
        await dut.call()
        await until(lambda: called(dut)[0].said)
        assert called(dut)[0].said[0][1] == Party("Front", "9")


class TestForwarding:
    SOURCE = """
        exten => s,1,Dial(PJSIP/bob,{timeout},{options})
        same => n,Set(A=${{DIALSTATUS}})
        same => n,WaitDigit()
        exten => 777,1,Dial(PJSIP/carol)
        """

    async def forward(self, dut: DialplanUnderTest, options: str = "", timeout: str = "") -> Any:
        dut.load(self.SOURCE.format(options=options, timeout=timeout))
        caller = await dut.call()
        channel_of(called(dut)[0]).on_redirected("777")
        await until(lambda: len(called(dut)) == 2)
        await until(lambda: called(dut)[1].said)
        return caller

    async def test_who_redirected_is_known_on_both_sides(self, dut: DialplanUnderTest) -> None:
        caller = await self.forward(dut)
        carol = channel_of(called(dut)[1])
        for channel in (caller, carol):
            redirecting = channel.redirecting
            assert (redirecting.from_.number, redirecting.to.number) == ("s", "777")
            assert (redirecting.reason, redirecting.count) == ("cfu", 1)
            assert redirecting.orig == redirecting.from_

    async def test_f_without_a_number_says_the_dialled_extension(
        self, dut: DialplanUnderTest
    ) -> None:
        await self.forward(dut, "f")
        assert called(dut)[1].said[0][1] == Party(number="s")

    async def test_f_without_a_number_takes_the_name_of_the_extensions_hint(
        self, dut: DialplanUnderTest
    ) -> None:
        dut.load(self.SOURCE.format(options="f", timeout="") + "exten => s,hint,PJSIP/a(Desk)\n")
        await dut.call()
        channel_of(called(dut)[0]).on_redirected("777")
        await until(lambda: len(called(dut)) == 2 and called(dut)[1].said)
        assert called(dut)[1].said[0][1] == Party("Desk", "s")

    @pytest.mark.parametrize(("variable", "number"), [("", "1"), ("_FORWARD_CONTEXT", "2")])
    async def test_the_number_is_looked_up_where_the_phone_that_forwards_dials(
        self, dut: DialplanUnderTest, variable: str, number: str
    ) -> None:
        dut.load(f"""
            [default]
            exten => s,1,Set({variable or "A"}=other)
            same => n,Dial(PJSIP/bob)
            [phones]
            exten => 777,1,Dial(PJSIP/carol,,o(1))
            [other]
            exten => 777,1,Dial(PJSIP/carol,,o(2))
        """)
        await dut.call()
        forwarder = channel_of(called(dut)[0])
        forwarder.context = "phones"  # as its endpoint says
        forwarder.on_redirected("777")
        await until(lambda: len(called(dut)) == 2)
        assert channel_of(called(dut)[1]).caller.number == number

    @pytest.mark.parametrize("waits", [True, False])
    async def test_z_ends_the_timeout(self, dut: DialplanUnderTest, waits: bool) -> None:
        caller = await self.forward(dut, "z" if waits else "", "0.05")
        await asyncio.sleep(0.1)
        assert caller.variables.get("A") == (None if waits else "NOANSWER")

    async def test_upper_i_tells_the_caller_nothing(self, dut: DialplanUnderTest) -> None:
        caller = await self.forward(dut, "I")
        assert caller.redirecting.count == 0
        assert caller.connected == Party()


async def test_the_caller_is_told_whom_it_calls(dut: DialplanUnderTest) -> None:
    caller = await dut.run("Dial(PJSIP/bob)")
    assert caller.connected == Party(number="s")
    bob = channel_of(called(dut)[0])
    bob.on_connected_line(Party("Bob", "200"))
    bob.on_ringing()
    await settle()
    assert caller.connected == Party("Bob", "200")


@pytest.mark.parametrize("rings", [True, False])
async def test_who_does_not_ring_in_time_is_unavailable(
    dut: DialplanUnderTest, rings: bool
) -> None:
    caller = await dut.run("Dial(PJSIP/bob,0.1^0.02)\nSet(A=${DIALSTATUS})\nWaitDigit()")
    if rings:
        channel_of(called(dut)[0]).on_ringing()
    await until(lambda: caller.variables.get("A"))
    assert caller.variables.get("A") == ("NOANSWER" if rings else "CHANUNAVAIL")


async def test_upper_q_chooses_the_cause_of_those_who_stop_ringing(dut: DialplanUnderTest) -> None:
    await dut.run("Dial(PJSIP/bob&PJSIP/carol,,Q(USER_BUSY))")
    bob, carol = called(dut)
    channel_of(carol).on_answered()
    await settle()
    assert ("hangup", 17) in bob.said


@pytest.mark.parametrize(("option", "hears"), [("r", False), ("R", True)])
async def test_upper_r_rings_but_lets_early_media_through(
    dut: DialplanUnderTest, option: str, hears: bool
) -> None:
    caller = await dut.run(f"Dial(PJSIP/bob,,{option})")
    assert ("ring",) in dut.leg(caller).said
    channel_of(called(dut)[0]).on_progress()
    await settle()
    assert (("progress",) in dut.leg(caller).said) is hears


async def test_upper_d_sends_digits_on_progress(dut: DialplanUnderTest) -> None:
    await dut.run("Dial(PJSIP/bob,,D(1:2:34))")
    (bob,) = called(dut)
    for _time in range(2):
        channel_of(bob).on_progress()
        await settle()
    assert sent_digits(bob) == ["34"]


async def test_upper_h_ends_the_ringing(dut: DialplanUnderTest) -> None:
    caller = await dut.run("Dial(PJSIP/bob,,H)\nSet(A=${DIALSTATUS})\nWaitDigit()")
    await press(caller, "*")
    assert caller.variables.get("A") == "CANCEL"
    assert called(dut)[0].said[-1][0] == "hangup"


async def test_upper_c_begins_the_record_anew(dut: DialplanUnderTest) -> None:
    ran: list[str] = []
    applications = dut.dialplan.registry.applications
    applications.pop("resetcdr", None)
    dut.dialplan.registry.add_application("ResetCDR", lambda _call, data: ran.append(data))
    await dut.run("Dial(PJSIP/bob,,C)")
    assert ran == [""]


class TestLimits:
    """``L``: warnings, and what is said at the end."""

    @pytest.mark.parametrize(
        ("text", "limit"),
        [
            ("", None),
            ("0", None),
            ("x", None),
            ("60000", Limit(60.0)),
            ("60000:30000:10000", Limit(60.0, 30.0, 10.0)),
            ("60000:90000:40000", Limit(60.0, 50.0, 40.0)),
            ("60000:90000", Limit(60.0)),
            ("60000::5000", Limit(60.0, 0.0, 5.0)),
        ],
    )
    def test_reading(self, text: str, limit: Limit | None) -> None:
        assert parse_limit(text) == limit

    async def played(self, dut: DialplanUnderTest) -> list[str]:
        return [Path(player.sources[0].path).stem for player in dut.under.engine.players]

    async def test_warnings_come_again_and_the_end_is_announced(
        self, dut: DialplanUnderTest
    ) -> None:
        caller, peer = await talk(
            dut,
            """
            exten => s,1,Set(LIMIT_WARNING_FILE=soon)
            same => n,Set(LIMIT_TIMEOUT_FILE=bye)
            same => n,Set(LIMIT_CONNECT_FILE=hello)
            same => n,Dial(PJSIP/bob,,L(60:40:20))
            """,
        )
        finished = 0
        for _ in range(300):
            await asyncio.sleep(0.001)
            for player in dut.under.engine.players[finished:]:
                player.finish()
                finished += 1
        assert await self.played(dut) == ["hello", "soon", "soon", "bye"]
        assert caller.is_hungup
        assert peer.is_hungup

    async def test_time_left_is_said_to_whom_it_shall_be(self, dut: DialplanUnderTest) -> None:
        caller, peer = await talk(
            dut,
            """
            exten => s,1,Set(LIMIT_PLAYAUDIO_CALLER=no)
            same => n,Set(LIMIT_PLAYAUDIO_CALLEE=yes)
            same => n,Dial(PJSIP/bob,,L(65010:65000))
            """,
        )
        await until(lambda: dut.under.engine.players)
        names = [Path(source.path).stem for source in dut.under.engine.players[0].sources]
        assert names == ["vm-youhave", "1", "queue-minutes", "5", "queue-seconds"]
        assert [call[0] for call in dut.under.engine.calls(peer.leg.stream)].count(
            "STREAM_PLAY"
        ) == 1
        caller.hangup()


class TestScreening:
    """``p`` and ``P``: who is called hears who calls, and decides."""

    async def start(
        self, dut: DialplanUnderTest, options: str, tmp_path: Path, *, introduced: bool = True
    ) -> Any:
        if introduced:
            folder = tmp_path / "priv-callerintros"
            folder.mkdir(exist_ok=True)
            (folder / "alice.sln").write_bytes(b"")
        dut.load(
            f"exten => s,1,Dial(PJSIP/bob,,{options})\n"
            "same => n,Set(A=${DIALSTATUS})\nsame => n,WaitDigit()"
        )
        caller = await dut.call()
        await until(lambda: called(dut) or caller.variables.get("A"))
        if called(dut):
            channel_of(called(dut)[0]).on_answered()
            await settle()
        return caller

    async def decide(self, dut: DialplanUnderTest, digit: str) -> None:
        peer = channel_of(called(dut)[0])
        for prompt in ("priv-callpending", "alice", "callee-options"):
            await until(lambda: any(p.is_running for p in dut.under.engine.players))
            player = dut.under.engine.players[-1]
            assert prompt in str(player.sources[0].path)
            player.finish()
            await settle()
        await press(peer, digit)

    @pytest.mark.parametrize(
        ("digit", "status"),
        [("1", ""), ("2", "NOANSWER"), ("3", "TORTURE"), ("4", "DONTCALL")],
    )
    async def test_p_asks(
        self, dut: DialplanUnderTest, tmp_path: Path, digit: str, status: str
    ) -> None:
        caller = await self.start(dut, "p", tmp_path)
        peer = channel_of(called(dut)[0])
        await self.decide(dut, digit)
        await until(lambda: caller.bridge is not None or caller.variables.get("A"))
        assert (caller.variables.get("A") or "") == status
        assert peer.is_hungup is bool(status)

    @pytest.mark.parametrize(
        ("digit", "kept"),
        [("2", "deny"), ("3", "torture"), ("4", "kill"), ("5", "allow"), ("1", None)],
    )
    async def test_upper_p_keeps_the_decision(
        self, dut: DialplanUnderTest, tmp_path: Path, digit: str, kept: str | None
    ) -> None:
        caller = await self.start(dut, "P(home)", tmp_path)
        await self.decide(dut, digit)
        await until(lambda: caller.bridge is not None or caller.variables.get("A"))
        assert dut.store.get("privacy", "home/alice") == kept

    @pytest.mark.parametrize(
        ("kept", "status"),
        [("deny", "NOANSWER"), ("torture", "TORTURE"), ("kill", "DONTCALL"), ("allow", None)],
    )
    async def test_upper_p_does_not_ask_again(
        self, dut: DialplanUnderTest, tmp_path: Path, kept: str, status: str | None
    ) -> None:
        dut.store.put("privacy", "s/alice", kept)
        caller = await self.start(dut, "P", tmp_path)
        assert caller.variables.get("A") == status
        assert (caller.bridge is not None) is (status is None)

    async def test_upper_n_does_not_ask_known_callers(
        self, dut: DialplanUnderTest, tmp_path: Path
    ) -> None:
        caller = await self.start(dut, "pN", tmp_path)
        assert caller.bridge is not None

    async def test_the_caller_is_asked_for_a_name_once(
        self, dut: DialplanUnderTest, tmp_path: Path
    ) -> None:
        dut.load("exten => s,1,Dial(PJSIP/bob,,p)")
        caller = await dut.call()
        await until(lambda: dut.under.engine.players)
        assert "priv-recordintro" in str(dut.under.engine.players[0].sources[0].path)
        dut.under.engine.players[0].finish()
        await until(lambda: dut.under.engine.recorders)
        recorder = dut.under.engine.recorders[0]
        assert recorder.path == str(tmp_path / "priv-callerintros" / "alice.sln")
        recorder.finish()
        await until(lambda: called(dut))
        caller.hangup()

    async def test_n_deletes_the_introduction(self, dut: DialplanUnderTest, tmp_path: Path) -> None:
        caller = await self.start(dut, "pn", tmp_path)
        await self.decide(dut, "1")
        await until(lambda: caller.bridge is not None)
        caller.hangup()
        await until(lambda: not (tmp_path / "priv-callerintros" / "alice.sln").exists())

    async def test_the_called_party_can_hang_up(
        self, dut: DialplanUnderTest, tmp_path: Path
    ) -> None:
        caller = await self.start(dut, "p", tmp_path)
        called(dut)[0].far_end_hangs_up()
        await until(lambda: caller.variables.get("A"))
        assert caller.variables.get("A") == "NOANSWER"


async def test_a_dialled_channel_joins_the_group_of_outbound_group(dut: DialplanUnderTest) -> None:
    from server.dialplan.registry import Function

    written: list[tuple[str, str]] = []
    functions = dut.dialplan.registry.functions
    functions["GROUP"] = Function(
        "GROUP", write=lambda scope, _data, value: written.append((scope.channel.name, value))
    )
    await dut.run("Set(OUTBOUND_GROUP=out)\nDial(PJSIP/bob)")
    assert written == [(called(dut)[0].name, "out")]


async def test_accounts_are_each_others_peer_accounts(dut: DialplanUnderTest) -> None:
    caller = await dut.run("""
        Set(CHANNEL(accountcode)=a)
        Set(CHANNEL(peeraccount)=b)
        Dial(PJSIP/bob)""")
    peer = channel_of(called(dut)[0])
    assert (peer.account_code, peer.peer_account) == ("b", "a")
    peer.account_code = "c"
    called(dut)[0].listener.on_answered()
    await settle()
    assert (caller.peer_account, peer.peer_account) == ("c", "a")


async def test_a_local_channels_second_half_goes_on_with_the_callers_account_and_language(
    dut: DialplanUnderTest,
) -> None:
    dut.load("""
        exten => s,1,Set(CHANNEL(accountcode)=a)
        same => n,Set(CHANNEL(language)=de)
        same => n,Set(CHANNEL(musicclass)=jazz)
        same => n,Dial(Local/next@default/n)
        exten => next,1,Set(GLOBAL(SEEN)=${CHANNEL(accountcode)}${CHANNEL(peeraccount)})
        same => n,Set(GLOBAL(SEEN)=${SEEN} ${CHANNEL(language)} ${CHANNEL(musicclass)})
        same => n,Dial(PJSIP/bob)
    """)
    await dut.call()
    await settle()
    peer = channel_of(called(dut)[0])
    assert dut.dialplan.read(None, "SEEN") == "a de jazz"
    assert (peer.account_code, peer.peer_account) == ("", "a")


async def test_after_bridge_goto_is_where_each_goes_on(dut: DialplanUnderTest) -> None:
    dut.load(
        """
        [default]
        exten => s,1,Set(CHANNEL(after_bridge_goto)=after,1)
        same => n,Dial(PJSIP/bob,,b(sub^s^1)H)
        exten => after,1,Set(A=${CHANNEL(after_bridge_goto)}after)
        same => n,WaitDigit()
        exten => called,1,Set(A=called)
        same => n,WaitDigit()
        [sub]
        exten => s,1,Set(CHANNEL(after_bridge_goto)=default,called,1)
        same => n,Return()
        """
    )
    caller = await dut.call()
    peer = channel_of(called(dut)[0])
    peer.on_answered()
    await settle()
    await press(caller, "*")
    await until(lambda: peer.variables.get("A"))
    assert peer.variables.get("A") == "called"
    assert caller.variables.get("A") == "after"
    caller.hangup()
    peer.hangup()


async def test_both_are_in_one_bridge(dut: DialplanUnderTest) -> None:
    caller, peer = await talk(dut, "exten => s,1,Dial(PJSIP/bob)")
    assert together(caller) == {caller.name, peer.name}
