"""Generates what is derived from api-spec/.

Run without arguments it writes the files; with ``--check`` it changes nothing and fails when one
of them differs from what the spec says.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from pathlib import Path

import emit_asyncapi
import emit_bundle
import emit_documents
import emit_js
import emit_js_bound
import emit_sdk
import emit_server
import emit_swagger
import unasync
from apispec import Spec

ROOT = Path(__file__).resolve().parent.parent


def outputs(spec: Spec) -> dict[Path, str]:
    """Return every generated file with its content."""
    files = {ROOT / "server/model" / name: text for name, text in emit_server.emit(spec).items()}
    files[ROOT / "server/http/openapi.json"] = emit_bundle.emit(spec)
    served = ROOT / "server/http/data"
    files[served / "openapi.yaml"] = emit_documents.emit_yaml(spec)
    files[served / "events.schema.json"] = emit_documents.emit_event_schemas(spec)
    files[served / "asyncapi.json"] = emit_asyncapi.emit(spec)
    files |= {served / "api-docs" / name: text for name, text in emit_swagger.emit(spec).items()}
    package = ROOT / "sdk/python/src/arion"
    js = ROOT / "sdk/js/src"
    files |= {js / name: text for name, text in emit_js.emit(spec).items()}
    js_written = (js / "resources.ts").read_text(encoding="utf-8")
    files[js / "bound.ts"] = emit_js_bound.emit(spec, js_written)
    written = (package / "_resources.py").read_text(encoding="utf-8")
    files |= {
        package / name: formatted(text) for name, text in emit_sdk.emit(spec, written).items()
    }
    for name in unasync.MODULES:
        source = package / name
        text = files.get(source) or source.read_text(encoding="utf-8")
        files[package / "sync" / name] = formatted(unasync.derive(text, f"arion/{name}"))
    return files


def formatted(text: str) -> str:
    """Return Python source as ``ruff format`` would have it."""
    command = [
        sys.executable,
        "-m",
        "ruff",
        "format",
        "--config",
        str(ROOT / "pyproject.toml"),
        "-",
    ]
    done = subprocess.run(command, input=text, capture_output=True, text=True, check=True)
    return done.stdout


def stale(files: dict[Path, str]) -> list[Path]:
    """Return the files whose content on disk is not the generated one."""
    return [
        path
        for path, text in files.items()
        if not path.exists() or path.read_text(encoding="utf-8") != text
    ]


def main() -> int:
    """Write or check the generated files; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true", help="fail if a file is out of date")
    arguments = parser.parse_args()
    files = outputs(Spec(ROOT / "api-spec"))
    changed = stale(files)
    for path in changed:
        if not arguments.check:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(files[path], encoding="utf-8")
        print(f"{'out of date' if arguments.check else 'wrote'}: {path.relative_to(ROOT)}")
    return 1 if arguments.check and changed else 0


if __name__ == "__main__":
    sys.exit(main())
