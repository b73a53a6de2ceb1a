"""Configuration files: reading and changing them. Only those of ``astetcdir`` can be reached."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from server.ami.actions.config_updates import apply_updates, read_updates
from server.ami.context import AmiContext
from server.ami.protocol import Field, lines
from server.ami.registry import ActionError, Reply, Request, action, done, failure, success
from server.base.errors import ConfigError, ServerError
from server.config.edit import ConfigEditor, read_text
from server.config.files import create_file, replace_files
from server.config.ini import parse_file
from server.config.objects import Section
from server.dialplan.posix_regex import PosixRegex, compile_regex

T = TypeVar("T")

NO_NAME = "Filename not specified"
OUTSIDE = "File requires escalated priveledges"  # as Asterisk spells it, for those who compare
MAX_NAME = 255  # bytes of a file's name that file systems take
NOT_FOUND = "Config file not found"
INVALID = "Config file has invalid format"
MAX_CONDITIONS = 32
_TRUE = frozenset({"yes", "true", "y", "t", "1", "on"})
_writing = threading.Lock()  # held by worker threads only: one file is changed at a time


@dataclass(frozen=True, slots=True)
class _Filter:
    """Which sections are meant: those whose options match every pair of expressions."""

    category: str
    templates: str
    tests: tuple[tuple[PosixRegex, PosixRegex], ...]

    def __call__(self, section: Section) -> bool:
        if self.category and section.name.lower() != self.category.lower():
            return False
        if section.is_template != (self.templates == "restrict") and self.templates != "include":
            return False
        return all(
            any(name.search(each.name) and value.search(each.value) for each in section.options)
            for name, value in self.tests
        )


def read_condition(category: str, text: str) -> Callable[[Section], bool]:
    """Read ``name_regex=value_regex[,…]``; the name ``TEMPLATES`` stands for templates.

    :raises ActionError: there are too many.
    :raises InvalidArgument: one can't be read.
    """
    tests: list[tuple[PosixRegex, PosixRegex]] = []
    templates = ""
    for part in (each for each in text.split(",") if each.strip()):
        name, _equals, value = part.partition("=")
        if name.strip().upper() == "TEMPLATES":
            templates = value.strip().lower()
            continue
        tests.append((compile_regex(name.strip()), compile_regex(value.strip())))
    if len(tests) > MAX_CONDITIONS:
        raise ActionError(f"Invalid filter: more than {MAX_CONDITIONS} expressions")
    return _Filter(category, templates, tuple(tests))


@action("GetConfig", "system", "config", summary="Read a configuration file")
async def get_config(request: Request) -> Reply:
    """Return the sections of a file with their options."""
    has_category = bool(request.get("Category"))

    def write(sections: list[Section]) -> str:
        if has_category and not sections:
            return "No categories found\r\n"
        return lines(_config_fields(sections))

    return Reply(body=await _read(request, write))


def _config_fields(sections: list[Section]) -> Iterator[Field]:
    for number, section in enumerate(sections):
        yield f"Category-{number:06}", section.name
        if section.is_template:
            yield f"IsTemplate-{number:06}", 1
        if section.templates:
            yield f"Templates-{number:06}", ",".join(section.templates)
        for line, option in enumerate(section.options):
            yield f"Line-{number:06}-{line:06}", f"{option.name}={option.value}"


@action("GetConfigJSON", "system", "config", summary="Read a configuration file as JSON")
async def get_config_json(request: Request) -> Reply:
    """Return the sections of a file as one line of JSON; names may occur more than once."""

    def write(sections: list[Section]) -> str:
        members = [f"{_json(section.name)}:{_json_section(section)}" for section in sections]
        return "{" + ",".join(members) + "}"

    return success(("JSON", await _read(request, write)))


def _json_section(section: Section) -> str:
    pairs = ['"istemplate":1'] if section.is_template else []
    if section.templates:
        pairs.append(f'"templates":{_json(",".join(section.templates))}')
    pairs += [f"{_json(option.name)}:{_json(option.value)}" for option in section.options]
    return "{" + ",".join(pairs) + "}"


def _json(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


@action("ListCategories", "config", summary="List the sections of a configuration file")
async def list_categories(request: Request) -> Reply:
    """Return the names of the sections of a file."""
    names = await _read(request, lambda sections: [section.name for section in sections])
    if not names:
        return success(("Error", "no categories found"))
    return Reply(fields=[(f"Category-{number:06}", name) for number, name in enumerate(names)])


@action("CreateConfig", "config", summary="Make an empty configuration file")
async def create_config(request: Request) -> Reply:
    """Make an empty file; one that exists is left alone."""
    path = _path(request.context, request.get("Filename"))
    try:
        await asyncio.to_thread(create_file, path)
    except OSError as error:
        return failure(error.strerror or "can't be created")
    return done("New configuration file created successfully")


@action("UpdateConfig", "config", summary="Change a configuration file")
async def update_config(request: Request) -> Reply:
    """Change sections and options of a file, all of what is asked for or nothing."""
    context = request.context
    names = request.get("SrcFilename"), request.get("DstFilename")
    if not all(names):
        return failure(NO_NAME)
    source, target = (_path(context, name) for name in names)
    updates = read_updates(request.message)
    directory = context.configuration().directories.astetcdir

    def change() -> None:
        with _writing:
            editor = _edit(source, directory)
            apply_updates(editor, updates, read_condition)
            texts = {
                target if path == source else _inside(directory, path): text
                for path, text in editor.changed.items()
            }
            try:
                replace_files(texts)
            except OSError:
                raise ActionError("Save of config failed") from None

    await asyncio.to_thread(change)
    if reload := request.get("Reload"):
        await _reload(context, "" if reload.lower() in _TRUE else reload)
    return success()


async def _reload(context: AmiContext, module: str) -> None:
    """Reload as asked; the file is written whatever comes of it, as in Asterisk."""
    try:
        await context.lifecycle.reload(module or None)
    except ServerError as error:
        raise ActionError(f"The file is written, but the reload failed: {error}") from None


def _edit(path: str, directory: str) -> ConfigEditor:
    if not Path(path).is_file():
        raise ActionError(NOT_FOUND)
    try:
        return ConfigEditor(path, read_text(path), directory)
    except ConfigError:
        raise ActionError(INVALID) from None


async def _read(request: Request, write: Callable[[list[Section]], T]) -> T:
    """Return what is written of the sections that are meant; a thread does it, files can be long.

    :raises ActionError: the file can't be used.
    """
    asterisk = request.context.configuration().asterisk
    path = _path(request.context, request.get("Filename"))
    conditions = request.get("Filter") or request.get("Match")
    meant = read_condition(request.get("Category"), conditions)

    def read() -> T:
        if not Path(path).is_file():
            raise ActionError(NOT_FOUND)
        try:
            file = parse_file(
                path,
                config_dir=asterisk.directories.astetcdir,
                may_exec=asterisk.options.execincludes,
            )
        except ConfigError:
            raise ActionError(INVALID) from None
        return write([section for section in file.everything if meant(section)])

    return await asyncio.to_thread(read)


def _path(context: AmiContext, name: str) -> str:
    """Return where a file is.

    :raises ActionError: no name is given, or the file is outside the directory.
    """
    if not name:
        raise ActionError(NO_NAME)
    if len(name.encode()) > MAX_NAME:
        raise ActionError(NOT_FOUND)
    directory = context.configuration().directories.astetcdir
    return _inside(directory, str(Path(directory) / name))


def _inside(directory: str, path: str) -> str:
    home, target = Path(directory).resolve(), Path(path).resolve()
    if "\0" in path or target == home or not target.is_relative_to(home):
        raise ActionError(OUTSIDE)
    return str(target)
