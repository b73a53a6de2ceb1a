"""The JavaScript SDK as users get it: packed, installed elsewhere, imported, required, typed."""

from __future__ import annotations

import asyncio
import json
import re
import shutil
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from arion.testing import Server, ServerConfig
from arion.testing.server import free_port

from tests.support.js_project import KIT, SDK, finish, run, start

COMPILER = SDK / "node_modules/typescript/bin/tsc"
COMPILER_OPTIONS = (
    "--noEmit", "--strict", "--skipDefaultLibCheck", "--target", "ES2022",
    "--lib", "ES2023,ESNext.Disposable,DOM",
)  # fmt: skip
# Those that are programs without arguments.
PROGRAMS = (
    "callbridge", "clicktocall", "conference", "dashboard", "followme", "hello", "ivr", "queue",
    "recording", "voiceagent", "voicemail",
)  # fmt: skip
DIALPLAN = """
[phones]
exten => 601,1,Answer()
 same => n,Echo()
exten => 602,1,Ringing()
 same => n,Wait(60)
exten => 603,1,Busy(1)
"""
PROMPTS = ("hello-world",)
IN_A_BROWSER = """
import { WebSocket } from 'ws';
const [, , url, password] = process.argv;
globalThis.WebSocket = WebSocket; // what browsers, and newer versions of Node, have themselves
const { Client } = await import('arion');
const client = new Client({ url, user: 'arion', password });
const stream = client.events('browser', { resume: 'auto', share: {} });
await stream.open();
const called = await client.dial('Local/601@phones');
const gone = called.waitGone();
await called.hangup();
await gone;
console.log('601 answered');
client.close();
"""
REGISTER_S = 20

pytestmark = [pytest.mark.slow, pytest.mark.timeout(150)]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One for all; nothing of any call may be left."""
    config = ServerConfig(dialplan=DIALPLAN, prompts=PROMPTS)
    with Server(config, tmp_path_factory.mktemp("arion")) as made:
        yield made
        assert "Traceback" not in made.log


async def test_every_example_is_a_program(js_project: Path, server: Server) -> None:
    programs = {
        name: start(
            "node", f"apps/{name}/app.mjs", cwd=js_project,
            PORT=str(free_port()), **server.environment,
        )
        for name in PROGRAMS
    }  # fmt: skip
    try:
        async with server.client() as client, asyncio.timeout(REGISTER_S):
            while not {*PROGRAMS} <= {app.name for app in await client.applications.list()}:
                for name, program in programs.items():
                    assert program.poll() is None, f"{name}: {program.communicate()[0]}"
                await asyncio.sleep(0.05)
    finally:
        for program in programs.values():
            program.send_signal(signal.SIGTERM)
    for name, program in programs.items():
        output = finish(program, 10)
        assert "Error" not in output, f"{name}: {output}"


def test_browsers_get_no_node_modules(js_project: Path) -> None:
    for source in (js_project / "node_modules/arion/dist/esm").rglob("*.js"):
        if "testing" not in source.parts and source.name != "ws-node.js":
            text = source.read_text("utf-8")
            assert not re.search(r"from '(ws|node:\w+)'", text), source


def test_what_browsers_get_works_with_their_websocket(
    js_project: Path, server: Server, tmp_path: Path
) -> None:
    """As a bundler has it: without the condition ``node``."""
    shutil.copytree(js_project / "node_modules", tmp_path / "node_modules")
    manifest = tmp_path / "node_modules/arion/package.json"
    described = json.loads(manifest.read_text())
    del described["imports"]["#websocket"]["node"]
    manifest.write_text(json.dumps(described))
    (tmp_path / "browser.mjs").write_text(IN_A_BROWSER)
    output = run("node", "browser.mjs", server.url, server.password, cwd=tmp_path)
    assert output == "601 answered\n"


def test_the_types_hold_for_users(js_project: Path) -> None:
    compilers = [
        start(
            "node", COMPILER, *COMPILER_OPTIONS, "--module", module,
            "--moduleResolution", resolution, "types-test/app.ts", cwd=js_project,
        )
        for module, resolution in (("Node16", "Node16"), ("Preserve", "Bundler"))
    ]  # fmt: skip
    for compiler in compilers:
        finish(compiler)


def test_calls_streams_require_test_kit_and_examples(js_project: Path, server: Server) -> None:
    here = js_project / "tests"
    tests = sorted(str(path.relative_to(js_project)) for path in here.glob("*.test.*"))
    output = run(
        "node", "--test", "--test-timeout=60000", "--test-concurrency=2",
        "apps/all.test.mjs", *tests, cwd=js_project,
        HELLO=str(js_project / "apps/hello/app.mjs"), **server.environment, **KIT,
    )  # fmt: skip
    assert "# fail 0" in output
    assert "# pass 88" in output
