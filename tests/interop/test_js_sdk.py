"""The JavaScript SDK as users get it: packed, installed elsewhere, imported, required, typed."""

from __future__ import annotations

import asyncio
import os
import shutil
import sys
from pathlib import Path

import pytest
from first_config import ROOT

from tests.support.server_process import ServerProcess

SDK = ROOT / "sdk/js"
COMPILER = SDK / "node_modules/typescript/bin/tsc"
COMPILER_OPTIONS = (
    "--noEmit", "--strict", "--target", "ES2022", "--lib", "ES2023,ESNext.Disposable,DOM",
    "--types", "node", "--typeRoots", str(SDK / "node_modules/@types"),
)  # fmt: skip


APPS = ("ivr", "voicemail")  # the examples that are on the SDK
KIT = {"ARION_PYTHON": sys.executable, "PYTHONPATH": str(ROOT / "sdk/python/src")}


async def run(*command: str | Path, cwd: Path, **environment: str) -> str:
    """Run a program to its end; its output is the message if it fails."""
    process = await asyncio.create_subprocess_exec(
        *command, cwd=cwd, env={**os.environ, **environment},
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip
    output = (await asyncio.wait_for(process.communicate(), 100))[0].decode()
    assert process.returncode == 0, output
    return output


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project that has the packed package and what it depends on, and no sources of ours."""
    project = tmp_path_factory.mktemp("js-project")

    async def install() -> None:
        await run("node", "build.mjs", cwd=SDK)
        packed = await run("npm", "pack", "--silent", "--pack-destination", project, cwd=SDK)
        package = project / "node_modules/arion"
        package.mkdir(parents=True)
        archive = project / packed.split()[-1]
        await run("tar", "-xzf", archive, "-C", package, "--strip-components=1", cwd=project)
        shutil.copytree(SDK / "node_modules/ws", project / "node_modules/ws")
        shutil.copytree(SDK / "tests", project / "tests")
        shutil.copytree(SDK / "types-test", project / "types-test")
        for part in ("lib", *APPS):
            shutil.copytree(ROOT / "examples/apps" / part, project / "apps" / part)

    asyncio.run(install())
    return project


@pytest.mark.slow
@pytest.mark.timeout(120)
async def test_calls_streams_require_and_test_kit(installed: Path, server: ServerProcess) -> None:
    tests = sorted(str(path.relative_to(installed)) for path in installed.glob("tests/*.test.*"))
    output = await run(
        "node", "--test", "--test-timeout=30000", *tests, cwd=installed,
        ARI_URL=server.access.ari_url, ARI_USER="arion",
        ARI_PASSWORD=server.access.users["arion"],
        HELLO=str(ROOT / "examples/apps/hello/app.mjs"), **KIT,
    )  # fmt: skip
    assert "# fail 0" in output
    assert "# fail 0" in output


@pytest.mark.slow
@pytest.mark.timeout(120)
async def test_the_examples_do_their_work(installed: Path) -> None:
    tests = [f"apps/{app}/app.test.mjs" for app in APPS]
    output = await run(
        "node",
        "--test",
        "--test-timeout=30000",
        "--test-concurrency=2",
        *tests,
        cwd=installed,
        **KIT,
    )
    assert "# fail 0" in output
    assert "# pass 7" in output


@pytest.mark.parametrize("app", APPS)
async def test_an_example_is_a_program(installed: Path, app: str, server: ServerProcess) -> None:
    process = await asyncio.create_subprocess_exec(
        "node", f"apps/{app}/app.mjs", cwd=installed,
        env={
            **os.environ, "ARI_URL": server.access.ari_url, "ARI_USER": "arion",
            "ARI_PASSWORD": server.access.users["arion"],
        },
    )  # fmt: skip
    try:

        async def is_registered() -> bool:
            return app in [found["name"] for found in await server.get("/applications")]

        await server.until(is_registered, 10, f"{app} to register")
    finally:
        process.terminate()
        assert await asyncio.wait_for(process.wait(), 10) == 0


@pytest.mark.timeout(120)
async def test_the_types_hold_for_users(installed: Path) -> None:
    (installed / "package.json").write_text('{"type": "module"}\n')
    compilations = (
        run(
            "node", COMPILER, *COMPILER_OPTIONS, "--module", module,
            "--moduleResolution", resolution, "types-test/app.ts", cwd=installed,
        )
        for module, resolution in (("Node16", "Node16"), ("Preserve", "Bundler"))
    )  # fmt: skip
    await asyncio.gather(*compilations)


async def test_browsers_get_no_node_modules(installed: Path) -> None:
    script = (
        "const url = new URL('./node_modules/arion/dist/esm/internal/ws-browser.js', "
        "`file://${process.cwd()}/`); const { openSocket } = await import(url);"
        "console.log(typeof openSocket)"
    )
    assert await run("node", "--input-type=module", "-e", script, cwd=installed) == "function\n"
    source = (installed / "node_modules/arion/dist/esm/internal/ws-browser.js").read_text("utf-8")
    assert "'ws'" not in source
