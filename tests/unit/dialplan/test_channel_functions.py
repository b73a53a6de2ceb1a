"""Functions on groups, locks, other channels, subroutines and the server."""

from __future__ import annotations

from pathlib import Path

import pytest

from server.base import suspension
from server.base.errors import Forbidden, InvalidArgument
from server.dialplan.functions.groups import Groups
from server.dialplan.functions.locks import Locks
from server.dialplan.functions.others import ManagerLogins
from server.dialplan.scope import Scope
from server.resources.channel import Channel
from server.resources.modules import Module
from tests.support.dialplan import DialplanUnderTest
from tests.support.node import settle


async def value(dut: DialplanUnderTest, channel: Channel | None, text: str) -> str:
    return await suspension.call(Scope(dut.dialplan, channel).substitute, f"${{{text}}}")


def put(dut: DialplanUnderTest, channel: Channel, name: str, text: str) -> None:
    Scope(dut.dialplan, channel).set(name, text)


@pytest.fixture
async def pair(dut: DialplanUnderTest) -> tuple[Channel, Channel]:
    first = await dut.run("WaitDigit()")
    return first, await dut.call("s", endpoint="bob")


Pair = tuple[Channel, Channel]


class TestGroups:
    async def test_channels_are_counted_by_group(self, dut: DialplanUnderTest, pair: Pair) -> None:
        first, second = pair
        put(dut, first, "GROUP()", "trunk")
        put(dut, second, "GROUP()", "Trunk")
        put(dut, second, "GROUP(out)", "trunk")
        put(dut, second, "GROUP()", "Trunk@in")
        for text, result in [
            ("GROUP()", "trunk"), ("GROUP_COUNT(trunk)", "4"),
            ("GROUP_COUNT()", "4"), ("GROUP_COUNT(trunk@out)", "1"),
            ("GROUP_COUNT(none)", "0"), ("GROUP_MATCH_COUNT(^t)", "2"),
            ("GROUP_MATCH_COUNT(runk)", "4"), ("GROUP_MATCH_COUNT(runk@^o)", "1"),
            ("GROUP_LIST()", "trunk"),
        ]:  # fmt: skip
            assert await value(dut, first, text) == result, text
        assert await value(dut, second, "GROUP_LIST()") == "Trunk trunk@out Trunk@in"
        assert await value(dut, second, "GROUP(OUT)") == "trunk"
        assert await value(dut, second, "GROUP(nowhere)") == ""

    async def test_a_channel_is_in_one_group_of_a_category(
        self, dut: DialplanUnderTest, pair: Pair
    ) -> None:
        put(dut, pair[0], "GROUP(c)", "a")
        put(dut, pair[0], "GROUP(C)", "b")
        assert await value(dut, pair[1], "GROUP_COUNT(a@c)") == "0"
        assert await value(dut, pair[1], "GROUP_COUNT(b@c)") == "1"
        put(dut, pair[0], "GROUP(c)", "")
        assert await value(dut, pair[1], "GROUP_COUNT(b)") == "0"
        assert await value(dut, pair[1], "GROUP_COUNT()") == "0"

    async def test_who_has_left_is_not_counted(self, dut: DialplanUnderTest, pair: Pair) -> None:
        put(dut, pair[0], "GROUP()", "g")
        pair[0].hangup()
        await settle()
        assert await value(dut, pair[1], "GROUP_COUNT(g)") == "0"
        assert dut.dialplan.part(Groups).of(pair[0]) == []


class TestLocks:
    async def test_a_lock_is_held_by_one(self, dut: DialplanUnderTest, pair: Pair) -> None:
        first, second = pair
        assert await value(dut, first, "LOCK(l)") == "1"
        assert await value(dut, second, "TRYLOCK(l)") == "0"
        assert await value(dut, second, "UNLOCK(l)") == "0"
        assert await value(dut, first, "TRYLOCK(l)") == "1"
        assert await value(dut, first, "UNLOCK(l)") == "1"
        assert await value(dut, second, "TRYLOCK(l)") == "0"
        assert await value(dut, first, "UNLOCK(l)") == "1"
        assert await value(dut, first, "UNLOCK(l)") == "0"
        assert await value(dut, second, "TRYLOCK(l)") == "1"

    async def test_who_waits_gets_it_in_turn(self, dut: DialplanUnderTest) -> None:
        dut.load(
            """
            exten => s,1,Set(GOT=${LOCK(l)})
            same => n,WaitDigit()
            same => n,Set(GAVE=${UNLOCK(l)})
            same => n,WaitDigit()
            """
        )
        first, second, third = [await dut.call("s") for _ in range(3)]
        assert [each.variables.get("GOT") for each in (first, second, third)] == ["1", None, None]
        first.on_dtmf("1", 100)
        await settle()
        assert [each.variables.get("GOT") for each in (first, second, third)] == ["1", "1", None]
        second.hangup()
        await settle()
        assert third.variables.get("GOT") == "1"

    async def test_who_gives_up_waiting_gets_nothing(self, dut: DialplanUnderTest) -> None:
        dut.load("exten => s,1,Set(GOT=${LOCK(l)})\nsame => n,WaitDigit()")
        first, second = await dut.call("s"), await dut.call("s")
        second.hangup()
        await settle()
        first.hangup()
        await settle()
        assert len(dut.dialplan.part(Locks)) == 0

    async def test_two_who_want_each_others_lock_are_not_stuck(
        self, dut: DialplanUnderTest, pair: Pair, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("server.dialplan.functions.locks.DEADLOCK_TIMEOUT", 0.0)
        first, second = pair
        assert await value(dut, first, "LOCK(a)") == "1"
        assert await value(dut, second, "LOCK(b)") == "1"
        assert await value(dut, first, "LOCK(b)") == "0"
        assert await value(dut, second, "LOCK(a)") == "0"

    async def test_a_name_is_needed(self, dut: DialplanUnderTest, pair: Pair) -> None:
        assert await value(dut, pair[0], "LOCK()") == ""


async def test_other_channels_are_seen(dut: DialplanUnderTest, pair: Pair) -> None:
    first, second = pair
    put(dut, second, "X", "5")
    for text, result in [
        ("CHANNELS()", f"{first.name} {second.name}"),
        ("CHANNELS(bob)", second.name),
        ("CHANNELS(nobody)", ""),
        (f"CHANNEL_EXISTS({second.name})", "1"),
        (f"CHANNEL_EXISTS({second.id})", "1"),
        ("CHANNEL_EXISTS(PJSIP/none)", "0"),
        (f"IMPORT({second.name},X)", "5"),
        (f"IMPORT({second.name},CALLERID(num))", "bob"),
        ("IMPORT(PJSIP/none,X)", ""),
        (f"IMPORT({second.name})", ""),
        ("MASTER_CHANNEL(CALLERID(num))", "alice"),
    ]:
        assert await value(dut, first, text) == result, text
    put(dut, first, f"EXPORT({second.name},Y)", "6")
    assert second.variables.get("Y") == "6"
    with pytest.raises(InvalidArgument):
        put(dut, first, "EXPORT(PJSIP/none,Y)", "6")
    second.linkedid = first.id
    put(dut, second, "MASTER_CHANNEL(Z)", "7")
    assert first.variables.get("Z") == "7"


@pytest.mark.parametrize(
    ("setup", "text", "result"),
    [
        ("", "CHANNEL(amaflags)", "3"),
        ("CHANNEL(amaflags)=billing", "CHANNEL(amaflags)", "2"),
        ("", "CHANNEL(transfercapability)", "SPEECH"),
        ("CHANNEL(parkinglot)=lot", "CHANNEL(parkinglot)", "lot"),
        ("", "CHANNEL(hangupsource)", ""),
        ("", "CHANNEL(peer)", ""),
        ("LOG_GROUP()=g", "CHANNEL(parkinglot)", ""),
        ("DIALGROUP(g)=PJSIP/a&PJSIP/b", "DIALGROUP(g)", "PJSIP/a&PJSIP/b"),
        ("DIALGROUP(g)=a&b;DIALGROUP(g,add)=c", "DIALGROUP(g)", "a&b&c"),
        ("DIALGROUP(g)=a&b;DIALGROUP(g,add)=a", "DIALGROUP(g)", "a&b"),
        ("DIALGROUP(g)=a&b;DIALGROUP(g,del)=a", "DIALGROUP(g)", "b"),
        ("DIALGROUP(g)=a;DIALGROUP(g,del)=a", "DIALGROUP(g)", ""),
        ("DIALGROUP(g)=a;DIALGROUP(g)=", "DIALGROUP(g)", ""),
        ("", "BLACKLIST()", "0"),
        ("DB(blacklist/alice)=1", "BLACKLIST()", "1"),
        ("DB(blacklist/Alice)=1", "BLACKLIST()", "1"),
        ("", "VERSION(ASTERISK_VERSION_NUM)", "230100"),
        ("", "VERSION(BUILD_OS)", "Linux"),
        ("", "SYSINFO(numcalls)", "1"),
        ("", "IFMODULE(func_none.so)", "0"),
        ("", "IFMODULE(func_test.so)", "1"),
        ("", "IFMODULE(func_test)", "1"),
        ("", "SAYFILES(a1)", "letters/a&digits/1"),
        ("", "SAYFILES(12,digits)", "digits/1&digits/2"),
        ("", "SAYFILES(a,phonetic)", "phonetic/a_p"),
        ("", "SAYFILES(21,number)", "digits/20&digits/1"),
        ("", "SAYFILES(3,ordinal)", "digits/h-3"),
        ("", "SAYFILES(1.05,money)", "digits/1&letters/dollar&and&digits/5&cents"),
        ("CHANNEL(language)=de", "SAYFILES(21,number)", "digits/1-and&digits/20"),
        ("", "SAYFILES(x,number)", ""),
        ("", "SAYFILES(x,nosuch)", ""),
        ("", "SAYFILES()", ""),
        ("", "STACK_PEEK(1,l,quiet)", ""),
        ("X=1", "LOCAL_PEEK(0,X)", "1"),
        ("X=1", "LOCAL_PEEK(1,X)", ""),
    ],
)
async def test_what_channel_and_server_are(
    dut: DialplanUnderTest, setup: str, text: str, result: str
) -> None:
    dut.dialplan.modules = dut.under.modules
    dut.under.modules.add(Module("func_test.so", "of the test"))
    channel = await dut.run("WaitDigit()")
    for assignment in filter(None, setup.split(";")):
        name, _, assigned = assignment.partition("=")
        put(dut, channel, name, assigned)
    assert await value(dut, channel, text) == result


@pytest.mark.parametrize(
    "item",
    ["loadavg", "uptime", "totalram", "freeram", "bufferram", "totalswap", "freeswap", "numprocs"],
)
async def test_the_machine_is_described_in_numbers(dut: DialplanUnderTest, item: str) -> None:
    assert float(await value(dut, None, f"SYSINFO({item})")) >= 0


@pytest.mark.parametrize(
    "text",
    ["SYSINFO(x)", "VERSION(x)", "STACK_PEEK(0,l)", "STACK_PEEK(1,l)", "LOCAL_PEEK(1)",
     "EVAL_EXTEN(nowhere,s,1)", "EVAL_SUB(nowhere,s,1)", "DIALGROUP()", "AST_SORCERY(a,b)",
     "AST_CONFIG(a,b)", "AST_CONFIG(none.conf,a,b)", "AST_CONFIG(../x,a,b)", "GROUP_MATCH_COUNT()",
     "CHANNELS([)"],
)  # fmt: skip
async def test_what_makes_no_sense_is_empty(dut: DialplanUnderTest, text: str) -> None:
    channel = await dut.run("WaitDigit()")
    assert await value(dut, channel, text) == ""


async def test_a_uuid_is_new_each_time(dut: DialplanUnderTest) -> None:
    first, second = await value(dut, None, "UUID()"), await value(dut, None, "UUID()")
    assert len(first) == 36
    assert first != second


async def test_subroutines_are_looked_at_and_run(dut: DialplanUnderTest) -> None:
    dut.load(
        """
        [default]
        exten => s,1,Set(V=outer)
        same => n,Set(SUM=${EVAL_SUB(sub,s,1(2,3))})
        same => n,Set(TEXT=${EVAL_EXTEN(texts,s,1)})
        same => n,Set(AFTER=${PRIORITY})
        same => n,Gosub(deep,s,1)
        same => n,WaitDigit()
        [sub]
        exten => s,1,Return($[${ARG1}+${ARG2}])
        [texts]
        exten => s,1,Return(V is ${V})
        [deep]
        exten => s,1,Set(LOCAL(V)=inner)
        same => n,Set(PEEK=${STACK_PEEK(1,l)} ${STACK_PEEK(1,c)} ${STACK_PEEK(1,e)})
        same => n,Set(PEEK=${PEEK} ${STACK_PEEK(1,p)})
        same => n,Set(HIDDEN=${LOCAL_PEEK(0,V)}-${LOCAL_PEEK(1,V)}-${LOCAL_PEEK(2,V)})
        same => n,Return()
        """
    )
    channel = await dut.call()
    for _ in range(5):
        await settle()
    wanted = {
        "SUM": "5",
        "TEXT": "V is outer",
        "AFTER": "4",
        "PEEK": "default,s,5 default s 5",
        "HIDDEN": "inner-outer-",
    }
    assert {name: channel.variables.get(name) for name in wanted} == wanted


async def test_configuration_is_read_from_its_folder_only(
    dut: DialplanUnderTest, tmp_path: Path
) -> None:
    constants = {"ASTETCDIR": str(tmp_path)}
    dut.dialplan.settings = type(dut.dialplan.settings)(constants=constants)
    (tmp_path / "my.conf").write_text("[a]\nx = 1\nx = 2\ny = 3\n")
    for text, result in [
        ("AST_CONFIG(my.conf,a,y)", "3"),
        ("AST_CONFIG(my.conf,a,x)", "1"),
        ("AST_CONFIG(my.conf,a,x,1)", "2"),
        ("AST_CONFIG(my.conf,a,x,-1)", "2"),
        ("AST_CONFIG(my.conf,a,x,2)", ""),
        ("AST_CONFIG(my.conf,b,x)", ""),
        ("AST_CONFIG(/etc/hostname,b,x)", ""),
    ]:
        assert await value(dut, None, text) == result, text


async def test_objects_of_the_configuration_are_read(dut: DialplanUnderTest) -> None:
    dut.dialplan.dynamic_config = dut.under.dynamic_config
    dut.under.dynamic_config.update("res_pjsip", "auth", "me", fields=[
        {"attribute": "auth_type", "value": "userpass"}, {"attribute": "username", "value": "u"},
        {"attribute": "password", "value": "p"}])  # fmt: skip
    assert await value(dut, None, "AST_SORCERY(res_pjsip,auth,me,username)") == "u"
    assert await value(dut, None, "AST_SORCERY(res_pjsip,auth,me,username,single,1)") == "u"
    assert await value(dut, None, "AST_SORCERY(res_pjsip,auth,me,username,single,2)") == ""
    assert await value(dut, None, "AST_SORCERY(res_pjsip,auth,me,nosuch)") == ""


@pytest.mark.parametrize(
    "text", ["LOCK(l)", "UNLOCK(l)", "TRYLOCK(l)", "SHELL(true)", "FILE(x)", "STAT(e,x)"]
)
async def test_what_could_do_harm_is_refused_from_outside(
    dut: DialplanUnderTest, pair: Pair, text: str
) -> None:
    with pytest.raises(Forbidden):
        dut.dialplan.read(pair[0], text)


async def test_the_place_before_is_known(dut: DialplanUnderTest) -> None:
    dut.load("""
        [default]
        exten => s,1,Goto(there,9,1)
        [there]
        exten => 9,1,Set(A=${CHANNEL(lastexten)}@${CHANNEL(lastcontext)})
        same => n,WaitDigit()
    """)
    channel = await dut.call()
    assert dut.value(channel, "A") == "s@default"


async def test_sessions_of_the_manager_interface_are_counted_by_who_serves_it(
    dut: DialplanUnderTest,
) -> None:
    channel = await dut.run("Set(A=${AMI_CLIENT(admin,sessions)})\nWaitDigit()")
    assert dut.value(channel, "A") == "0"
    dut.dialplan.part(ManagerLogins).count = {"admin": 2}.__getitem__
    assert Scope(dut.dialplan, channel).evaluate_function("AMI_CLIENT", "admin,sessions") == "2"
    with pytest.raises(InvalidArgument):
        Scope(dut.dialplan, channel).evaluate_function("AMI_CLIENT", "admin,colour")
