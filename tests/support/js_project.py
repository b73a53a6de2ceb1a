"""A project that has the packed JavaScript SDK, and no sources of ours but the applications."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

from first_config import ROOT

SDK = ROOT / "sdk/js"
APPS = ROOT / "examples/apps"
# The test kit's server and phones are those of the Python package.
KIT = {"ARION_PYTHON": sys.executable, "PYTHONPATH": str(ROOT / "sdk/python/src")}


def make_project(folder: Path) -> Path:
    """Build and pack the SDK, and install it there with what it depends on."""
    _build()
    packed = run("npm", "pack", "--silent", "--pack-destination", folder, cwd=SDK)
    package = folder / "node_modules/arion"
    package.mkdir(parents=True)
    archive = folder / packed.split()[-1]
    run("tar", "-xzf", archive, "-C", package, "--strip-components=1", cwd=folder)
    shutil.copytree(SDK / "node_modules/ws", folder / "node_modules/ws")
    for part in ("tests", "types-test", "README.md"):
        source = SDK / part
        copy = shutil.copytree if source.is_dir() else shutil.copy
        copy(source, folder / part)
    for source in APPS.rglob("*.mjs"):
        if "node_modules" not in source.parts:
            target = folder / "apps" / source.relative_to(APPS)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(source, target)
    (folder / "package.json").write_text('{"type": "module"}\n')
    return folder


def start(*command: str | Path, cwd: Path, **environment: str) -> subprocess.Popen[str]:
    """Start a program; its output is kept."""
    return subprocess.Popen(
        command, cwd=cwd, env={**os.environ, **environment}, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip


def finish(process: subprocess.Popen[str], seconds: float = 100) -> str:
    """Return the output of a program that has to end well; it is the message if it does not."""
    try:
        output, _ = process.communicate(timeout=seconds)
    except subprocess.TimeoutExpired:
        process.kill()
        output = process.communicate()[0]
    assert process.returncode == 0, output
    return output


def run(*command: str | Path, cwd: Path, **environment: str) -> str:
    """Run a program to its end."""
    return finish(start(*command, cwd=cwd, **environment))


def _build() -> None:
    """Compile, if a source is newer than what was compiled."""
    made = SDK / "dist/cjs/package.json"  # is written last
    sources = [*SDK.glob("src/**/*"), *SDK.glob("*.json"), SDK / "build.mjs"]
    newest = max(source.stat().st_mtime for source in sources)
    if not made.exists() or made.stat().st_mtime < newest:
        run("node", "build.mjs", cwd=SDK)
