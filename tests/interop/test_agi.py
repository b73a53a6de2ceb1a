"""Scripts and script servers that use published libraries, and call files, on a whole server."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from arion.testing import Call, Phone
from first_config import ROOT, SOUNDS

from tests.support.server_process import ServerProcess

SCRIPTS = Path(__file__).parent / "agi"
EXAMPLES = ROOT / "examples/agi"
CLIENTS = ROOT / "build/clients"
PYTHON = CLIENTS / "python/bin/python"
NODE_MODULES = CLIENTS / "node/node_modules"
PROMPT = "hello-world"
IS_INSTALLED = (PYTHON.exists() and NODE_MODULES.is_dir()) or bool(os.environ.get("CI"))

pytestmark = [
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.skipif(not IS_INSTALLED, reason="the clients are not installed; see make interop"),
]
DIALPLAN = """
[phones](+)
exten => 900,1,AGI(menu.sh,hello-world)
exten => 901,1,AGI(menu.pl,hello-world)
exten => 902,1,AGI(menu.py,hello-world)
exten => 903,1,AGI(agi://127.0.0.1:{panoramisk}/menu)
 same => n,Hangup()
exten => 904,1,AGI(agi://127.0.0.1:{ding_dong}/menu)
 same => n,Hangup()
exten => 905,1,Answer()
 same => n,EAGI(listen.sh)
 same => n,Hangup()
exten => 906,1,ExternalIVR(ivr.sh(hello-world))
 same => n,Hangup()
exten => 907,1,Answer()
 same => n,AGI(sleep.sh)
exten => 908,1,Answer()
 same => n,AGI(agi://127.0.0.1:{deaf}/x)
exten => 920,1,AGI(example.sh)
 same => n,Set(GLOBAL(RESULT)=example ${{KEY}})
exten => 921,1,AGI(example.py)
 same => n,Set(GLOBAL(RESULT)=example ${{KEY}})
exten => 922,1,AGI(agi://127.0.0.1:{example}/menu)
 same => n,Set(GLOBAL(RESULT)=example ${{KEY}})
exten => 910,1,Set(GLOBAL(RESULT)=called ${{WHO}})
 same => n,Playback(hello-world)
 same => n,Hangup()
exten => h,1,Set(GLOBAL(ENDED)=${{AGISTATUS}})
"""
LISTEN = """#!/bin/sh
while read -r line && [ -n "$line" ]; do :; done
head -c 24000 <&3 > {target}
echo 'SET VARIABLE GLOBAL(RESULT) "heard"'; read -r reply
"""
IVR = """#!/bin/sh
echo "A,$1"
while read -r event; do
	case $event in
	F,*) echo "V,GLOBAL(RESULT)=ivr" ;;
	5,*) echo "E,done"; exit 0 ;;
	esac
done
"""


def executable(path: Path, text: str) -> None:
    path.write_text(text, "utf-8")
    path.chmod(0o755)


@contextlib.asynccontextmanager
async def script_server(*command: str | Path) -> AsyncIterator[int]:
    """Run a FastAGI server; gives its port."""
    process = await asyncio.create_subprocess_exec(
        *command,
        env={**os.environ, "NODE_PATH": str(NODE_MODULES)},
        stdout=asyncio.subprocess.PIPE,
    )
    try:
        assert process.stdout
        yield int(await asyncio.wait_for(process.stdout.readline(), 20))
    finally:
        process.kill()
        await process.wait()


async def say_nothing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while await reader.readline() not in (b"", b"HANGUP\n"):
        pass
    writer.close()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def server(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[ServerProcess]:
    """One server for all of them; in the end nothing of any call is left."""
    made = ServerProcess(tmp_path_factory.mktemp("agi") / "var")
    bin_dir = made.var / "lib/agi-bin"
    bin_dir.mkdir(parents=True)
    for name in ("menu.sh", "menu.pl"):
        shutil.copy(SCRIPTS / name, bin_dir)
    for suffix in ("sh", "py"):
        shutil.copy(EXAMPLES / f"menu.{suffix}", bin_dir / f"example.{suffix}")
    executable(bin_dir / "menu.py", f"#!{PYTHON}\n{(SCRIPTS / 'menu.py').read_text('utf-8')}")
    executable(bin_dir / "listen.sh", LISTEN.format(target=made.var / "heard.sln"))
    executable(bin_dir / "ivr.sh", IVR)
    executable(bin_dir / "sleep.sh", "#!/bin/sh\nexec sleep 600\n")
    deaf = await asyncio.start_server(say_nothing, "127.0.0.1", 0)
    async with (
        deaf,
        script_server(PYTHON, SCRIPTS / "server.py") as panoramisk,
        script_server("node", SCRIPTS / "server.cjs") as ding_dong,
        script_server(sys.executable, EXAMPLES / "menu.py", "--serve", "0") as example,
    ):
        with (made.var / "etc/extensions.conf").open("a", encoding="utf-8") as dialplan:
            ports = {"panoramisk": panoramisk, "ding_dong": ding_dong, "example": example}
            port = deaf.sockets[0].getsockname()[1]
            dialplan.write(DIALPLAN.format(**ports, deaf=port))
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
    async with Phone(
        "alice", server.access.phones["alice"], server=server.sip, sounds=SOUNDS / "sounds"
    ) as phone:
        assert await phone.register() == 200
        yield phone


async def variable(server: ServerProcess, name: str = "RESULT") -> str:
    """Wait for a global variable, and take it away for the next test."""
    value = ""

    async def is_set() -> bool:
        nonlocal value
        with contextlib.suppress(AssertionError):  # 404 until it is set
            value = (await server.get("/asterisk/variable", variable=name))["value"]
        return bool(value)

    await server.until(is_set, 10, f"{name} to be set")
    await server.post("/asterisk/variable", variable=name, value="")
    return value


async def ended(call: Call) -> None:
    await asyncio.wait_for(call.ended.wait(), 15)


@pytest.mark.parametrize(
    ("number", "result"),
    [
        ("900", "shell 55"),
        ("903", "panoramisk 7 menu"),
        ("904", "ding-dong 7"),
    ],
)
async def test_a_script_plays_and_reads_a_key(
    server: ServerProcess, alice: Phone, number: str, result: str
) -> None:
    call = await alice.call(number)
    await call.hears(PROMPT)
    await call.press("7")
    assert await variable(server) == result
    await ended(call)


@pytest.mark.parametrize("number", ["920", "921", "922"])
async def test_the_examples_say_the_key(server: ServerProcess, alice: Phone, number: str) -> None:
    call = await alice.call(number)
    await call.hears(PROMPT, whole=False)
    await call.press("4")
    await call.hears("digits/4")
    assert await variable(server) == "example 4"
    await ended(call)


async def test_perl_with_asterisk_agi(server: ServerProcess, alice: Phone) -> None:
    call = await alice.call("901")
    await call.hears(PROMPT)
    await call.press("7")
    assert await variable(server) == "perl 7 901@phones"
    await call.hears(PROMPT)
    await ended(call)


async def test_pyst2_goes_on_after_the_caller_hung_up(server: ServerProcess, alice: Phone) -> None:
    call = await alice.call("902")
    await call.hears(PROMPT)
    await call.press("42")
    assert await variable(server) == "pyst2 42 902"
    assert await variable(server, "STATUS") == "6"
    await asyncio.sleep(0.3)
    await call.hangup()
    assert await variable(server, "AFTER") == "tidied up"
    assert await variable(server, "ENDED") == "HANGUP"


async def test_a_key_interrupts_and_says_where(server: ServerProcess, alice: Phone) -> None:
    call = await alice.call("900")
    await call.hears(PROMPT, whole=False)
    await call.press("1")
    await asyncio.sleep(0.1)
    await call.press("9")
    assert await variable(server) == "shell 57"
    await ended(call)


async def test_eagi_hears_what_the_caller_says(
    server: ServerProcess, alice: Phone, speech: Path
) -> None:
    call = await alice.call("905")
    await call.says(speech)
    await call.says(speech)
    assert await variable(server) == "heard"
    await ended(call)
    heard = (server.var / "heard.sln").read_bytes()
    assert len(heard) == 24000
    samples = memoryview(heard).cast("h")
    assert max(samples) > 2000
    assert min(samples) < -2000


async def test_an_external_ivr_plays_and_hears_keys(server: ServerProcess, alice: Phone) -> None:
    call = await alice.call("906")
    await call.hears(PROMPT)
    assert await variable(server) == "ivr"
    await call.press("5")
    await ended(call)


async def test_scripts_that_hang_delay_no_other_call_and_end_with_theirs(
    server: ServerProcess, alice: Phone
) -> None:
    hanging = [await alice.call(number) for number in ("907", "908") * 5]
    call = await alice.call("900")
    await call.hears(PROMPT)
    await call.press("7")
    assert await variable(server) == "shell 55"
    await ended(call)
    for each in hanging:
        await each.hangup()


async def test_a_call_file_calls_and_is_archived(server: ServerProcess, alice: Phone) -> None:
    file = server.var / "spool/alice.call"
    file.write_text(
        "Channel: PJSIP/alice\nContext: phones\nExtension: 910\nSetvar: WHO=alice\n"
        "CallerID: Arion <1>\nArchive: yes\n"
    )
    file.rename(server.var / "spool/outgoing/alice.call")
    call = await alice.wait_call()
    call.accept()
    await call.hears(PROMPT)
    assert await variable(server) == "called alice"
    await ended(call)
    done = server.var / "spool/outgoing_done/alice.call"

    async def is_done() -> bool:
        return done.exists() and "Status" in done.read_text()

    await server.until(is_done, 5, "the file to be archived")
    assert done.read_text().endswith("Status: Completed\n")
    assert list((server.var / "spool/outgoing").iterdir()) == []
