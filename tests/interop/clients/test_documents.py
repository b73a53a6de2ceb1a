"""The served documents are clean by the tools of those who define their formats."""

from __future__ import annotations

from pathlib import Path

from first_config import ROOT

from tests.interop.clients.conftest import run_tool

HERE = Path(__file__).parent
DATA = ROOT / "server/http/data"


async def test_spectral_finds_nothing_in_the_openapi_document(node_modules: Path) -> None:
    spectral = node_modules / "@stoplight/spectral-cli/dist/index.js"
    rules = HERE / "node/spectral.yaml"
    for document in (ROOT / "server/http/openapi.json", DATA / "openapi.yaml"):
        await run_tool(
            *("node", spectral, "lint", document, "--ruleset", rules, "--fail-severity", "hint")
        )


async def test_the_parser_of_asyncapi_takes_its_document(node_modules: Path) -> None:
    messages = await run_tool("node", HERE / "node/validate_asyncapi.cjs", DATA / "asyncapi.json")
    assert int(messages) > 40


def test_the_explorer_is_the_package_that_is_locked(node_modules: Path) -> None:
    for name in ("swagger-ui-bundle.js", "swagger-ui.css"):
        packaged = (node_modules / "swagger-ui-dist" / name).read_bytes()
        assert (DATA / "explorer" / name).read_bytes() == packaged, "run tools/vendor_explorer.sh"
