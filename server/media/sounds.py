"""Prompts: which sound files there are, and where the one to play is.

A sound directory holds one directory per language (``en``, ``en_US``), and these hold the prompts,
in subdirectories if they like: ``en/digits/1.gsm`` is the sound ``digits/1``. Files that lie in the
sound directory itself belong to no language and are found last.

Directories are read when they are first needed and again when their modification time changes, so
a look-up costs a few ``stat`` calls. Names are confined: they can't leave the sound directories and
the other roots that were given. (Symbolic links below these are followed: whoever may make them may
also copy the file. Debian's language directories are such links.)
"""

from __future__ import annotations

import gzip
import logging
import os
import re
import time
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

logger = logging.getLogger(__name__)

FILE_FORMATS: Mapping[str, str] = {
    "sln16": "slin16",
    "wav16": "slin16",
    "wav": "slin",
    "sln": "slin",
    "raw": "slin",
    "ulaw": "ulaw",
    "ul": "ulaw",
    "mu": "ulaw",
    "ulw": "ulaw",
    "pcm": "ulaw",
    "alaw": "alaw",
    "al": "alaw",
    "alw": "alaw",
    "gsm": "gsm",
    "WAV": "gsm",
    "wav49": "gsm",
}
"""File name extension → format as ARI names it (what the file is made of)."""

PREFERENCE = ("sln16", "wav16", "wav", "sln", "raw", "ulaw", "ul", "mu", "ulw", "pcm",
              "alaw", "al", "alw", "gsm", "WAV", "wav49")  # fmt: skip
"""Extensions, the best sound and then the cheapest to decode first."""

MAX_NAME = 1024  # characters of a sound name
MAX_DEPTH = 8  # directories below a language; ends loops of symbolic links
MAX_CACHED = 4096  # directories remembered
MAX_TRANSCRIPT = 4 << 20  # bytes of a transcript file that are read
SETTLED_NS = 2_000_000_000  # a younger change may be followed by one with the same time stamp

PACKAGED = Path("/usr/share/asterisk")
PACKAGED_TRANSCRIPTS = Path("/usr/share/doc")  # Debian keeps them there, compressed

_LANGUAGE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,39}")
_TRANSCRIPT = re.compile(r"[A-Za-z]+-sounds-(?P<language>[A-Za-z0-9_]+)\.txt(\.gz)?")


@dataclass(frozen=True, slots=True)
class SoundInfo:
    """A sound and the forms in which it exists."""

    id: str
    """Name without language and extension, such as ``digits/1``."""
    text: str | None
    """What is said, if a transcript tells."""
    formats: Sequence[tuple[str, str]]
    """Pairs of language and format, sorted."""


@dataclass(slots=True)
class _Listing:
    """What a directory holds."""

    modified_ns: int
    is_settled: bool
    sounds: dict[str, tuple[str, ...]] = field(default_factory=dict)  # name → extensions
    directories: tuple[str, ...] = ()
    transcripts: tuple[str, ...] = ()


class SoundLibrary:
    """The sounds below some directories.

    :param directories: sound directories, the first wins.
    :param default_language: tried after the language asked for.
    :param roots: other directories that absolute names may point into.
    :param is_language_first: the language is the first folder of a sound's path (``fr/digits/1``),
        rather than the last one (``digits/fr/1``).
    """

    def __init__(
        self,
        directories: Sequence[Path],
        default_language: str,
        *,
        roots: Sequence[Path] = (),
        is_language_first: bool = True,
    ) -> None:
        self._directories = [path.absolute() for path in directories]
        self._roots = [*self._directories, *(path.absolute() for path in roots)]
        self._default_language = default_language
        self._is_language_first = is_language_first
        # caches
        self._listings: dict[Path, _Listing] = {}
        self._indexed: list[_Listing] = []
        self._index: dict[str, SoundInfo] = {}

    def find(
        self, name: str, language: str = "", formats: Sequence[str] = PREFERENCE
    ) -> Path | None:
        """Return the file to play for a sound, or ``None``.

        :param name: such as ``hello`` or ``digits/1``, or an absolute path below a root; without
            extension.
        :param language: such as ``en_US``; after it ``en``, the default language, and no language
            are tried.
        :param formats: extensions, best first.
        """
        if not _is_safe(name):
            return None
        if name.startswith("/"):
            return self._find_absolute(Path(name), formats)
        for code in self._languages(language):
            for directory in self._directories:
                found = self._pick(directory / self._placed(name, code), formats)
                if found is not None:
                    return found
        return None

    def list(self) -> Sequence[SoundInfo]:
        """Return all sounds of all languages, sorted by id."""
        self._update_index()
        return list(self._index.values())

    def get(self, sound_id: str) -> SoundInfo | None:
        """Return the sound of this id, or ``None``."""
        self._update_index()
        return self._index.get(sound_id)

    # looking up

    def _languages(self, language: str) -> Iterable[str]:
        codes: dict[str, None] = {}
        for wanted in (language, self._default_language):
            code = wanted if _LANGUAGE.fullmatch(wanted) else ""
            while code:
                codes[code] = None
                code = code.rpartition("_")[0]
        codes[""] = None
        return codes

    def _placed(self, name: str, language: str) -> str:
        if not language:
            return name
        if self._is_language_first:
            return f"{language}/{name}"
        folder, slash, base = name.rpartition("/")
        return f"{folder}{slash}{language}/{base}"

    def _find_absolute(self, path: Path, formats: Sequence[str]) -> Path | None:
        if any(path.is_relative_to(root) for root in self._roots):
            return self._pick(path, formats)
        return None

    def _pick(self, path: Path, formats: Sequence[str]) -> Path | None:
        listing = self._list_directory(path.parent)
        there = listing.sounds.get(path.name) if listing else None
        if there:
            for extension in formats:
                if extension in there:
                    return path.with_name(f"{path.name}.{extension}")
        return None

    def _list_directory(self, path: Path) -> _Listing | None:
        try:
            modified_ns = os.stat(path).st_mtime_ns  # noqa: PTH116 - twice as fast as Path.stat
            known = self._listings.get(path)
            if known and known.is_settled and known.modified_ns == modified_ns:
                return known
            listing = _read_directory(path, modified_ns)
        except OSError:
            self._listings.pop(path, None)
            return None
        if len(self._listings) >= MAX_CACHED:
            self._listings.clear()
        self._listings[path] = listing
        return listing

    # the index of all sounds

    def _update_index(self) -> None:
        visited = list(self._walk())
        listings = [listing for _, _, _, listing in visited]
        if len(listings) == len(self._indexed) and all(
            new is old for new, old in zip(listings, self._indexed, strict=True)
        ):
            return
        forms: dict[str, set[tuple[str, str]]] = {}
        texts: dict[str, str] = self._packaged_texts()
        for language, prefix, path, listing in visited:
            for name, extensions in listing.sounds.items():
                pairs = forms.setdefault(prefix + name, set())
                pairs.update((language, FILE_FORMATS[extension]) for extension in extensions)
            for name in listing.transcripts:
                texts.update(_read_transcript(path / name))
        self._index = {
            name: SoundInfo(name, texts.get(name), tuple(sorted(forms[name])))
            for name in sorted(forms)
        }
        self._indexed = listings

    def _walk(self) -> Iterator[tuple[str, str, Path, _Listing]]:
        """Yield language, id prefix, path and content of every directory of a language."""
        for directory in self._directories:
            top = self._list_directory(directory)
            for language in top.directories if top else ():
                if _LANGUAGE.fullmatch(language):
                    yield from self._walk_below(language, "", directory / language, MAX_DEPTH)

    def _walk_below(
        self, language: str, prefix: str, path: Path, depth: int
    ) -> Iterator[tuple[str, str, Path, _Listing]]:
        listing = self._list_directory(path)
        if listing is None:
            return
        yield language, prefix, path, listing
        if depth:
            for name in listing.directories:
                yield from self._walk_below(language, f"{prefix}{name}/", path / name, depth - 1)

    def _packaged_texts(self) -> dict[str, str]:
        texts: dict[str, str] = {}
        if any(directory.is_relative_to(PACKAGED) for directory in self._directories):
            for path in sorted(PACKAGED_TRANSCRIPTS.glob("asterisk-*-sounds-*/*-sounds-*.txt*")):
                if _is_spoken(path.name, self._default_language):
                    texts.update(_read_transcript(path))
        return texts


def _is_safe(name: str) -> bool:
    """Does a name stay below the directory that it is joined to?"""
    if not name or len(name) > MAX_NAME or "\0" in name or not _is_text(name):
        return False
    parts = name.removeprefix("/").split("/")
    return all(part not in ("", ".", "..") for part in parts)


def _is_text(name: str) -> bool:
    """Is it Unicode? File names in other encodings come with surrogates, which JSON can't carry."""
    return not any("\ud800" <= char <= "\udfff" for char in name)


def _is_spoken(file_name: str, language: str) -> bool:
    match = _TRANSCRIPT.fullmatch(file_name)
    return match is not None and match["language"] in (language, language.partition("_")[0])


def _read_directory(path: Path, modified_ns: int) -> _Listing:
    sounds: dict[str, tuple[str, ...]] = {}
    directories: list[str] = []
    transcripts: list[str] = []
    with os.scandir(path) as entries:
        for entry in entries:
            name, _, extension = entry.name.rpartition(".")
            if not _is_text(entry.name):
                continue
            if entry.is_dir():
                directories.append(entry.name)
            elif name and extension in FILE_FORMATS and entry.is_file():
                sounds[name] = (*sounds.get(name, ()), extension)
            elif _TRANSCRIPT.fullmatch(entry.name):
                transcripts.append(entry.name)
    return _Listing(
        modified_ns=modified_ns,
        is_settled=time.time_ns() - modified_ns > SETTLED_NS,
        sounds=sounds,
        directories=tuple(sorted(directories)),
        transcripts=tuple(sorted(transcripts)),
    )


def _read_transcript(path: Path) -> dict[str, str]:
    """Parse lines ``id: text``; ``;`` starts a comment. What can't be read has no texts."""
    texts: dict[str, str] = {}
    try:
        with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as file:
            content = file.read(MAX_TRANSCRIPT)
    except (OSError, EOFError, zlib.error) as error:
        logger.warning("%s: %s", path, error)
        return texts
    for line in content.decode("utf-8", "replace").splitlines():
        sound_id, colon, text = line.partition(":")
        if colon and text.strip() and not line.startswith(";"):
            texts[sound_id.strip()] = text.strip()
    return texts
