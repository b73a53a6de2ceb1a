"""Changes to a configuration file that keep what people wrote around them.

:class:`ConfigEditor` changes lines, not the file: comments, blank lines, templates and includes
stay as they are. Where something stands is what the parser says, so there is no second grammar.
After each change the text is parsed again: if it does not say exactly what was asked for, such as
when a line falls into a block comment, nothing is changed and :class:`EditError` is raised.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from server.base.errors import ConfigError
from server.config.edit_lines import EditError, Lines, new_option, with_section, with_value
from server.config.ini import decode, parse_text
from server.config.objects import ConfigFile, Option, Section


@dataclass(frozen=True, slots=True)
class _Image:
    """A section as it is written: what its templates give it is left out."""

    name: str
    is_template: bool
    templates: tuple[str, ...]
    options: tuple[tuple[str, str], ...]


class ConfigEditor:
    """A configuration file that is being changed in memory.

    :param path: names the file, and its lines.
    :param text: what it says.
    :param config_dir: what the names of included files are relative to.
    :raises ConfigError: it can't be parsed.
    """

    def __init__(self, path: str, text: str, config_dir: str) -> None:
        self.path = path
        self._config_dir = config_dir
        self._texts = {path: text}
        self._file = self._parse(self._texts)
        self._known = _images(self._file)

    @property
    def file(self) -> ConfigFile:
        """What the text says now."""
        return self._file

    @property
    def changed(self) -> Mapping[str, str]:
        """The texts to write by path: the file itself, and included ones that were changed."""
        return self._texts

    # sections

    def add_section(
        self,
        name: str,
        *,
        is_template: bool = False,
        templates: Sequence[str] = (),
        before: Section | None = None,
    ) -> None:
        """Add an empty section, at the end or before another.

        :raises EditError: it can't be written.
        """
        modifiers = (["!"] if is_template else []) + list(templates)
        header = f"[{name}]" + (f"({','.join(modifiers)})" if modifiers else "")
        images = list(self._known)
        image = _Image(name, is_template, tuple(templates), ())
        texts = dict(self._texts)
        if before is None:
            images.append(image)
            texts[self.path] = with_section(texts[self.path], header)
        else:
            images.insert(self._index(before), image)
            lines = Lines(self._text_of(before.path))
            at = lines.start_of_comment(before.line - 1)
            lines.insert(at, header, "")
            texts[before.path] = str(lines)
        self._take(texts, images)

    def rename_section(self, section: Section, name: str) -> None:
        """Give a section another name.

        :raises EditError: it can't be written, or others refer to the old one.
        """
        images = list(self._known)
        index = self._index(section)
        images[index] = replace(images[index], name=name)

        def rename(line: str) -> str:
            start, bracket, rest = line.partition("[")
            return f"{start}{bracket}{name}]{rest.partition(']')[2]}"

        texts = dict(self._texts)
        for path, number in ((section.path, section.line), *section.additions):
            lines = Lines(self._text_of(path, texts))
            lines.change(number - 1, rename)
            texts[path] = str(lines)
        self._take(texts, images)

    def remove_section(self, section: Section) -> None:
        """Remove a section with its comments.

        :raises EditError: others need it.
        """
        images = list(self._known)
        del images[self._index(section)]
        self._remove_lines(
            [
                (section.path, section.line),
                *section.additions,
                *((option.path, option.line) for option in _own(section)),
            ],
            images,
            headers={(section.path, section.line), *section.additions},
        )

    def empty_section(self, section: Section) -> None:
        """Remove all options of a section."""
        images = list(self._known)
        index = self._index(section)
        images[index] = replace(images[index], options=())
        where = [(option.path, option.line) for option in _own(section)]
        self._remove_lines(where, images)

    # options

    def set_option(self, section: Section, option: Option, value: str, *, arrow: bool) -> None:
        """Give an option another value; one of a template is overridden in the section.

        :param arrow: write ``=>``.
        :raises EditError: it can't be written.
        """
        own = _own(section)
        position = _position(own, option)
        if position is None:
            self.append_option(section, option.name, value, arrow=arrow)
            return
        images = list(self._known)
        index = self._index(section)
        pairs = list(images[index].options)
        pairs[position] = (option.name, value.strip())
        images[index] = replace(images[index], options=tuple(pairs))
        lines = Lines(self._text_of(option.path))
        lines.change(option.line - 1, lambda line: with_value(line, value, arrow=arrow))
        self._take({**self._texts, option.path: str(lines)}, images)

    def append_option(self, section: Section, name: str, value: str, *, arrow: bool) -> None:
        """Add an option at the end of a section.

        :raises EditError: it can't be written.
        """
        own = _own(section)
        places = [(section.path, section.line), *section.additions]
        path, number = (own[-1].path, own[-1].line) if own else places[-1]
        if own and places[-1][0] == path and places[-1][1] > number:
            number = places[-1][1]
        self._insert(section, len(own), path, number, new_option(name, value, arrow=arrow))

    def insert_option(
        self, section: Section, index: int, name: str, value: str, *, arrow: bool
    ) -> None:
        """Add an option before the one of this index, counted with those of templates.

        :raises EditError: there is none of this index, or it can't be written.
        """
        if not 0 <= index < len(section.options):
            if index == len(section.options) == 0:
                self.append_option(section, name, value, arrow=arrow)
                return
            raise EditError(f"[{section.name}] has no option {index}")
        own = _own(section)
        inherited = {id(option) for option in section.inherited}
        position = sum(id(option) not in inherited for option in section.options[:index])
        if position == len(own):
            self.append_option(section, name, value, arrow=arrow)
            return
        target = own[position]
        line = new_option(name, value, arrow=arrow)
        self._insert(section, position, target.path, target.line - 1, line)

    def remove_options(self, section: Section, options: Sequence[Option]) -> None:
        """Remove options of a section.

        :raises EditError: one of them is a template's.
        """
        own = _own(section)
        doomed = {_position(own, option) for option in options}
        if None in doomed or not doomed:
            raise EditError("a template's option can't be removed here")
        images = list(self._known)
        index = self._index(section)
        kept = tuple(
            pair for position, pair in enumerate(images[index].options) if position not in doomed
        )
        images[index] = replace(images[index], options=kept)
        self._remove_lines([(option.path, option.line) for option in options], images)

    # private

    def _insert(
        self, section: Section, position: int, path: str, number: int, option: tuple[str, str, str]
    ) -> None:
        name, value, line = option
        images = list(self._known)
        index = self._index(section)
        pairs = list(images[index].options)
        pairs.insert(position, (name, value))
        images[index] = replace(images[index], options=tuple(pairs))
        lines = Lines(self._text_of(path))
        lines.insert(number, line)
        self._take({**self._texts, path: str(lines)}, images)

    def _remove_lines(
        self,
        where: Sequence[tuple[str, int]],
        images: list[_Image],
        headers: set[tuple[str, int]] | None = None,
    ) -> None:
        texts = dict(self._texts)
        for path in {path for path, _number in where}:
            lines = Lines(self._text_of(path, texts))
            numbers = sorted({number for each, number in where if each == path})
            if headers:
                lines.remove_blocks(
                    [n - 1 for n in numbers],
                    {number - 1 for each, number in headers if each == path},
                )
            else:
                lines.remove([number - 1 for number in numbers])
            texts[path] = str(lines)
        self._take(texts, images)

    def _index(self, section: Section) -> int:
        for index, each in enumerate(self._file.everything):
            if each is section:
                return index
        raise EditError(f"[{section.name}] is not in {self.path} any more")

    def _text_of(self, path: str, texts: Mapping[str, str] | None = None) -> str:
        known = (texts or self._texts).get(path)
        if known is not None:
            return known
        if path not in self._file.files:
            raise EditError(f"{path} is no file")
        return read_text(path)

    def _parse(self, texts: Mapping[str, str]) -> ConfigFile:
        return parse_text(
            texts[self.path], path=self.path, config_dir=self._config_dir, overlay=texts
        )

    def _take(self, texts: dict[str, str], expected: list[_Image]) -> None:
        """Let *texts* be what the files say, if they mean what is expected."""
        try:
            file = self._parse(texts)
        except ConfigError as error:
            raise EditError(str(error)) from None
        if _images(file) != expected or len(file.warnings) > len(self._file.warnings):
            raise EditError("the file would not say what it should")
        self._texts, self._file, self._known = texts, file, expected


def read_text(path: str) -> str:
    """Return what a configuration file says.

    :raises ConfigError: it can't be read.
    """
    try:
        return decode(Path(path).read_bytes())
    except OSError as error:
        raise ConfigError(path, 0, f"can't be read: {error.strerror}") from None


def _own(section: Section) -> list[Option]:
    if not section.inherited:
        return section.options
    inherited = {id(option) for option in section.inherited}
    return [option for option in section.options if id(option) not in inherited]


def _images(file: ConfigFile) -> list[_Image]:
    return [
        _Image(
            section.name,
            section.is_template,
            section.templates,
            tuple((option.name, option.value) for option in _own(section)),
        )
        for section in file.everything
    ]


def _position(options: Sequence[Option], wanted: Option) -> int | None:
    return next((i for i, option in enumerate(options) if option is wanted), None)
