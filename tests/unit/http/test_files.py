"""Ranges of files, and conditions."""

from __future__ import annotations

from pathlib import Path

import pytest

from server.http.files import serve_file
from server.http.messages import Request


@pytest.fixture
def path(tmp_path: Path) -> Path:
    made = tmp_path / "memo.wav"
    made.write_bytes(bytes(range(100)))
    return made


def request(method: str = "GET", **headers: str) -> Request:
    given = {name.replace("_", "-").encode(): value.encode() for name, value in headers.items()}
    return Request(method, "/", "", given, b"", "127.0.0.1")


@pytest.mark.parametrize(
    ("asked", "first", "length"),
    [("bytes=0-9", 0, 10), ("bytes=90-", 90, 10), ("bytes=-5", 95, 5), ("bytes=95-200", 95, 5)],
)
def test_a_range_is_served(path: Path, asked: str, first: int, length: int) -> None:
    response = serve_file(path, request(range=asked))
    assert response.status == 206
    assert response.file is not None
    assert (response.file.offset, response.file.length) == (first, length)
    expected = f"bytes {first}-{first + length - 1}/100".encode()
    assert dict(response.headers)[b"Content-Range"] == expected


@pytest.mark.parametrize("asked", ["bytes=100-", "bytes=5-4", "bytes=-0"])
def test_a_range_outside_is_refused(path: Path, asked: str) -> None:
    response = serve_file(path, request(range=asked))
    assert response.status == 416
    assert dict(response.headers)[b"Content-Range"] == b"bytes */100"


@pytest.mark.parametrize("asked", ["bytes=0-1,5-6", "lines=1-2", "bytes=", "bytes=a-b"])
def test_what_is_no_single_range_of_bytes_gives_the_whole(path: Path, asked: str) -> None:
    response = serve_file(path, request(range=asked))
    assert response.status == 200
    assert response.content_type == b"audio/wav"


def test_if_range_asks_for_the_same_file(path: Path) -> None:
    tag = dict(serve_file(path, request()).headers)[b"ETag"].decode()
    assert serve_file(path, request(range="bytes=0-1", if_range=tag)).status == 206
    assert serve_file(path, request(range="bytes=0-1", if_range='"old"')).status == 200


def test_if_range_takes_a_date_too(path: Path) -> None:
    date = validators(path)["Last-Modified"]
    assert serve_file(path, request(range="bytes=0-1", if_range=date)).status == 206
    assert serve_file(path, request(range="bytes=0-1", if_range=LONG_AGO)).status == 200


def validators(path: Path) -> dict[str, str]:
    headers = serve_file(path, request()).headers
    return {name.decode(): value.decode() for name, value in headers}


LONG_AGO = "Sat, 01 Jan 2000 00:00:00 GMT"
IN_THE_FUTURE = "Fri, 01 Jan 2100 00:00:00 GMT"


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_what_the_client_has_is_not_sent_again(path: Path, method: str) -> None:
    known = validators(path)
    tag = known["ETag"]
    for tags in (tag, f'"x", {tag}', f"W/{tag}", "*"):
        response = serve_file(path, request(method, if_none_match=tags))
        assert (response.status, response.file) == (304, None)
        assert dict(response.headers)[b"ETag"].decode() == tag
    for date in (known["Last-Modified"], IN_THE_FUTURE):
        assert serve_file(path, request(method, if_modified_since=date)).status == 304


def test_what_changed_is_sent(path: Path) -> None:
    assert serve_file(path, request(if_none_match='"old"')).status == 200
    assert serve_file(path, request(if_modified_since=LONG_AGO)).status == 200
    assert serve_file(path, request(if_modified_since="yesterday")).status == 200
    # The tag counts when both are given.
    both = request(if_none_match='"old"', if_modified_since=IN_THE_FUTURE)
    assert serve_file(path, both).status == 200


def test_a_precondition_that_fails_is_told(path: Path) -> None:
    tag = validators(path)["ETag"]
    assert serve_file(path, request(if_match=tag)).status == 200
    assert serve_file(path, request(if_match="*")).status == 200
    assert serve_file(path, request(if_match=f"W/{tag}")).status == 412
    assert serve_file(path, request(if_unmodified_since=LONG_AGO)).status == 412
    assert serve_file(path, request(if_unmodified_since=IN_THE_FUTURE)).status == 200


def test_files_may_be_kept_but_have_to_be_asked_about(path: Path) -> None:
    assert serve_file(path, request()).cache_control == b"private, no-cache"


def test_a_file_that_is_gone(tmp_path: Path) -> None:
    assert serve_file(tmp_path / "gone.wav", request()).status == 404
