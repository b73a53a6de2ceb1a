"""Finding and listing prompts."""

from __future__ import annotations

import gzip
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.media import sounds
from server.media.sounds import SoundInfo, SoundLibrary


def add(root: Path, *names: str) -> None:
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    root = tmp_path / "sounds"
    add(
        root,
        "en/hello.gsm",
        "en/hello.wav",
        "en/digits/1.ulaw",
        "en_US/hello.sln16",
        "fr/bonjour.alaw",
        "bare.wav",
        "en/notes.md",
    )
    return root


@pytest.fixture
def library(root: Path) -> SoundLibrary:
    return SoundLibrary([root], "en")


@pytest.mark.parametrize(
    ("name", "language", "expected"),
    [
        ("hello", "en", "en/hello.wav"),
        ("hello", "en_US", "en_US/hello.sln16"),
        ("hello", "en_US_f_Allison", "en_US/hello.sln16"),
        ("digits/1", "en_US", "en/digits/1.ulaw"),
        ("digits/1", "fr", "en/digits/1.ulaw"),
        ("digits/1", "", "en/digits/1.ulaw"),
        ("bonjour", "fr_CA", "fr/bonjour.alaw"),
        ("bonjour", "en", None),
        ("bare", "fr", "bare.wav"),
        ("en/hello", "", "en/hello.wav"),
        ("hello.wav", "en", None),
        ("notes", "en", None),
        ("nothing", "en", None),
        ("digits", "en", None),
        ("hello/x", "en", None),
    ],
)
def test_language_falls_back(
    library: SoundLibrary, root: Path, name: str, language: str, expected: str | None
) -> None:
    assert library.find(name, language) == (root / expected if expected else None)


def test_the_language_may_be_the_last_folder(tmp_path: Path) -> None:
    add(tmp_path, "digits/fr/1.wav", "fr/hello.wav", "digits/2.wav", "fr/digits/1.gsm")
    library = SoundLibrary([tmp_path], "en", is_language_first=False)
    assert library.find("digits/1", "fr") == tmp_path / "digits/fr/1.wav"
    assert library.find("hello", "fr") == tmp_path / "fr/hello.wav"
    assert library.find("digits/2", "fr") == tmp_path / "digits/2.wav"


def test_formats_are_tried_in_the_order_given(library: SoundLibrary, root: Path) -> None:
    assert library.find("hello", "en", ("gsm", "wav")) == root / "en/hello.gsm"
    assert library.find("hello", "en", ("ulaw", "gsm")) == root / "en/hello.gsm"
    assert library.find("hello", "en", ("ulaw",)) is None


def test_the_first_directory_wins_within_a_language(root: Path, tmp_path: Path) -> None:
    custom = tmp_path / "custom"
    add(custom, "en/hello.gsm", "hello.wav")
    library = SoundLibrary([custom, root], "en")
    assert library.find("hello", "en") == custom / "en/hello.gsm"
    assert library.find("hello", "en_US") == root / "en_US/hello.sln16"


@pytest.mark.parametrize(
    "name",
    [
        "",
        "../secret",
        "en/../../secret",
        "/etc/passwd",
        "digits/",
        "//hello",
        "./hello",
        "a\0b",
        "x" * 2000,
        "..",
        "/",
        "digits//1",
        "\udcff",
        "\ud800x",
    ],
)
def test_names_can_not_leave_the_directories(
    library: SoundLibrary, tmp_path: Path, name: str
) -> None:
    add(tmp_path, "secret.wav")
    assert library.find(name, "en") is None


@pytest.mark.parametrize("language", ["..", "../..", "en/..", ".", "/", "en\0", "x" * 100])
def test_languages_can_not_leave_the_directories(
    library: SoundLibrary, tmp_path: Path, language: str
) -> None:
    add(tmp_path, "secret.wav")
    assert library.find("secret", language) is None
    assert library.find("hello", language) is not None


def test_absolute_names_stay_below_the_roots(root: Path, tmp_path: Path) -> None:
    spool = tmp_path / "spool"
    add(spool, "rec.wav")
    add(tmp_path, "other/rec.wav", "spool2/rec.wav")
    library = SoundLibrary([root], "en", roots=[spool])
    assert library.find(str(spool / "rec")) == spool / "rec.wav"
    assert library.find(str(root / "en/hello")) == root / "en/hello.wav"
    assert library.find(str(tmp_path / "other/rec")) is None
    assert library.find(str(tmp_path / "spool2/rec")) is None
    assert library.find(f"{spool}/../other/rec") is None


@given(st.text(max_size=30), st.text(max_size=10))
def test_any_name_is_a_file_below_the_root_or_none(name: str, language: str) -> None:
    here = Path(__file__).parent
    found = SoundLibrary([here], "en").find(name, language)
    assert found is None or found.is_relative_to(here)


def test_all_sounds_are_listed_by_id(library: SoundLibrary) -> None:
    assert library.list() == [
        SoundInfo("bonjour", None, (("fr", "alaw"),)),
        SoundInfo("digits/1", None, (("en", "ulaw"),)),
        SoundInfo("hello", None, (("en", "gsm"), ("en", "slin"), ("en_US", "slin16"))),
    ]
    assert library.get("digits/1") == SoundInfo("digits/1", None, (("en", "ulaw"),))
    assert library.get("bare") is None


def test_new_and_removed_files_are_seen(library: SoundLibrary, root: Path) -> None:
    assert library.find("new", "en") is None
    assert library.get("new") is None
    add(root, "en/new.wav", "de/neu.wav")
    assert library.find("new", "en") == root / "en/new.wav"
    assert library.get("new") is not None
    assert library.get("neu") is not None
    (root / "en/new.wav").unlink()
    assert library.find("new", "en") is None
    assert library.get("new") is None


def settle(root: Path) -> None:
    """Make every directory look as if it had last changed long ago."""
    for path in [root, *(path for path in root.rglob("*") if path.is_dir())]:
        os.utime(path, (1, 1))


def test_an_unchanged_tree_is_read_once(
    library: SoundLibrary, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settle(root)
    library.list()
    first = library.get("hello")

    def fail(path: Path, modified_ns: int) -> sounds._Listing:
        raise AssertionError(path)

    monkeypatch.setattr(sounds, "_read_directory", fail)
    assert library.get("hello") is first
    assert library.find("digits/1", "en_US") is not None
    assert library.find("missing/1", "en_US") is None


def test_transcripts_give_the_text(library: SoundLibrary, root: Path) -> None:
    lines = "; comment: no\n\nhello: Hello: you there.\ndigits/1: one\nnot a line\nempty:\n"
    (root / "en/core-sounds-en.txt").write_text(lines)
    with gzip.open(root / "fr/extra-sounds-fr.txt.gz", "wb") as file:
        file.write("bonjour: Ça va ?".encode())
    texts = {info.id: info.text for info in library.list()}
    assert texts == {"bonjour": "Ça va ?", "digits/1": "one", "hello": "Hello: you there."}


def test_a_damaged_transcript_is_reported_and_ignored(
    library: SoundLibrary, root: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (root / "en/core-sounds-en.txt.gz").write_bytes(b"not gzip")
    assert library.get("hello") is not None
    assert "core-sounds-en.txt.gz" in caplog.text


def test_packaged_transcripts_are_those_of_the_language(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    documents = tmp_path / "doc"
    for language, text in (("en", "Hello."), ("fr", "Bonjour.")):
        package = documents / f"asterisk-core-sounds-{language}"
        package.mkdir(parents=True)
        with gzip.open(package / f"core-sounds-{language}.txt.gz", "wb") as file:
            file.write(f"hello: {text}\n".encode())
    monkeypatch.setattr(sounds, "PACKAGED", tmp_path)
    monkeypatch.setattr(sounds, "PACKAGED_TRANSCRIPTS", documents)
    info = SoundLibrary([root], "en_US").get("hello")
    assert info is not None
    assert info.text == "Hello."


def test_linked_language_directories_are_followed_and_loops_end(root: Path) -> None:
    (root / "de").symlink_to(root / "fr")
    (root / "fr/loop").symlink_to(root / "fr")
    library = SoundLibrary([root], "en")
    assert library.find("bonjour", "de") == root / "de/bonjour.alaw"
    info = library.get("bonjour")
    assert info is not None
    assert info.formats == (("de", "alaw"), ("fr", "alaw"))


def test_file_names_that_are_no_text_are_ignored(library: SoundLibrary, root: Path) -> None:
    (root / "en" / os.fsdecode(b"caf\xe9.wav")).write_bytes(b"")
    assert [info.id for info in library.list()] == ["bonjour", "digits/1", "hello"]


def test_missing_directories_are_empty(tmp_path: Path) -> None:
    library = SoundLibrary([tmp_path / "none"], "en")
    assert library.list() == []
    assert library.find("hello") is None
