"""The flags of ``arion``, with Asterisk's letters and meanings."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from server.config.sections.asterisk import Options as ConfiguredOptions

N = TypeVar("N", int, float)

HELP = """\
Usage: arion [OPTIONS]
       arion config check [-v] [FILE] say what the server would make of a configuration
       arion doctor [-q] [FILE]    say what is wrong with a server and its machine, and what to do
       arion dialplan check [FILE] find mistakes in the dialplan
       arion dialplan trace CONTEXT EXTENSION   say what a call would do there, step by step
       arion ael print [FILE]      show extensions.ael as extensions.conf
  -V               print the version and leave
  -C FILE          read this asterisk.conf
  -f               stay in the foreground
  -F               go to the background, even with -c or -f
  -c               console: foreground, with a prompt
  -r               connect to a running server's console
  -R               the same, and connect again when it goes away
  -x COMMAND       run one command there (with -r), print what it says, leave
  -s FILE          control socket to listen on or connect to
  -v               more verbose; may be repeated
  -d               more debugging; may be repeated
  -q               quiet: nothing on the terminal
  -m               start with the console muted
  -n               no colours
  -T               times before verbose messages too
  -U USER          run as this user
  -G GROUP         run as this group
  -p               run with real-time priority
  -g               leave a core file after a crash
  -e MEBIBYTES     refuse calls when less memory is free
  -L LOAD          refuse calls above this load average
  -M CALLS         refuse calls above this number
  -X               let #exec in configuration files run commands
  -h, -?           print this and leave
  -i -I -t -W -B   accepted; they mean nothing here
"""

_IGNORED = {
    "i": "keys are never asked for at start",
    "I": "the media engine always has its own timer",
    "t": "recordings are written where they stay",
    "W": "the console takes its colours from the terminal",
    "B": "the console takes its colours from the terminal",
}
_SWITCHES = {
    "V": "show_version", "h": "show_help", "?": "show_help", "f": "is_foreground",
    "F": "always_fork", "c": "has_console", "r": "is_remote", "R": "is_remote",
    "q": "is_quiet", "m": "is_muted", "n": "no_colour", "T": "timestamp", "p": "realtime",
    "g": "dump_core", "X": "exec_includes",
}  # fmt: skip
_TEXTS = {
    "C": "config_path", "x": "command", "s": "socket_path", "U": "user", "G": "group",
}  # fmt: skip
_NUMBERS = {"e": "min_memory_free", "L": "max_load", "M": "max_calls"}


class UsageError(Exception):
    """The command line is wrong; the text is one line for the user."""


@dataclass(frozen=True, slots=True)
class Options:
    """What the command line asks for; ``None`` and 0 where it says nothing.

    :param config_path: as given by ``-C``, or ``None``.
    :param command: ``-x``: run it in the running server.
    :param verbose: number of ``-v``; after :meth:`merged_with` the verbosity to start with.
    :param ignored: flags that were accepted without meaning anything, with the reason.
    """

    config_path: str | None = None
    show_version: bool = False
    show_help: bool = False
    is_foreground: bool = False
    always_fork: bool = False
    has_console: bool = False
    is_remote: bool = False
    reconnects: bool = False
    command: str | None = None
    socket_path: str | None = None
    verbose: int = 0
    debug: int = 0
    is_quiet: bool = False
    is_muted: bool = False
    no_colour: bool = False
    timestamp: bool = False
    user: str | None = None
    group: str | None = None
    realtime: bool = False
    dump_core: bool = False
    min_memory_free: int | None = None
    max_load: float | None = None
    max_calls: int | None = None
    exec_includes: bool = False
    ignored: tuple[tuple[str, str], ...] = field(default=())

    @property
    def stays_in_foreground(self) -> bool:
        """Whether the process does not go to the background."""
        return (self.is_foreground or self.has_console) and not self.always_fork

    def merged_with(self, configured: ConfiguredOptions) -> Options:
        """Fill what the command line leaves open from asterisk.conf's ``[options]``."""
        return replace(
            self,
            is_foreground=self.is_foreground or configured.nofork,
            always_fork=self.always_fork or configured.alwaysfork,
            has_console=self.has_console or configured.console,
            verbose=self.verbose or configured.verbose,
            debug=self.debug or configured.debug,
            is_quiet=self.is_quiet or configured.quiet,
            no_colour=self.no_colour or configured.nocolor,
            timestamp=self.timestamp or configured.timestamp,
            user=self.user or configured.runuser or None,
            group=self.group or configured.rungroup or None,
            realtime=self.realtime or configured.highpriority,
            dump_core=self.dump_core or configured.dumpcore,
            min_memory_free=_first(self.min_memory_free, configured.minmemfree),
            max_load=_first(self.max_load, configured.maxload),
            max_calls=_first(self.max_calls, configured.maxcalls),
        )


def parse_arguments(arguments: list[str]) -> Options:
    """Read flags, joined (``-rx``, ``-vvvf``) or apart, as getopt does.

    :raises UsageError: an unknown flag, a missing or unreadable value, a stray argument.
    """
    values: dict[str, object] = {}
    counts = {"v": 0, "d": 0}
    ignored: list[tuple[str, str]] = []
    rest = list(arguments)
    while rest:
        word = rest.pop(0)
        if word == "--" and not rest:
            break
        if len(word) < 2 or word[0] != "-" or word.startswith("--"):
            raise UsageError(f"unexpected argument {word!r}; try -h")
        letters = word[1:]
        while letters:
            letter, letters = letters[0], letters[1:]
            if letter in counts:
                counts[letter] += 1
            elif letter in _IGNORED:
                ignored.append((letter, _IGNORED[letter]))
            elif letter in _SWITCHES:
                values[_SWITCHES[letter]] = True
                if letter == "R":
                    values["reconnects"] = True
            else:
                _take_value(letter, letters, rest, values)
                letters = ""
    if "command" in values:
        values["is_remote"] = True
    return Options(
        **values,  # type: ignore[arg-type]  # the tables above name fields of their types
        verbose=counts["v"],
        debug=counts["d"],
        ignored=tuple(ignored),
    )


def _take_value(letter: str, attached: str, rest: list[str], values: dict[str, object]) -> None:
    name = _TEXTS.get(letter) or _NUMBERS.get(letter)
    if name is None:
        raise UsageError(f"unknown flag -{letter}; try -h")
    if not attached and not rest:
        raise UsageError(f"-{letter} needs a value; try -h")
    value = attached or rest.pop(0)
    if letter in _TEXTS:
        values[name] = value
        return
    try:
        number = float(value) if letter == "L" else int(value)
    except ValueError:
        number = -1
    if not 0 <= number < 10**9:
        raise UsageError(f"-{letter}: expected a number, not {value!r}")
    values[name] = number


def _first(given: N | None, configured: N) -> N:
    return configured if given is None else given
