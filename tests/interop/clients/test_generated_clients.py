"""Clients that generators make from the OpenAPI document steer a call on the first try."""

from __future__ import annotations

import json
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from arion.testing import Phone

from tests.interop.clients.conftest import Client, Runner, run_tool
from tests.support.server_process import EventStream, ServerProcess

HERE = Path(__file__).parent
ENDPOINT = "PJSIP/alice"
COMPILER_OPTIONS = (
    *("--strict", "--skipLibCheck", "--target", "es2022", "--lib", "es2022,dom", "--types", "node"),
    *("--module", "commonjs", "--moduleResolution", "node10", "--ignoreDeprecations", "5.0"),
)
EVENT = {
    "type": "StasisStart",
    "application": "tests",
    "timestamp": "2026-01-31T23:59:59.123+0000",
    "args": ["one"],
    "channel": {
        "id": "1.1",
        "protocol_id": "",
        "name": "PJSIP/alice-00000001",
        "state": "Up",
        "caller": {"name": "", "number": ""},
        "connected": {"name": "", "number": ""},
        "accountcode": "",
        "dialplan": {
            "context": "phones",
            "exten": "s",
            "priority": 1,
            "app_name": "Stasis",
            "app_data": "tests",
        },
        "creationtime": "2026-01-31T23:59:59.123+0000",
        "language": "en",
    },
}


@pytest.fixture
async def document(server: ServerProcess, tmp_path: Path) -> Path:
    """The OpenAPI document, as the server serves it."""
    file = tmp_path / "openapi.json"
    file.write_text(json.dumps(await server.get("/openapi.json")), encoding="utf-8")
    return file


@pytest.fixture
async def stream(server: ServerProcess, alice: Phone) -> AsyncIterator[EventStream]:
    """The application that the calls belong to; its phone is ready."""
    await alice.register()
    opened = await server.connect_app("tests")
    yield opened
    await opened.close()


async def compile_typescript(node_modules: Path, folder: Path) -> Path:
    """Compile main.ts in a folder; return the program."""
    (folder / "node_modules").symlink_to(node_modules)
    compiler = node_modules / "typescript/bin/tsc"
    await run_tool("node", compiler, *COMPILER_OPTIONS, "main.ts", cwd=folder)
    return folder / "main.js"


@asynccontextmanager
async def answered(client: Client, alice: Phone, stream: EventStream) -> AsyncIterator[str]:
    """Answer the call that the client makes; it must end as it should."""
    made = await client.step("originated")
    call = await alice.wait_call()
    call.accept()
    assert await client.step("variable") == "Clara"
    yield made
    await stream.wait_for("ChannelDestroyed", cause=16)


@pytest.mark.timeout(120)
async def test_openapi_generator_python(
    server: ServerProcess,
    alice: Phone,
    stream: EventStream,
    document: Path,
    client: Runner,
    python: Path,
    tmp_path: Path,
) -> None:
    generator = python.with_name("openapi-generator-cli")
    target = tmp_path / "generated"
    await run_tool(
        *(generator, "generate", "--input-spec", document, "--generator-name", "python"),
        *("--output", target, "--package-name", "arion_rest"),
    )
    program = HERE / "python/generated_pydantic.py"
    extra = {"ENDPOINT": ENDPOINT, "EVENT": json.dumps(EVENT), "PYTHONPATH": str(target)}
    async with client(server, python, program, **extra) as app:
        async with answered(app, alice, stream) as made:
            assert made == "made/by generator"
            assert await app.step("bridged") is True
            assert await app.step("playing") is True
            assert await app.step("refused") == "Channel not found"
        assert await app.step("event") == [["one"], "PJSIP/alice-00000001"]


@pytest.mark.timeout(120)
async def test_openapi_generator_typescript_fetch(
    server: ServerProcess,
    alice: Phone,
    stream: EventStream,
    document: Path,
    client: Runner,
    python: Path,
    node_modules: Path,
    tmp_path: Path,
) -> None:
    generator = python.with_name("openapi-generator-cli")
    await run_tool(
        *(generator, "generate", "--input-spec", document, "--output", tmp_path / "generated"),
        *("--generator-name", "typescript-fetch"),
    )
    shutil.copy(HERE / "node/generated_fetch.ts", tmp_path / "main.ts")
    program = await compile_typescript(node_modules, tmp_path)
    extra = {"ENDPOINT": ENDPOINT, "EVENT": json.dumps(EVENT)}
    async with client(server, "node", program, **extra) as app:
        async with answered(app, alice, stream) as made:
            assert made == "made/by generator"
            assert await app.step("bridged") is True
            assert await app.step("playing") is True
            assert await app.step("refused") == "Channel not found"
        assert await app.step("event") == "StasisStart"


async def test_openapi_python_client(
    server: ServerProcess,
    alice: Phone,
    stream: EventStream,
    document: Path,
    client: Runner,
    python: Path,
    tmp_path: Path,
) -> None:
    said = await run_tool(
        *(python.with_name("openapi-python-client"), "generate", "--path", document),
        *("--meta", "none", "--output-path", tmp_path / "arion_httpx"),
    )
    assert "WARNING" not in said
    assert "Unable to process" not in said
    program = HERE / "python/generated_httpx.py"
    extra = {"ENDPOINT": ENDPOINT, "EVENT": json.dumps(EVENT), "PYTHONPATH": str(tmp_path)}
    async with client(server, python, program, **extra) as app:
        async with answered(app, alice, stream):
            assert await app.step("bridged") == 204
            assert await app.step("playing") is True
            assert await app.step("refused") == "Channel not found"
            assert await app.step("destroyed") == 204
        assert await app.step("event") == [["one"], "PJSIP/alice-00000001"]


async def test_openapi_typescript_and_openapi_fetch(
    server: ServerProcess,
    alice: Phone,
    stream: EventStream,
    document: Path,
    client: Runner,
    node_modules: Path,
    tmp_path: Path,
) -> None:
    generator = node_modules / "openapi-typescript/bin/cli.js"
    await run_tool("node", generator, document, "--output", tmp_path / "generated.ts")
    shutil.copy(HERE / "node/typed_fetch.ts", tmp_path / "main.ts")
    program = await compile_typescript(node_modules, tmp_path)
    extra = {"ENDPOINT": ENDPOINT, "EVENT": json.dumps(EVENT)}
    async with client(server, "node", program, **extra) as app:
        async with answered(app, alice, stream) as made:
            assert made == "string"
            assert await app.step("refused") == "Channel not found"
            assert await app.step("hung up") == 204
        assert await app.step("event") == [["one"], "PJSIP/alice-00000001"]
