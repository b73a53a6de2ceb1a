"""Asterisk's ``.conf`` grammar.

A line is one of::

    [section]                 [section](!)  template     [section](base,base2)  inherits
    [section](+)  adds to the first section of that name; (+type=aor&x=y) to the first whose
                  options match: both sides are regular expressions
    name = value              name => value              name += value  adds to the last value
    #include file             #tryinclude file           #exec command

``;`` starts a comment unless a backslash precedes it; ``;--`` and ``--;`` enclose one, may be
nested, and ``;---`` is an ordinary comment. Blanks around names and values don't count. A file
name may be quoted, may hold ``*``, ``?``, ``[…]`` and ``{a,b}``, and is relative to the
configuration directory. An included file's options belong to the section it is included in.

What Asterisk refuses to load raises :class:`ConfigError`; what it skips with a remark in the log
becomes a :class:`ConfigWarning`.
"""

from __future__ import annotations

import codecs
import glob
import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

from server.base.errors import ConfigError
from server.config.objects import ConfigFile, ConfigWarning, Option, Section

MAX_LINE_LENGTH = 8190  # characters, as in Asterisk; longer lines are skipped
MAX_INCLUDE_DEPTH = 10  # as in Asterisk
MAX_COMMENT_DEPTH = 128  # as in Asterisk
MAX_FILE_SIZE = 16 * 1024 * 1024  # bytes; 100,000 endpoints take about 15 MB
MAX_FILES = 10_000  # included by one file, all told
MAX_OPTIONS = 2_000_000  # after templates: they can multiply without bound
EXEC_TIMEOUT = 30.0  # seconds

_QUOTES = {'"': '"', "'": "'", "<": ">"}
_BRACES = re.compile(r"\{([^{}]*)\}")
MAX_BRACE_WORDS = 1000


def parse_file(path: str, *, config_dir: str | None = None, may_exec: bool = False) -> ConfigFile:
    """Read a configuration file and all it includes.

    :param config_dir: what relative names of included files are relative to; the file's own
        directory if not given.
    :param may_exec: whether ``#exec`` runs commands (asterisk.conf's ``execincludes``).
    :raises ConfigError: the file, or one it includes, can't be read or is wrong.
    """
    reader = _Reader(path, config_dir or str(Path(path).parent), may_exec)
    if not Path(path).is_file():
        raise ConfigError(path, 0, "no such file")
    reader.read_path(path)
    return reader.result()


def parse_text(
    source: str,
    *,
    path: str = "<text>",
    config_dir: str = ".",
    may_exec: bool = False,
    overlay: Mapping[str, str] | None = None,
) -> ConfigFile:
    """Read configuration from memory; otherwise like :func:`parse_file`.

    :param path: what errors and options name as the file.
    :param overlay: what stands in for the content of included files, by path.
    """
    reader = _Reader(path, config_dir, may_exec, overlay)
    reader.read_text(source, path)
    return reader.result()


class _Comments:
    """Takes the comments out of one file's lines; block comments span lines."""

    def __init__(self) -> None:
        self.opened: list[int] = []  # line numbers of the block comments that are open

    def strip(self, line: str, number: int) -> str:
        """Return what is left of a line.

        :raises ValueError: comments are nested too deep.
        """
        if ";" not in line:
            return "" if self.opened else line
        kept: list[str] = []
        start = floor = 0  # what is kept begins at start; what was looked at ends at floor
        while (at := line.find(";", floor)) >= 0:
            if at > floor and line[at - 1] == "\\":
                if not self.opened:
                    kept.append(line[start : at - 1])
                    start = at
                floor = at + 1
            elif line.startswith(";--", at) and not line.startswith(";---", at):
                if not self.opened:
                    kept.append(line[start:at])
                self._open(number)
                floor = at + 3
            elif self.opened:
                if at >= floor + 2 and line[at - 2 : at] == "--":
                    self.opened.pop()
                    start = at + 1
                floor = at + 1
            else:
                kept.append(line[start:at])
                return "".join(kept)
        if not self.opened:
            kept.append(line[start:])
        return "".join(kept)

    def _open(self, number: int) -> None:
        if len(self.opened) >= MAX_COMMENT_DEPTH:
            raise ValueError(f"comments nested deeper than {MAX_COMMENT_DEPTH}")
        self.opened.append(number)


class _Reader:
    """Collects sections from a file and those it includes."""

    def __init__(
        self,
        path: str,
        config_dir: str,
        may_exec: bool,
        overlay: Mapping[str, str] | None = None,
    ) -> None:
        self._overlay = overlay or {}
        self._config_dir = config_dir
        self._may_exec = may_exec
        self._file = ConfigFile(path)
        self._sections: list[Section] = []  # templates and sections in order
        self._by_name: dict[str, list[Section]] = {}
        self._current: Section | None = None
        self._including: list[str] = []  # real paths of the files that are open
        self._option_count = 0

    def result(self) -> ConfigFile:
        """Return what was read."""
        self._file.sections = [section for section in self._sections if not section.is_template]
        self._file.templates = [section for section in self._sections if section.is_template]
        self._file.everything = self._sections
        return self._file

    def read_path(self, path: str) -> None:
        """Read a file into the current section."""
        if len(self._file.files) >= MAX_FILES:
            raise ConfigError(path, 0, f"more than {MAX_FILES} files")
        try:
            if os.stat(path).st_size > MAX_FILE_SIZE:  # noqa: PTH116
                raise ConfigError(path, 0, f"larger than {MAX_FILE_SIZE} bytes")
            data = Path(path).read_bytes()
        except OSError as error:
            raise ConfigError(path, 0, f"can't be read: {error.strerror}") from None
        if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
            raise ConfigError(path, 1, "expected UTF-8, but the file is UTF-16")
        self._file.files.append(path)
        self._including.append(os.path.realpath(path))
        try:
            text = self._overlay.get(path)
            self.read_text(decode(data) if text is None else text, path)
        finally:
            self._including.pop()

    def read_text(self, source: str, path: str) -> None:
        """Read lines into the current section."""
        comments = _Comments()
        for number, line in enumerate(source.removeprefix("\ufeff").split("\n"), 1):
            if len(line) > MAX_LINE_LENGTH:
                self._warn(path, number, f"line skipped: longer than {MAX_LINE_LENGTH} characters")
                continue
            try:
                rest = _strip(comments.strip(line, number))
            except ValueError as error:
                raise ConfigError(path, number, str(error)) from None
            if rest:
                self._read_line(rest, path, number)
        if comments.opened:
            self._warn(path, comments.opened[-1], "comment is never closed")

    def _read_line(self, line: str, path: str, number: int) -> None:
        if line[0] == "[":
            self._read_header(line, path, number)
        elif line[0] == "#":
            self._read_directive(line[1:], path, number)
        else:
            self._read_option(line, path, number)

    # sections

    def _read_header(self, line: str, path: str, number: int) -> None:
        name, bracket, rest = line[1:].partition("]")
        if not bracket:
            raise ConfigError(path, number, "section name without closing ']'")
        modifiers: list[str] = []
        if rest.startswith("("):
            inner, bracket, rest = rest[1:].partition(")")
            if not bracket:
                raise ConfigError(path, number, "section without closing ')'")
            modifiers = [word for item in inner.split(",") if (word := _strip(item))]
        if _strip(rest):
            self._warn(path, number, f"ignored after the section's name: {_strip(rest)[:60]!r}")
        added = [word for word in modifiers if word.startswith("+")]
        if added:
            section = self._section_to_extend(name, added[-1][1:], path, number)
            section.additions += ((path, number),)
        else:
            section = Section(name, path, number, is_template="!" in modifiers)
            self._sections.append(section)
            self._by_name.setdefault(name.lower(), []).append(section)
        self._inherit(section, modifiers, path, number)
        self._current = section

    def _inherit(self, section: Section, modifiers: list[str], path: str, number: int) -> None:
        bases = tuple(word for word in modifiers if word != "!" and word[0] != "+")
        for name in bases:
            found = [base for base in self._by_name.get(name.lower(), ()) if base is not section]
            if not found:
                reason = f"section [{section.name}] inherits from [{name}], which does not exist"
                raise ConfigError(path, number, reason)
            self._count(len(found[0].options), path, number)
            section.options += found[0].options
            section.inherited += tuple(found[0].options)
        section.templates += bases

    def _section_to_extend(self, name: str, condition: str, path: str, number: int) -> Section:
        candidates = self._by_name.get(name.lower(), ())
        try:
            found = _first_match(candidates, condition)
        except re.error as error:
            reason = f"(+{condition}): not a regular expression: {error}"
            raise ConfigError(path, number, reason) from None
        if found is None:
            raise ConfigError(path, number, f"no section [{name}] to add to")
        return found

    # options

    def _read_option(self, line: str, path: str, number: int) -> None:
        if self._current is None:
            raise ConfigError(path, number, f"no section before {line[:60]!r}")
        name, equals, value = line.partition("=")
        if not equals:
            self._warn(path, number, f"no '=' in {line[:60]!r}")
            return
        value = _strip(value.removeprefix(">"))
        appends = name.endswith("+")
        name = _strip(name[:-1] if appends else name)
        if not name:
            self._warn(path, number, "no option name before '='")
            return
        self._count(1, path, number)
        option = Option(name, value, path, number)
        if appends:
            self._append_value(self._current, option)
        else:
            self._current.options.append(option)

    def _append_value(self, section: Section, addition: Option) -> None:
        former = section.find(addition.name)
        if former is None:
            section.options.append(addition)
            return
        position = max(i for i, option in enumerate(section.options) if option is former)
        section.options[position] = replace(addition, value=former.value + addition.value)

    def _count(self, number_of_options: int, path: str, number: int) -> None:
        self._option_count += number_of_options
        if self._option_count > MAX_OPTIONS:
            raise ConfigError(path, number, f"more than {MAX_OPTIONS} options")

    # directives

    def _read_directive(self, text: str, path: str, number: int) -> None:
        words = text.split(None, 1)
        word = words[0].lower() if words else ""
        argument = _strip(words[1]) if len(words) == 2 else ""
        if word not in ("include", "tryinclude", "exec"):
            self._warn(path, number, f"unknown directive #{word}")
        elif not argument:
            self._warn(path, number, f"#{word} needs a name")
        elif word == "exec":
            self._execute(_unquoted(argument), path, number)
        else:
            self._include(_unquoted(argument), path, number, is_required=word == "include")

    def _include(self, name: str, path: str, number: int, *, is_required: bool) -> None:
        try:
            found = list(self._expand(name))
        except ValueError as error:
            raise ConfigError(path, number, f"{name}: {error}") from None
        if not found and is_required:
            raise ConfigError(path, number, f"included file {name} does not exist")
        if len(self._including) >= MAX_INCLUDE_DEPTH:
            raise ConfigError(path, number, f"includes nested deeper than {MAX_INCLUDE_DEPTH}")
        section = self._current
        for file in found:
            if os.path.realpath(file) in self._including:
                raise ConfigError(path, number, f"{file} includes itself")
            self._current = section
            self.read_path(file)
        self._current = section

    def _expand(self, name: str) -> Iterator[str]:
        for pattern in _braces(str(Path(self._config_dir) / name)):
            if not glob.has_magic(pattern):
                if Path(pattern).is_file():
                    yield pattern
                continue
            yield from (path for path in sorted(glob.glob(pattern)) if Path(path).is_file())  # noqa: PTH207

    def _execute(self, command: str, path: str, number: int) -> None:
        if not self._may_exec:
            reason = "#exec is ignored: asterisk.conf's [options] has no execincludes=yes"
            self._warn(path, number, reason)
            return
        import subprocess  # costs 6 ms, and hardly anybody uses #exec

        try:
            output = subprocess.run(
                ["/bin/sh", "-c", command],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                timeout=EXEC_TIMEOUT,
                check=False,
            ).stdout
        except (OSError, subprocess.SubprocessError, ValueError) as error:
            raise ConfigError(path, number, f"#exec {command}: {error}") from None
        if len(output) > MAX_FILE_SIZE:
            raise ConfigError(path, number, f"#exec {command}: output is too large")
        if len(self._including) >= MAX_INCLUDE_DEPTH:
            raise ConfigError(path, number, f"includes nested deeper than {MAX_INCLUDE_DEPTH}")
        section = self._current
        self._including.append("")
        try:
            self.read_text(decode(output), f"{path}:{number}: #exec {command}")
        finally:
            self._including.pop()
        self._current = section

    def _warn(self, path: str, number: int, message: str) -> None:
        self._file.warnings.append(ConfigWarning(path, number, message))


def _first_match(candidates: list[Section] | tuple[()], condition: str) -> Section | None:
    terms = [term.partition("=") for term in condition.split("&") if term]
    wish = next((value.lower() for name, _, value in terms if name.upper() == "TEMPLATES"), "")
    tests = [
        (re.compile(name), re.compile(value))
        for name, _, value in terms
        if name.upper() != "TEMPLATES"
    ]
    found = [
        section
        for section in candidates
        if all(_has_option(section, name, value) for name, value in tests)
        and (wish != "restrict" or section.is_template)
    ]
    if wish not in ("include", "restrict"):  # templates only if there is nothing else
        found.sort(key=lambda section: section.is_template)
    return found[0] if found else None


def _has_option(section: Section, name: re.Pattern[str], value: re.Pattern[str]) -> bool:
    return any(
        name.search(option.name) and value.search(option.value) for option in section.options
    )


def _braces(pattern: str) -> list[str]:
    """Expand ``{a,b}`` as a shell does."""
    done: list[str] = []
    todo = [pattern]
    while todo:
        item = todo.pop()
        found = _BRACES.search(item)
        if found is None:
            done.append(item)
            continue
        todo += (
            item[: found.start()] + word + item[found.end() :]
            for word in reversed(found[1].split(","))
        )
        if len(todo) + len(done) > MAX_BRACE_WORDS:
            raise ValueError("too many alternatives in braces")
    return done


def _unquoted(argument: str) -> str:
    closing = _QUOTES.get(argument[0])
    if closing is None:
        return argument
    return argument[1:].partition(closing)[0]


def _strip(text: str) -> str:
    """Strip what Asterisk takes for blanks: every character up to U+0020."""
    start, end = 0, len(text)
    while start < end and text[start] <= " ":
        start += 1
    while end > start and text[end - 1] <= " ":
        end -= 1
    return text[start:end]


def decode(data: bytes) -> str:
    """Return the text of a configuration file."""
    # Latin-1 files exist; every byte maps to something, so that reading is total
    data = data.removeprefix(codecs.BOM_UTF8)
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return data.decode("latin-1")
