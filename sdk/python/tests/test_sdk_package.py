"""The package as users get it: built, installed into an environment of its own, type-checked."""

from __future__ import annotations

import subprocess
import sys
import tarfile
import venv
import zipfile
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1]
PROGRAM = """
import arion
import arion.sync


async def hello(channel: arion.Channel, args: list[str]) -> None:
    await channel.answer()
    await (await channel.play("sound:hello")).finished(timeout=5)
    async for event in channel.events(arion.ChannelDtmfReceived, arion.ChannelHold):
        if event.type == "ChannelDtmfReceived":
            print(event.digit)
        else:
            print(event.musicclass)
    async with channel.client.bridge() as bridge:
        await bridge.add(channel)


def count(client: arion.sync.Client) -> int:
    return len(client.channels.list())


def name(event: arion.AnyEvent) -> str:
    if event.type == "StasisStart":
        return event.channel.name
    if event.type == "UnknownEvent":
        return event.name
    return event.type


client = arion.Client("http://127.0.0.1:1/ari", "user", "password")
print(arion.__file__, arion.StasisStart.__name__)
"""


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel and the source distribution."""
    source, target = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("dist")
    names = run("git", "-C", PACKAGE, "ls-files").splitlines()
    for name in names:
        path = source / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes((PACKAGE / name).read_bytes())
    for step in ("build_wheel", "build_sdist"):
        build = f"import sys, setuptools.build_meta as b; b.{step}(sys.argv[1])"
        run(sys.executable, "-c", build, target, folder=source)
    return target


def run(*command: object, folder: Path | None = None) -> str:
    done = subprocess.run(
        [str(word) for word in command], cwd=folder, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_wheel_and_source_have_all_parts(built: Path) -> None:
    names = zipfile.ZipFile(next(built.glob("*.whl"))).namelist()
    for part in ("py.typed", "_types.py", "sync/_client.py", "testing/phone.py"):
        assert f"arion/{part}" in names
    with tarfile.open(next(built.glob("*.tar.gz"))) as archive:
        assert any(name.endswith("/README.md") for name in archive.getnames())


def test_an_installed_package_runs_and_is_typed(built: Path, tmp_path: Path) -> None:
    """Installed without the network: its one dependency is taken from the tests' environment."""
    venv.create(tmp_path / "venv", system_site_packages=False, with_pip=False)
    python = tmp_path / "venv/bin/python"
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    packages = tmp_path / "venv/lib" / version / "site-packages"
    wheel = next(built.glob("*.whl"))
    install = ["-m", "pip", "install", "-q", "--no-deps", "--no-index", "--target", packages]
    run(sys.executable, *install, wheel)
    import aiohttp

    dependencies = Path(aiohttp.__file__).parents[1]
    (packages / "dependencies.pth").write_text(str(dependencies))
    program = tmp_path / "program.py"
    program.write_text(PROGRAM)
    # -I: nothing of this repository is on the path
    said = run(python, "-I", program, folder=tmp_path)
    assert str(packages) in said
    run(
        sys.executable, "-m", "mypy", "--strict", "--config-file=", "--cache-dir", tmp_path / "m",
        "--python-executable", python, program, folder=tmp_path,
    )  # fmt: skip
