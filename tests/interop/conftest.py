"""The real server on loopback, for tests against real peers.

Each test has a server of its own; when the test ends, nothing of its calls may be left, and the
server must stop cleanly. A failed test keeps the server's folder, with its log and SIP trace, in
tests/output.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from arion.testing import Phone
from first_config import ROOT, SOUNDS

from tests.support.js_project import make_project
from tests.support.server_process import ServerProcess

PROGRAMS = ("sipp", "baresip", "node")
SPARE_FILES = 4  # descriptors that may come and go: a lingering HTTP connection, the console
# Phones and server share the machine's cores in real time: a phone that gets no CPU for a moment
# sends late, and what is heard then has a concealed packet. A comparison of sound and nothing else
# is therefore repeated: a crash, a leak or a wrong event fails at once.
RERUNS = 2
SOUND_DIFFERS = r"function snr|correlation=|NotHeard"
OUTPUT = ROOT / "tests/output"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark everything here; a missing peer skips on a desk and fails in CI."""
    missing = [name for name in PROGRAMS if shutil.which(name) is None]
    here = Path(__file__).parent
    for item in items:
        if not item.path.is_relative_to(here):
            continue
        item.add_marker(pytest.mark.interop)
        item.add_marker(pytest.mark.flaky(reruns=RERUNS, only_rerun=SOUND_DIFFERS))
        if missing and not os.environ.get("CI"):
            reason = f"not installed: {', '.join(missing)}; make test installs it"
            item.add_marker(pytest.mark.skipif(True, reason=reason))


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Iterator[None]:
    """Keep the log of a failed test."""
    outcome = yield
    report = outcome.get_result()  # type: ignore[attr-defined]
    for server in getattr(item, "funcargs", {}).values():
        if isinstance(server, ServerProcess) and report.failed:
            target = OUTPUT / item.name
            shutil.rmtree(target, ignore_errors=True)
            shutil.copytree(server.var, target, ignore=shutil.ignore_patterns("run"))
            report.sections.append(("server log", f"{target}\n{server.log[-6000:]}"))


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[ServerProcess]:
    """A server of the test's own; must end clean, with nothing left of any call."""
    made = ServerProcess(tmp_path / "var")
    await made.start()
    files = made.open_files()
    try:
        yield made
        if made.process and made.process.returncode is None:
            assert await made.leftovers() == []
            assert made.open_files() <= files + SPARE_FILES
            assert "Traceback" not in made.log
            assert await made.stop() == 0
    finally:
        if made.process and made.process.returncode is None:
            await made.kill()


@pytest.fixture
async def alice(server: ServerProcess) -> AsyncIterator[Phone]:
    """Alice's phone."""
    async with Phone("alice", server.access.phones["alice"], server=server.sip) as phone:
        yield phone


@pytest.fixture
async def bob(server: ServerProcess) -> AsyncIterator[Phone]:
    """Bob's phone, registered."""
    async with Phone("bob", server.access.phones["bob"], server=server.sip) as phone:
        assert await phone.register() == 200
        yield phone


@pytest.fixture(scope="session")
def speech() -> Path:
    """Somebody says hello: a wav file."""
    return SOUNDS / "sounds/en/hello-world.wav"


@pytest.fixture(scope="session")
def js_project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project with the JavaScript SDK installed, and the applications that use it."""
    return make_project(tmp_path_factory.mktemp("js-project"))
