"""The command ``arion``: reads the flags, then is a server, a console, or a single question."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

from server.cli.options import HELP, Options, UsageError, parse_arguments

EXIT_FAILURE = 1
EXIT_USAGE = 2


def main(arguments: list[str] | None = None) -> int:
    """Run the command.

    :param arguments: without the program's name; the process's own if not given.
    :return: the exit code: 0, 1 for what failed, 2 for a wrong command line.
    """
    words = sys.argv[1:] if arguments is None else arguments
    if words[:2] == ["config", "check"]:
        return check_configuration(words[2:])
    if words[:1] == ["dialplan"]:
        return run_dialplan(words[1:])
    if words[:1] == ["doctor"]:
        return run_doctor(words[1:])
    if words[:1] == ["db"]:
        return run_db(words[1:])
    if words[:2] == ["ael", "print"] and len(words) <= 3:
        return print_ael(words[2] if len(words) == 3 else None)
    try:
        options = parse_arguments(words)
    except UsageError as error:
        print(f"arion: {error}", file=sys.stderr)
        return EXIT_USAGE
    if options.show_help:
        print(HELP, end="")
        return 0
    if options.show_version:
        from server import __version__

        print(f"Arion {__version__}")
        return 0
    from server.base.errors import ServerError

    try:
        return run_remote(options) if options.is_remote else run_server(options)
    except ServerError as error:
        print(f"arion: {error}", file=sys.stderr)
        return EXIT_FAILURE
    except KeyboardInterrupt:
        return 128 + 2


def run_remote(options: Options) -> int:
    """Be a remote console."""
    from server.cli.client import run_remote as run

    path = options.socket_path
    if path is None:
        from server.config.home import load_asterisk

        path = load_asterisk(_config_path(options), []).control_socket
    return run(path, options)


def run_server(options: Options) -> int:
    """Be the server, unless one runs already."""
    from server.base.errors import Unavailable
    from server.cli.server import is_served
    from server.config.loader import load_configuration
    from server.realtime.static import StaticFiles

    configuration = load_configuration(
        _config_path(options), may_exec=options.exec_includes, static_reader=StaticFiles
    )
    options = options.merged_with(configuration.options)
    if options.socket_path is None:
        options = replace(options, socket_path=configuration.asterisk.control_socket)
    if is_served(str(options.socket_path)):
        raise Unavailable(f"a server is already running on {options.socket_path}; connect with -r")
    from server.app.main import run

    return run(options, configuration)


def check_configuration(words: list[str]) -> int:
    """Say what the server would make of a configuration: ``[-v] [FILE or folder]``."""
    paths = [word for word in words if word != "-v"]
    if len(paths) > 1 or any(word.startswith("-") for word in paths):
        print("usage: arion config check [-v] [FILE]", file=sys.stderr)
        return EXIT_USAGE
    from server.app.offline import offline_modules, offline_registry
    from server.cli.check import check_configuration as check
    from server.config.home import DEFAULT_PATH

    path = paths[0] if paths else DEFAULT_PATH
    report = check(path, offline_registry(), modules=offline_modules(), is_verbose="-v" in words)
    print("\n".join(report.lines))
    return EXIT_FAILURE if report.errors else 0


def run_doctor(words: list[str]) -> int:
    """Say what is wrong with a server and its machine."""
    from server.app.offline import offline_registry
    from server.cli.doctor.findings import Level
    from server.cli.doctor.run import consult, lines_of
    from server.config.home import DEFAULT_PATH

    paths = [word for word in words if word != "-q"]
    if len(paths) > 1 or any(path.startswith("-") for path in paths):
        print("Usage: arion doctor [-q] [FILE]", file=sys.stderr)
        return EXIT_USAGE
    findings = list(consult("".join(paths) or DEFAULT_PATH, offline_registry()))
    print("\n".join(lines_of(findings, is_brief="-q" in words)))
    return EXIT_FAILURE if any(each.level is Level.ERROR for each in findings) else 0


def run_dialplan(words: list[str]) -> int:
    """Check the dialplan, or follow a call through it."""
    from server.app.offline import offline_registry
    from server.base.errors import ServerError
    from server.cli.dialplan import DialplanUsageError, run_dialplan_command

    try:
        code, output = run_dialplan_command(words, offline_registry())
    except DialplanUsageError as error:
        print(error, file=sys.stderr)
        return EXIT_USAGE
    except ServerError as error:
        print(f"arion: {error}", file=sys.stderr)
        return EXIT_FAILURE
    print("\n".join(output))
    return code


def run_db(words: list[str]) -> int:
    """Make or check the tables of a database."""
    from server.base.errors import ServerError
    from server.cli.db import DbUsageError, run_db_command

    try:
        code, output = run_db_command(words)
    except DbUsageError as error:
        print(error, file=sys.stderr)
        return EXIT_USAGE
    except ServerError as error:
        print(f"arion: {error}", file=sys.stderr)
        return EXIT_FAILURE
    print("\n".join(output))
    return code


def print_ael(path: str | None) -> int:
    """Print what an AEL file is compiled to, as extensions.conf."""
    from server.base.errors import ServerError
    from server.dialplan.ael.compiler import compile_ael_file
    from server.dialplan.ael.printer import print_config

    try:
        if path is None:
            from server.config.home import DEFAULT_PATH, load_asterisk

            asterisk = load_asterisk(DEFAULT_PATH if Path(DEFAULT_PATH).exists() else None, [])
            path = str(Path(asterisk.directories.astetcdir) / "extensions.ael")
        compiled = compile_ael_file(path)
    except ServerError as error:
        print(f"arion: {error}", file=sys.stderr)
        return EXIT_FAILURE
    for warning in compiled.warnings:
        print(warning, file=sys.stderr)
    print(print_config(compiled), end="")
    return 0


def _config_path(options: Options) -> str | None:
    """Return asterisk.conf; ``None`` for built-in defaults when nobody named a file."""
    from server.config.home import DEFAULT_PATH

    if options.config_path is not None:
        return options.config_path
    return DEFAULT_PATH if Path(DEFAULT_PATH).exists() else None


if __name__ == "__main__":
    sys.exit(main())
