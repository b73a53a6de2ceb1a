"""musiconhold.conf: classes of music, played from files."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from server.config.binder import bind, setting, settings
from server.config.objects import ConfigFile, ConfigWarning, Option, Section
from server.config.types import boolean, choice, integer, text

MODES = ("files", "playlist", "mp3", "mp3nb", "quietmp3", "quietmp3nb", "httpmp3", "custom")
SUPPORTED_MODES = ("files", "playlist")
# in order of preference when one piece is there in several formats
EXTENSIONS = (".sln16", ".wav", ".sln", ".ulaw", ".ul", ".mu", ".alaw", ".al", ".gsm")
MAX_FILES = 10_000
_PROGRAM = "music comes from files only"


@dataclass(frozen=True, slots=True)
class MusicClass:
    """A class of music.

    :param directory: where the files are; relative to astdatadir.
    :param entries: the files of ``mode=playlist``, without extension.
    :param sort: ``alpha``, ``random`` or ``randstart``; empty for the directory's own order.
    """

    name: str
    mode: str = setting(choice(*MODES), "files")
    directory: str = setting(text, "")
    entries: tuple[str, ...] = settings(text, names=("entry",))
    sort: str = setting(choice("random", "alpha", "randstart"), "")
    random: bool = setting(boolean, False)
    loop_last: bool = setting(boolean, False, no_effect="lists start over")
    answeredonly: bool = setting(boolean, False, no_effect="music plays to who is on hold")
    announcement: str = setting(text, "", no_effect="announcements are not supported")
    digit: str = setting(text, "", no_effect="music can't be chosen by digit")
    application: str = setting(text, "", no_effect=_PROGRAM)
    format: str = setting(text, "slin", no_effect=_PROGRAM)
    kill_escalation_delay: int = setting(integer(0), 100, no_effect=_PROGRAM)
    kill_method: str = setting(
        choice("process", "process_group"), "process_group", no_effect=_PROGRAM
    )

    @property
    def is_random(self) -> bool:
        """Whether the order is drawn anew, be it by ``random`` or by ``sort``."""
        return self.random or self.sort in ("random", "randstart")


@dataclass(frozen=True, slots=True)
class MusicOnHold:
    """``[general]``, and the classes that can be played.

    :param classes: by name, in the file's order.
    """

    cachertclasses: bool = setting(
        boolean, False, no_effect="classes of a database are read with the file"
    )
    preferchannelclass: bool = setting(
        boolean, True, no_effect="the channel's own class always goes first"
    )
    classes: Mapping[str, MusicClass] = field(default_factory=dict)


def build_musiconhold(file: ConfigFile | None, warnings: list[ConfigWarning]) -> MusicOnHold:
    """Read musiconhold.conf. Without the file there is one class, ``default``, from ``moh``.

    :raises ConfigError: a value can't be read.
    """
    if file is None:
        return MusicOnHold(classes={"default": MusicClass("default", directory="moh")})
    general: list[Option] = []
    classes: dict[str, MusicClass] = {}
    for section in file.sections:
        if section.name.lower() == "general":
            general += section.options
            continue
        found = bind(MusicClass, section.options, warnings, name=section.name)
        if _is_usable(found, section, warnings):
            classes[section.name] = found
    return bind(MusicOnHold, general, warnings, classes=classes)


def music_files(music: MusicClass, data_directory: str) -> list[str]:
    """List the files of a class, in playing order. Reads the directory, so it may block.

    :param data_directory: astdatadir.
    :return: absolute paths, at most one per piece; empty if there is no such directory.
    """
    base = Path(data_directory)
    if music.mode == "playlist":
        found = [_with_extension(base / entry) for entry in music.entries]
        return [str(path) for path in found if path is not None]
    try:
        paths = [path for path in (base / music.directory).iterdir() if path.suffix in EXTENSIONS]
    except OSError:
        return []
    best: dict[str, Path] = {}
    for path in sorted(paths[:MAX_FILES], key=lambda path: EXTENSIONS.index(path.suffix)):
        best.setdefault(path.stem, path)
    return [str(best[stem]) for stem in sorted(best)]


def _with_extension(stem: Path) -> Path | None:
    for extension in EXTENSIONS:
        path = stem.with_name(stem.name + extension)
        if path.is_file():
            return path
    return stem if stem.suffix in EXTENSIONS and stem.is_file() else None


def _is_usable(music: MusicClass, section: Section, warnings: list[ConfigWarning]) -> bool:
    reason = ""
    if music.mode not in SUPPORTED_MODES:
        reason = f"mode={music.mode} is not supported"
    elif music.mode == "files" and not music.directory:
        reason = "it needs a directory"
    elif music.mode == "playlist" and not music.entries:
        reason = "it needs an entry"
    if not reason:
        return True
    option = section.find("mode")
    path, line = (option.path, option.line) if option else (section.path, section.line)
    warnings.append(ConfigWarning(path, line, f"class [{section.name}] is ignored: {reason}"))
    return False
