"""AST_CONFIG(): options of configuration files."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

from server.base.errors import InvalidArgument
from server.config.ini import parse_file
from server.config.objects import ConfigFile
from server.dialplan.arguments import argument, split_arguments
from server.dialplan.numbers import parse_integer
from server.dialplan.port import Dialplan
from server.dialplan.registry import function
from server.dialplan.scope import Scope

MAX_CACHED = 32  # files


class Files:
    """The files that were read lately, kept while they are as they were."""

    def __init__(self, dialplan: Dialplan) -> None:
        self._folder = Path(dialplan.constants.get("ASTETCDIR") or "/etc/asterisk")
        self._cache: dict[Path, tuple[float, ConfigFile]] = {}

    async def get(self, name: str) -> ConfigFile:
        """Return a file.

        :raises InvalidArgument: the name leads out of the configuration's folder.
        :raises ConfigError: the file can't be read or is wrong.
        """
        path = self._path(name)
        modified, found = await asyncio.to_thread(self._load, path, self._cache.get(path))
        self._cache.pop(path, None)
        if len(self._cache) >= MAX_CACHED:
            del self._cache[next(iter(self._cache))]
        self._cache[path] = modified, found
        return found

    def _path(self, name: str) -> Path:
        path = Path(os.path.normpath(self._folder / name))
        if not name or "\0" in name or not path.is_relative_to(self._folder):
            raise InvalidArgument("config_file", f"{name!r} is not below {self._folder}")
        return path

    @staticmethod
    def _load(path: Path, cached: tuple[float, ConfigFile] | None) -> tuple[float, ConfigFile]:
        try:
            modified = path.stat().st_mtime
        except OSError as error:
            raise InvalidArgument("config_file", f"{path}: {error.strerror}") from None
        if cached is not None and cached[0] == modified:
            return cached
        return modified, parse_file(str(path))


@function("AST_CONFIG")
async def read_config(scope: Scope, data: str) -> str:
    """AST_CONFIG(file,category,variable,index): an option's value in a file of ASTETCDIR.

    Of several lines, the one at *index*, from 0, or from the end if negative; ``-1`` is the last.
    """
    arguments = split_arguments(data, 4)
    if len(arguments) < 3:
        raise InvalidArgument("AST_CONFIG", "expected file, category and variable")
    found = await scope.dialplan.part(Files).get(arguments[0].strip())
    values = [
        option.value
        for section in found.sections
        if section.name.lower() == arguments[1].strip().lower()
        for option in section.find_all(arguments[2].strip())
    ]
    index = parse_integer(argument(arguments, 3))
    if not -len(values) <= index < len(values):
        raise InvalidArgument("variable_name", f"{arguments[2]!r} was not found")
    return values[index]
