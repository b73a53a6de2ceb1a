"""What callers could try on a careless dialplan, on the real server."""

from __future__ import annotations

import asyncio
import sqlite3
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from arion.testing import Call, CallFailed, Phone

from tests.support.server_process import ServerProcess

pytestmark = pytest.mark.asyncio(loop_scope="module")

DIALPLAN = """
[phones]
exten => _sys.,1,System(printf '%s\\n' '${FILTER(0-9A-Za-z,${EXTEN:3})}' >> {root}/shell)
 same => n,System(printf '[%s]\\n' "${EXTEN:3}" >> {root}/careless)
 same => n,Hangup(21)
exten => _rec.,1,Answer()
 same => n,Record(${EXTEN:3}.wav,1,1,qn)
 same => n,Set(GLOBAL(RECORDED)=${RECORD_STATUS})
 same => n,Hangup()
exten => _agi.,1,AGI(${EXTEN:3})
 same => n,Set(GLOBAL(AGI)=${AGISTATUS})
 same => n,Hangup(21)
exten => _fil.,1,Set(GLOBAL(READ)=${AST_CONFIG(${EXTEN:3},general,static)})
 same => n,Hangup(21)
exten => _hdr.,1,Set(CALLERID(name)=${EXTEN:3})
 same => n,Set(CALLERID(num)=${URIDECODE(${EXTEN:3})})
 same => n,Dial(PJSIP/bob,5)
exten => _db.,1,Set(DB(dialled/${EXTEN:2})=${EXTEN:2})
 same => n,Hangup(21)
exten => _var.,1,Set(TEXT=${EXTEN:3})
 same => n,Set(GLOBAL(VALUE)=<${TEXT}>)
 same => n,Hangup(21)
exten => _re.,1,Set(GLOBAL(MATCH)=${REGEX("^(a+)+$" ${EXTEN:2})})
 same => n,Set(GLOBAL(MATCH)=${MATCH}$["${EXTEN:2}" =~ "^(a|a)*b$"])
 same => n,Hangup(21)
exten => loop,1,Goto(loop,1)
exten => deep,1,Gosub(deep,1)
exten => macro,1,Macro(itself)
 same => n,Hangup(21)
exten => eval,1,Set(TEXT=\\${EVAL(\\${TEXT})})
 same => n,Set(GLOBAL(EVALUATED)=(${EVAL(${TEXT})}))
 same => n,Hangup(21)
exten => quotes,1,Set(GLOBAL(A)=$["abc = 1])
 same => n,Set(GLOBAL(B)=${EXTEN)
 same => n,Set(GLOBAL(C)=${CUT("a-b,-,1)})
 same => n,NoOp("unterminated)
 same => n,Log(NOTICE,"open to the end)
 same => n,GotoIf($[1 + ]?nowhere,1)
 same => n,Set(GLOBAL(D)=through)
 same => n,Hangup(21)
exten => circle,1,Dial(Local/circle@phones)
exten => 600,1,Answer()
 same => n,Hangup()
include => first
[first]
include => second
[second]
include => first
[macro-itself]
exten => s,1,Macro(itself)
"""
QUICK = 2.0  # seconds for another call while one is stuck


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def server(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[ServerProcess]:
    root = tmp_path_factory.mktemp("hostile")
    made = ServerProcess(root / "var")
    text = DIALPLAN.replace("{root}", str(root))
    (made.var / "etc/extensions.conf").write_text(text, "utf-8")
    await made.start()
    try:
        yield made
        assert await made.leftovers() == []
        assert "Traceback" not in made.log
        assert await made.stop() == 0
    finally:
        if made.process and made.process.returncode is None:
            await made.kill()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def alice(server: ServerProcess) -> AsyncIterator[Phone]:
    async with Phone("alice", server.access.phones["alice"], server=server.sip) as phone:
        yield phone


async def refused(phone: Phone, number: str) -> int:
    """Dial what is never answered; return the status."""
    with pytest.raises(CallFailed) as caught:
        await phone.call(number)
    return caught.value.status


async def value(server: ServerProcess, name: str) -> str:
    return str((await server.get("/asterisk/variable", variable=name))["value"])


def lines(server: ServerProcess, name: str) -> list[str]:
    path = server.var.parent / name
    return path.read_bytes().decode().split("\n")[:-1] if path.exists() else []


async def test_control_characters_reach_no_shell(server: ServerProcess, alice: Phone) -> None:
    for tail in ("1%0A2", "3%0D%0Atouch%20x", "4%1B5", "6%007"):
        await refused(alice, f"sys{tail}")
    assert lines(server, "shell") == ["12", "3touchx", "45", "67"]
    assert lines(server, "careless") == ["[12]", "[3touch x]", "[45]", "[67]"]


async def test_filter_lets_through_nothing_that_a_shell_understands(
    server: ServerProcess, alice: Phone
) -> None:
    before = len(lines(server, "shell"))
    for tail in ("%27;touch%20{0};%27", "$(touch%20{0})", "%60touch%20{0}%60", "|touch%20{0}"):
        await refused(alice, "sys" + tail.format("%2Ftmp%2Farion-owned"))
    assert len(lines(server, "shell")) == before + 4
    assert all(line.isalnum() for line in lines(server, "shell"))


@pytest.mark.parametrize("name", ["..%2F..%2F..%2Fetc%2Fowned", "%2Fetc%2Fowned"])
async def test_a_recording_leaves_its_folder_by_no_number(
    server: ServerProcess, alice: Phone, name: str
) -> None:
    call = await alice.call(f"rec{name}")
    await call.hears_hangup()
    assert await value(server, "RECORDED") == "ERROR"
    assert not Path("/etc/owned.wav").exists()


@pytest.mark.parametrize("name", ["..%2F..%2Fbin%2Fsh", "a%20b", "%2E%2E"])
async def test_a_script_is_looked_for_in_its_folder(
    server: ServerProcess, alice: Phone, name: str
) -> None:
    await refused(alice, f"agi{name}")
    assert await value(server, "AGI") == "NOTFOUND"


async def test_a_configuration_is_read_from_its_folder_only(
    server: ServerProcess, alice: Phone
) -> None:
    await refused(alice, "fil..%2F..%2F..%2Fetc%2Fpasswd")
    assert await value(server, "READ") == ""


async def test_a_number_adds_no_header(server: ServerProcess, alice: Phone) -> None:
    async with Phone("bob", server.access.phones["bob"], server=server.sip) as bob:
        assert await bob.register() == 200
        task = asyncio.create_task(alice.call("hdr1%250d%250aX-Evil:%20yes"))
        called = await bob.wait_call()
        assert called.invite
        assert not called.invite.get("X-Evil")
        called.reject()
        with pytest.raises(CallFailed):
            await task


async def test_a_number_is_no_part_of_a_database_statement(
    server: ServerProcess, alice: Phone
) -> None:
    evil = "1%27);DROP%20TABLE%20astdb;--"
    await refused(alice, f"db{evil}")
    shown = await server.cli("dialplan eval function DB_KEYS(dialled)")
    assert "1');DROP TABLE astdb;--" in shown
    paths = [path for path in server.var.rglob("*.sqlite3") if "astdb" in path.name]
    with sqlite3.connect(f"file:{paths[0]}?mode=ro", uri=True) as database:
        assert database.execute("SELECT count(*) FROM sqlite_master").fetchone() != (0,)


@pytest.mark.parametrize(
    "text", ["${SHELL(id)}", "$[1 + 1]", "${EXTEN}", "\\${A}", "${EVAL(${SHELL(id)})}"]
)
async def test_a_number_is_text_and_no_program(
    server: ServerProcess, alice: Phone, text: str
) -> None:
    escaped = "".join(f"%{ord(letter):02X}" for letter in text)
    await refused(alice, f"var{escaped}")
    assert await value(server, "VALUE") == f"<{text}>"


async def test_no_number_makes_a_regular_expression_take_long(
    server: ServerProcess, alice: Phone
) -> None:
    begin = time.monotonic()
    await refused(alice, "re" + "a" * 60 + "!")
    assert time.monotonic() - begin < QUICK
    assert await value(server, "MATCH") == "0"  # and nothing, since the second one has a group


@pytest.mark.parametrize("number", ["macro", "deep", "circle", "eval"])
async def test_what_goes_on_without_end_is_ended(alice: Phone, number: str) -> None:
    begin = time.monotonic()
    assert await refused(alice, number) >= 400
    assert time.monotonic() - begin < 10


async def test_a_loop_delays_no_other_call_and_ends_with_its_own(
    server: ServerProcess, alice: Phone
) -> None:
    stuck: Call = await alice.prepare("loop")
    task = asyncio.create_task(stuck.dial(20))

    async def is_there() -> bool:
        return any(c["dialplan"]["exten"] == "loop" for c in await server.get("/channels"))

    await server.until(is_there, 5, "the loop")
    begin = time.monotonic()
    await (await alice.call("600")).hears_hangup()
    assert time.monotonic() - begin < QUICK
    await stuck.cancel()
    with pytest.raises(CallFailed, match="487"):
        await task


async def test_quotes_and_brackets_that_are_open_stop_no_call(
    server: ServerProcess, alice: Phone
) -> None:
    assert await refused(alice, "quotes") == 403
    assert await value(server, "D") == "through"
    assert "extensions.conf:" in server.log
