"""Files below ``/static/``."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.config.sections.http import Http
from server.http.messages import Request
from server.http.static import StaticFiles, content_type


def ask(folder: Path, path: str, method: str = "GET") -> tuple[int, bytes]:
    request = Request(method, "/static/" + path, "", {}, b"", "127.0.0.1", 1)
    response = StaticFiles(folder).serve(request, path)
    return response.status, response.content_type


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "static-http"
    (made / "js").mkdir(parents=True)
    (made / "js/app.js").write_text("1;")
    (made / "a b.html").write_text("<p>")
    (made / ".hidden").write_text("x")
    (tmp_path / "secret").write_text("x")
    (made / "way-out").symlink_to(tmp_path / "secret")
    return made


def test_a_file_has_the_type_of_its_name(folder: Path) -> None:
    assert ask(folder, "js/app.js") == (200, b"text/javascript; charset=utf-8")
    assert ask(folder, "a%20b.html", "HEAD") == (200, b"text/html; charset=utf-8")
    assert content_type(Path("phone.cfg")) == b"text/plain; charset=utf-8"
    assert content_type(Path("x.unheardof")) == b"application/octet-stream"


@pytest.mark.parametrize(
    "path",
    ["../secret", "js/../../secret", "%2e%2e/secret", "/etc/passwd", "way-out", ".hidden", "js",
     "js//app.js", "", "nothing", "a%00b", "x" * 2000],
)  # fmt: skip
def test_nothing_else_is_served(folder: Path, path: str) -> None:
    assert ask(folder, path)[0] == 404


def test_files_are_only_read(folder: Path) -> None:
    assert ask(folder, "js/app.js", "PUT")[0] == 405


@given(st.text(max_size=60))
def test_no_path_leaves_the_folder(tmp_path_factory: pytest.TempPathFactory, path: str) -> None:
    folder = tmp_path_factory.getbasetemp() / "empty"
    folder.mkdir(exist_ok=True)
    assert ask(folder, quote(path))[0] == 404


def test_static_files_are_off_until_asked_for() -> None:
    assert not Http().enable_static
