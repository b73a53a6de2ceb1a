"""Dialplans as people have had for years, unmodified, on the real server with scripted phones."""

from __future__ import annotations

import asyncio
import contextlib
import shutil
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
import pytest_asyncio
from arion.testing import Call, CallFailed, Phone
from arion.testing.prompts import make_prompt
from first_config import SOUNDS

from tests.support.server_process import ServerProcess

pytestmark = pytest.mark.asyncio(loop_scope="module")

WORDS = "activated beep de-activated hello-world pbx-invalid ss-noservice vm-goodbye vm-intro"
PROMPTS = [*WORDS.split(), "vm-nobodyavail", *(f"digits/{digit}" for digit in range(10))]
CLASSIC = Path(__file__).parent.parent / "data/dialplan/classic"


class Site:
    """A server and its phones: Alice and Carol are inside; Bob may be a carrier."""

    def __init__(self, server: ServerProcess) -> None:
        self.server = server
        self.phones: dict[str, Phone] = {}

    async def load(self, name: str, target: str = "extensions.conf") -> None:
        """Make this file the dialplan."""
        etc = self.server.var / "etc"
        for old in ("extensions.conf", "extensions.ael", "extensions.lua"):
            (etc / old).write_text("extensions = {}\n" if old.endswith("lua") else "")
        shutil.copy(CLASSIC / name, etc / target)
        assert "rror" not in await self.server.cli("dialplan reload")

    async def logged(self, text: str) -> None:
        """Wait for a line of the log."""

        async def is_there() -> bool:
            return text in self.server.log

        try:
            await self.server.until(is_there, 5, text)
        except TimeoutError:
            raise AssertionError(f"{text!r} not in:\n{self.server.log[-3000:]}") from None

    async def refused(self, who: str, number: str) -> int:
        """Call; return the status with which the call is refused."""
        with pytest.raises(CallFailed) as caught:
            await self.phones[who].call(number)
        return caught.value.status


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def site(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Site]:
    """One server for all tests here; calls from Bob come in from the carrier."""
    root = tmp_path_factory.mktemp("classic")
    for prompt in PROMPTS:  # short ones
        (root / "sounds/en" / prompt).parent.mkdir(parents=True, exist_ok=True)
        make_prompt(root / f"sounds/en/{prompt}.wav")
    server = ServerProcess(root / "var")
    settings = server.var / "etc/asterisk.conf"
    settings.write_text(settings.read_text("utf-8").replace(str(SOUNDS), str(root)), "utf-8")
    pjsip = server.var / "etc/pjsip.conf"
    text = pjsip.read_text("utf-8").replace("<102>\n", "<102>\ncontext=from-itsp\n")
    pjsip.write_text(text, "utf-8")
    await server.start()
    made = Site(server)
    try:
        async with AsyncExitStack() as stack:
            for name in ("alice", "bob", "carol"):
                password = server.access.phones[name]
                phone = Phone(name, password, server=server.sip, sounds=root / "sounds")
                made.phones[name] = await stack.enter_async_context(phone)
                assert await phone.register() == 200
            yield made
        assert await server.leftovers() == []
        assert "Traceback" not in server.log
        assert await server.stop() == 0
    finally:
        if server.process and server.process.returncode is None:
            await server.kill()


@contextlib.asynccontextmanager
async def dialling(phone: Phone, number: str) -> AsyncIterator[asyncio.Task[Call]]:
    """Call in the background; the call is over afterwards."""
    task = asyncio.create_task(phone.call(number))
    try:
        yield task
        call = await task
        await call.hangup()
    except CallFailed:
        pass
    finally:
        task.cancel()


class TestOffice:
    @pytest_asyncio.fixture(loop_scope="module")
    async def office(self, site: Site) -> Site:
        await site.load("office.conf")
        return site

    async def test_a_macro_rings_an_extension_and_the_two_talk(self, office: Site) -> None:
        async with dialling(office.phones["alice"], "103") as task:
            called = await office.phones["carol"].wait_call()
            assert '"Alice" <sip:101@' in called.remote
            called.ring()
            called.accept()
            call = await task
            await called.hangup()
            await call.hears_hangup()

    async def test_a_busy_extension_says_so(self, office: Site) -> None:
        async with dialling(office.phones["alice"], "103") as task:
            (await office.phones["carol"].wait_call()).reject()
            with pytest.raises(CallFailed, match="486"):
                await task
        await office.logged("103 is busy, caller was 101")

    async def test_nobody_answers_and_the_macro_says_so(self, office: Site) -> None:
        async with dialling(office.phones["alice"], "103") as task:
            called = await office.phones["carol"].wait_call()
            called.ring()
            await called.hears_hangup()
            assert called.end_reason == "cancelled"
            call = await task
            await call.hears("vm-nobodyavail")
            await call.hears_hangup()

    async def test_a_refusal_of_another_kind_falls_to_the_pattern(self, office: Site) -> None:
        async with dialling(office.phones["alice"], "103") as task:
            (await office.phones["carol"].wait_call()).reject(503)
            await (await task).hears("vm-nobodyavail")
        await office.logged("103 came out as CONGESTION")

    async def test_do_not_disturb_is_switched_on_and_off(self, office: Site) -> None:
        alice, carol = office.phones["alice"], office.phones["carol"]
        call = await carol.call("*78")
        await call.hears("activated")
        await call.hears_hangup()
        assert await office.refused("alice", "103") == 486
        call = await carol.call("*78")
        await call.hears("de-activated")
        await call.hears_hangup()
        async with dialling(alice, "103"):
            (await carol.wait_call()).reject()

    async def test_calls_are_forwarded_until_that_is_taken_back(self, office: Site) -> None:
        alice, bob, carol = (office.phones[name] for name in ("alice", "bob", "carol"))
        call = await carol.call("*72102")
        await call.hears("digits/2")
        await call.hears_hangup()
        async with dialling(alice, "103") as task:
            called = await bob.wait_call()
            assert '"Alice" <sip:101@' in called.remote
            called.accept()
            await (await task).hangup()
            await called.hears_hangup()
        await office.logged("103 in phones forwarded to 102")
        await (await carol.call("*73")).hears_hangup()
        async with dialling(alice, "103"):
            (await carol.wait_call()).reject()

    async def test_a_group_rings_until_one_answers(self, office: Site) -> None:
        bob, carol = office.phones["bob"], office.phones["carol"]
        async with dialling(office.phones["alice"], "110") as task:
            first, second = await bob.wait_call(), await carol.wait_call()
            first.ring()
            second.accept()
            call = await task
            await first.hears_hangup()
            await second.hangup()
            await call.hears_hangup()

    async def test_an_extension_of_several_digits_wins_over_its_beginning(
        self, office: Site
    ) -> None:
        async with dialling(office.phones["alice"], "200") as task:
            call = await task
            await call.hears("vm-intro", whole=False)
            await call.press("10")
            await call.hears("hello-world")
            await call.hears("vm-intro", whole=False)
            await call.press("9")  # nothing longer begins like this
            await call.hears("vm-goodbye")
            await call.hears_hangup()
        await office.logged("menu left after 0 tries by 101 (16)")

    async def test_a_digit_waits_for_the_digit_timeout_if_more_could_follow(
        self, office: Site
    ) -> None:
        async with dialling(office.phones["carol"], "200") as task:
            call = await task
            await call.hears("vm-intro", whole=False)
            await call.press("1")
            called = await office.phones["alice"].wait_call()
            called.accept()
            await called.hangup()
            await call.hears_hangup()

    async def test_who_says_nothing_and_who_says_nonsense_is_asked_again_and_let_go(
        self, office: Site
    ) -> None:
        async with dialling(office.phones["alice"], "200") as task:
            call = await task
            await call.hears("vm-intro", whole=False)
            await call.press("7")
            await call.hears("pbx-invalid")
            await call.hears("vm-intro", timeout=20)
            await call.hears("vm-goodbye")  # response timeout
            await call.hears_hangup()
        await office.logged("menu left after 2 tries by 101 (16)")

    async def test_the_clock_decides_by_include_and_by_gotoiftime(self, office: Site) -> None:
        async with dialling(office.phones["alice"], "201") as task:
            await (await task).hears("hello-world")

    async def test_who_calls_decides_what_may_be_dialled(self, office: Site) -> None:
        call = await office.phones["carol"].call("912345678")
        await call.hears("ss-noservice")
        assert await office.refused("alice", "912345678") == 503
        await office.logged("would dial 123456xx for Alice")
        call = await office.phones["alice"].call("942")
        await call.hears("digits/4")
        await call.hears_hangup()

    async def test_an_emergency_number_beats_the_group_of_the_same_number(
        self, office: Site
    ) -> None:
        assert await office.refused("alice", "112") in (480, 603)
        await office.logged('emergency call to 112 by "Alice" <101>')

    @pytest.mark.parametrize(("number", "status"), [("9", 484), ("10", 484), ("*7", 484)])
    async def test_a_number_that_could_go_on_is_incomplete(
        self, office: Site, number: str, status: int
    ) -> None:
        assert await office.refused("alice", number) == status

    async def test_the_caller_gives_up_and_nothing_rings_on(self, office: Site) -> None:
        call = await office.phones["alice"].prepare("103")
        task = asyncio.create_task(call.dial(10))
        called = await office.phones["carol"].wait_call()
        called.ring()
        await asyncio.wait_for(call.ringing.wait(), 5)
        await call.cancel()
        await called.hears_hangup()
        assert called.end_reason == "cancelled"
        with pytest.raises(CallFailed, match="487"):
            await task

    async def test_a_phone_that_a_macro_lets_ring_is_picked_up(self, office: Site) -> None:
        task = asyncio.create_task(
            office.server.post("/channels", endpoint="Local/103@phones/n", app="nobody")
        )
        called = await office.phones["carol"].wait_call()
        called.ring()
        await task
        call = await office.phones["alice"].call("*98")
        await called.hears_hangup()
        assert called.end_reason == "cancelled"
        await call.hangup()

    async def test_hints_are_shown(self, office: Site) -> None:
        hints = await office.server.cli("core show hints")
        for each in ("101@internal", "102@internal", "103@internal"):
            assert each in hints


class TestTrunk:
    @pytest_asyncio.fixture(loop_scope="module")
    async def trunk(self, site: Site) -> Site:
        await site.load("trunk.conf")
        return site

    async def test_the_first_carrier_takes_the_call_with_the_number_it_wants(
        self, trunk: Site
    ) -> None:
        async with dialling(trunk.phones["alice"], "021234567") as task:
            called = await trunk.phones["bob"].wait_call()
            assert called.invite
            assert called.invite.start.startswith("INVITE sip:4721234567@")
            assert "anonymous" in called.invite.get("From").lower()
            assert called.invite.get("X-Route") == "bob:bob"
            called.accept()
            await (await task).hangup()
            await called.hears_hangup()
        await trunk.logged("billing bob: cause 16 PJSIP")
        await trunk.logged("call ended: route bob status ANSWER")
        value = await trunk.server.get("/asterisk/variable", variable="CALLS_bob")
        assert value["value"] == "1"

    async def test_a_carrier_that_fails_is_followed_by_the_next(self, trunk: Site) -> None:
        async with dialling(trunk.phones["alice"], "004612345678") as task:
            (await trunk.phones["bob"].wait_call()).reject(503)
            called = await trunk.phones["carol"].wait_call()
            assert called.invite
            called.accept()
            await called.hangup()
            await (await task).hears_hangup()
        await trunk.logged("lcr: 4612345678 ok after 2")
        await trunk.logged("billing bob: cause 34 PJSIP")

    async def test_where_a_carrier_redirects_to_is_looked_up_in_its_own_context(
        self, trunk: Site
    ) -> None:
        async with dialling(trunk.phones["alice"], "+4788888888") as task:
            (await trunk.phones["bob"].wait_call()).reject(302, "Moved Temporarily")
            called = await trunk.phones["carol"].wait_call()  # from-itsp knows no "bob"
            called.accept()
            await called.hangup()
            await (await task).hears_hangup()
        await trunk.logged("lcr: 4788888888 ok after 2")

    async def test_a_busy_number_is_busy_whoever_carries_it(self, trunk: Site) -> None:
        async with dialling(trunk.phones["alice"], "+4711111111") as task:
            (await trunk.phones["bob"].wait_call()).reject(486)
            with pytest.raises(CallFailed, match="486"):
                await task
        await trunk.logged("lcr: 4711111111 busy after 1")

    async def test_no_carrier_is_left(self, trunk: Site) -> None:
        async with dialling(trunk.phones["alice"], "+4722222222") as task:
            (await trunk.phones["bob"].wait_call()).reject(404)
            (await trunk.phones["carol"].wait_call()).reject(404)
            with pytest.raises(CallFailed) as caught:
                await task
            assert caught.value.status == 500  # cause 38
        await trunk.logged("no carrier for +4721000000: chanunavail")

    async def test_a_carrier_without_room_is_passed_over(self, trunk: Site) -> None:
        alice, bob, carol = (trunk.phones[name] for name in ("alice", "bob", "carol"))
        async with dialling(alice, "+4733333333") as first:
            (await bob.wait_call()).accept()
            await first
            async with dialling(alice, "+4744444444") as second:
                (await carol.wait_call()).accept()
                await second
                async with dialling(alice, "+4755555555") as third:
                    (await carol.wait_call()).accept()
                    await third
                    assert await trunk.refused("alice", "+4766666666") == 503
        await trunk.logged("lcr: 4766666666 full after 2")

    async def test_a_call_comes_in_by_its_number_and_by_a_local_channel(self, trunk: Site) -> None:
        async with dialling(trunk.phones["bob"], "+4721000001") as task:
            called = await trunk.phones["alice"].wait_call()
            assert '"DID 0001" <sip:+102@' in called.remote
            called.ring()
            called.accept()
            call = await task
            await called.hangup()
            await call.hears_hangup()

    @pytest.mark.parametrize(("status", "told"), [(486, 486), (480, 480), (404, 404), (503, 503)])
    async def test_why_a_phone_refuses_is_told_through_the_local_channel(
        self, trunk: Site, status: int, told: int
    ) -> None:
        async with dialling(trunk.phones["bob"], "+4721000001") as task:
            (await trunk.phones["alice"].wait_call()).reject(status)
            with pytest.raises(CallFailed) as caught:
                await task
            assert caught.value.status == told

    async def test_a_number_that_nobody_has_is_unknown(self, trunk: Site) -> None:
        assert await trunk.refused("bob", "+4721009999") == 404
        assert await trunk.refused("bob", "1234") == 404


class TestAel:
    @pytest_asyncio.fixture(loop_scope="module")
    async def ael(self, site: Site) -> Site:
        await site.load("sample.ael", "extensions.ael")
        return site

    async def test_a_macro_rings_and_its_switch_says_what_became_of_it(self, ael: Site) -> None:
        alice, carol = ael.phones["alice"], ael.phones["carol"]
        async with dialling(alice, "103") as task:
            (await carol.wait_call()).reject()
            with pytest.raises(CallFailed, match="486"):
                await task
        await ael.logged("103 is busy")
        async with dialling(alice, "103") as task:
            (await carol.wait_call()).reject(503)
            await (await task).hears("vm-nobodyavail")
        await ael.logged("103 came out as CONGESTION")

    async def test_a_loop_counts_down_in_a_macro(self, ael: Site) -> None:
        call = await ael.phones["alice"].call("501")
        for digit in "321":
            await call.hears(f"digits/{digit}")
        await call.hears_hangup()

    async def test_a_global_variable_and_an_expression_choose_and_jump(self, ael: Site) -> None:
        call = await ael.phones["alice"].call("502")
        await call.hears("digits/3")
        await call.hangup()
        assert await ael.refused("alice", "502") == 403

    async def test_a_long_distance_call_goes_through_a_local_channel(self, ael: Site) -> None:
        call = await ael.phones["alice"].call("912125551234")
        for digit in "123":
            await call.hears(f"digits/{digit}")
        await call.hears_hangup()
        await (await ael.phones["carol"].call("912125551234")).hears("ss-noservice")

    async def test_the_demonstration_is_left_by_its_keys(self, ael: Site) -> None:
        call = await ael.phones["alice"].call("500")
        await call.hears("vm-intro", whole=False)
        await call.press("2")
        await call.hears("hello-world")
        await call.press("#")
        await call.hears("vm-goodbye")
        await call.hears_hangup()
        await ael.logged("demo left at h with 0")

    async def test_it_is_printed_as_extensions_conf(self, ael: Site) -> None:
        shown = await ael.server.cli("dialplan show ael-local")
        assert "_91NXXNXXXXXX" not in shown
        assert "'trunkld'" in shown
        assert "ael-demo|00:00-23:59|mon-sun|*|*" in shown.replace(",", "|")


class TestLua:
    @pytest_asyncio.fixture(loop_scope="module")
    async def lua(self, site: Site) -> Site:
        await site.load("sample.lua", "extensions.lua")
        return site

    async def test_functions_of_ones_own_ring_phones(self, lua: Site) -> None:
        async with dialling(lua.phones["alice"], "102") as task:
            (await lua.phones["bob"].wait_call()).reject()
            with pytest.raises(CallFailed, match="486"):
                await task
        async with dialling(lua.phones["alice"], "102") as task:
            (await lua.phones["bob"].wait_call()).reject(404)
            await (await task).hears("vm-nobodyavail")
        await lua.logged("102 came out as CHANUNAVAIL")

    async def test_the_menu_is_left_by_a_key_and_by_silence(self, lua: Site) -> None:
        call = await lua.phones["alice"].call("500")
        await call.hears("vm-intro", whole=False)
        await call.press("2")
        await call.hears("digits/4")
        await call.hears("vm-goodbye")
        await call.hears_hangup()
        await lua.logged("lua demo left, cause 16")

    async def test_calls_out_are_counted_in_the_database(self, lua: Site) -> None:
        for expected in "12":
            call = await lua.phones["alice"].call("95551234")
            await call.hears(f"digits/{expected}")
            await call.hears_hangup()
        assert await lua.refused("alice", "95559239") == 503
        await lua.logged("dialling 5559239 for 101")
