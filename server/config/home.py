"""asterisk.conf, and the directory of the other files.

Apart from :mod:`server.config.loader`, so that a remote console starts without reading the rest.
"""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

from server.base.errors import ConfigError
from server.config.ini import parse_file
from server.config.objects import ConfigFile, ConfigWarning
from server.config.sections.asterisk import AsteriskConf, build_asterisk

DEFAULT_PATH = "/etc/asterisk/asterisk.conf"


def load_asterisk(path: str | None, warnings: list[ConfigWarning]) -> AsteriskConf:
    """Read asterisk.conf alone, which is all that a remote console needs.

    ``astetcdir`` is the file's own directory unless the file says otherwise.

    :raises ConfigError: there is no such file, or it is wrong.
    """
    if path is None:
        return AsteriskConf()
    home = os.path.dirname(os.path.abspath(path))  # noqa: PTH100, PTH120
    file = parse_file(path, config_dir=home)
    warnings += file.warnings
    conf = build_asterisk(file, warnings)
    section = file.find("directories")
    if section is None or section.find("astetcdir") is None:
        conf = replace(conf, directories=replace(conf.directories, astetcdir=home))
    return conf


def read_optional(asterisk: AsteriskConf, name: str) -> ConfigFile | None:
    """Parse a file of the configuration directory, ``None`` if there is none.

    One that extconfig.conf has in a database is read from there.

    :raises ConfigError: it is there, but can't be read.
    """
    if asterisk.static is not None and (found := asterisk.static(name)) is not None:
        return found
    directory = asterisk.directories.astetcdir
    path = Path(directory) / name
    try:
        exists = path.is_file()
    except OSError as error:
        raise ConfigError(str(path), 0, str(error.strerror)) from None
    if not exists:
        return None
    may_exec = asterisk.options.execincludes
    return parse_file(str(path), config_dir=directory, may_exec=may_exec)
