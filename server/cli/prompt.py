"""The prompt: ``ASTERISK_PROMPT`` and its escapes."""

from __future__ import annotations

import grp
import os
import pwd
import re
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

DEFAULT = "%s*CLI> "
VARIABLE = "ASTERISK_PROMPT"
MAX_LENGTH = 300  # characters, of what the variable says
_ESCAPE = re.compile(r"%(C\d{1,3}(?:;\d{1,3})?|l[123]?|.)", re.DOTALL)
_BRIGHT = 128  # added to the number of a colour


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What the prompt may tell.

    :param hostname: of the server.
    :param system_name: asterisk.conf's ``systemname``, or empty.
    :param is_remote: the console is connected to a server, rather than part of it.
    """

    hostname: str
    system_name: str = ""
    is_remote: bool = True


def template(environment: dict[str, str] | None = None) -> str:
    """Return what the prompt is made of."""
    found = (dict(os.environ) if environment is None else environment).get(VARIABLE, "")
    return (found or DEFAULT)[:MAX_LENGTH]


def render_prompt(text: str, around: Surroundings, wall: float) -> str:
    """Fill in a template; unknown escapes vanish.

    :param wall: the time, in seconds since the Unix epoch.
    """
    has_colour = False

    def fill(found: re.Match[str]) -> str:
        nonlocal has_colour
        what = found[1]
        if what[0] == "C" and len(what) > 1:
            has_colour = True
            return _colour(what[1:])
        if what[0] == "l":
            return _load(what[1:])
        write = _ESCAPES.get(what)
        return "" if write is None else write(around, wall)

    rendered = _ESCAPE.sub(fill, text)
    return rendered + "\033[0m" if has_colour else rendered


def _colour(numbers: str) -> str:
    """Return what switches to a foreground and, behind a semicolon, a background."""
    foreground, _, background = numbers.partition(";")
    codes = ["1"] if int(foreground) & _BRIGHT else ["0"]
    codes.append(str(int(foreground) & ~_BRIGHT))
    if background:
        # backgrounds are counted as foregrounds are, and shown ten further on
        number = int(background) & ~_BRIGHT
        codes.append(str(number + 10 if number < 40 else number))
    return f"\033[{';'.join(codes)}m"


def _load(which: str) -> str:
    with suppress(OSError):
        loads = os.getloadavg()
        chosen = loads if not which else loads[int(which) - 1 : int(which)]
        return " ".join(f"{load:.2f}" for load in chosen)
    return ""


def _user(_around: Surroundings, _wall: float) -> str:
    with suppress(KeyError):
        return pwd.getpwuid(os.geteuid()).pw_name
    return ""


def _group(_around: Surroundings, _wall: float) -> str:
    with suppress(KeyError):
        return grp.getgrgid(os.getegid()).gr_name
    return ""


def _strftime(pattern: str) -> Callable[[Surroundings, float], str]:
    return lambda _around, wall: time.strftime(pattern, time.localtime(wall))


_ESCAPES: dict[str, Callable[[Surroundings, float], str]] = {
    "d": _strftime("%Y-%m-%d"),
    "t": _strftime("%H:%M:%S"),
    "g": _group,
    "u": _user,
    "h": lambda around, _wall: around.hostname,
    "H": lambda around, _wall: around.hostname.partition(".")[0],
    "s": lambda around, _wall: around.system_name or around.hostname,
    "#": lambda around, _wall: ">" if around.is_remote else "#",
    "%": lambda _around, _wall: "%",
}
