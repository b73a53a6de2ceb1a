"""What a call file says, and the lines in which its attempts are noted. No I/O."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field

from server.base.errors import ServerError

MAX_BYTES = 64 * 1024
MAX_VARIABLES = 256
MAX_NUMBER = 10_000_000  # seconds or attempts
DEFAULT_WAIT = 45  # seconds
DEFAULT_RETRY = 300  # seconds

START, END, ABORT, DELAYED = "StartRetry", "EndRetry", "AbortRetry", "DelayedRetry"
ANSWERED = "#Answered"  # a comment to others: after a crash the call is not made again
_NOTES = re.compile(rf"(?:{START}|{END}|{ABORT}|{DELAYED}|{ANSWERED}):", re.IGNORECASE)
_COMMENT = re.compile(r"(?:^|(?<=[ \t]))#.*")
_LEADING_NUMBER = re.compile(r"[+-]?\d{1,9}")


@dataclass(slots=True)
class CallFile:
    """A call file's content.

    :ivar retries: attempts that have ended.
    :ivar calling_pid: the server that makes an attempt now, 0 for none.
    :ivar was_answered: its present attempt was answered.
    :ivar warnings: what was not understood but does no harm, each with file and line.
    """

    technology: str = ""
    resource: str = ""
    caller_id: str = ""
    account: str = ""
    wait_time: int = DEFAULT_WAIT
    retry_time: int = DEFAULT_RETRY
    max_retries: int = 0
    application: str = ""
    data: str = ""
    context: str = ""
    extension: str = ""
    priority: int = 1
    variables: list[tuple[str, str]] = field(default_factory=list)
    codecs: list[str] = field(default_factory=list)
    is_early_media: bool = False
    is_archived: bool = False
    always_delete: bool = True
    retries: int = 0
    calling_pid: int = 0
    was_answered: bool = False
    warnings: list[str] = field(default_factory=list)

    @property
    def endpoint(self) -> str:
        """The dial string."""
        return f"{self.technology}/{self.resource}"


class InvalidCallFile(ServerError):
    """A call file can't be carried out; says where and why."""


def parse_call_file(text: str, path: str) -> CallFile:
    """Read a call file.

    :param path: for messages.
    :raises InvalidCallFile: it names no channel, or nothing to do once that is answered.
    """
    call = CallFile()
    for number, raw in enumerate(text.split("\n"), 1):
        if raw.startswith(f"{ANSWERED}:"):
            call.was_answered = True
            continue
        line = _without_comment(raw).strip()
        if not line:
            continue
        key, colon, value = line.partition(":")
        setter = _KEYS.get(key.strip().lower())
        if not colon:
            call.warnings.append(f"{path}:{number}: syntax error: {line[:80]!r}")
        elif setter is None:
            call.warnings.append(f"{path}:{number}: unknown keyword {key[:80]!r}")
        elif (problem := setter(call, value.strip())) is not None:
            call.warnings.append(f"{path}:{number}: {key.strip()}: {problem}")
    if not call.technology or not call.resource or not (call.application or call.extension):
        problem = "at least one of Application and Extension is needed, along with Channel"
        raise InvalidCallFile("; ".join([f"{path}: {problem}", *call.warnings]))
    return call


def note(kind: str, pid: int, retries: int, now: float) -> str:
    """Return the lines that note an attempt.

    :param now: seconds since 1970.
    """
    return f"\n{kind}: {pid} {retries} ({int(now)})\n"


def without_notes(text: str) -> str:
    """Return a call file as it was before any attempt."""
    kept = [line for line in text.split("\n") if not _NOTES.match(line)]
    return "\n".join(kept).rstrip("\n") + "\n"


def _without_comment(line: str) -> str:
    line = _COMMENT.sub("", line)
    kept, begin = "", 0
    while (at := line.find(";", begin)) >= 0:
        if at == 0 or line[at - 1] != "\\":
            return kept + line[begin:at]
        kept += line[begin : at - 1] + ";"
        begin = at + 1
    return kept + line[begin:]


# One function a keyword: takes the value, returns what is wrong with it.

Setter = Callable[[CallFile, str], str | None]


def _set_channel(call: CallFile, value: str) -> str | None:
    technology, slash, resource = value.partition("/")
    if not slash or not technology or not resource:
        return f"{value!r} is not technology/destination"
    call.technology, call.resource = technology, resource
    return None


def _text(name: str) -> Setter:
    def set_it(call: CallFile, value: str) -> None:
        setattr(call, name, value)

    return set_it


def _number(name: str, least: int = 0) -> Setter:
    def set_it(call: CallFile, value: str) -> str | None:
        match = _LEADING_NUMBER.match(value)
        if match is None or not least <= int(match[0]) <= MAX_NUMBER:
            return f"{value!r} is not a number of {least} or more"
        setattr(call, name, int(match[0]))
        return None

    return set_it


def _switch(name: str) -> Setter:
    def set_it(call: CallFile, value: str) -> None:
        setattr(call, name, value.lower() in ("yes", "true", "y", "t", "1", "on"))

    return set_it


def _set_variable(call: CallFile, value: str) -> str | None:
    name, _, content = value.partition("=")
    if not name.strip():
        return "a variable without a name"
    if len(call.variables) >= MAX_VARIABLES:
        return f"more than {MAX_VARIABLES} variables"
    call.variables.append((name.strip(), content))
    return None


def _set_codecs(call: CallFile, value: str) -> None:
    names = value.replace("!all", "").split(",")
    call.codecs = [name.strip() for name in names if name.strip()]


def _on_start(call: CallFile, value: str) -> None:
    match = _LEADING_NUMBER.match(value)
    call.calling_pid = int(match[0]) if match else 0
    call.was_answered = False


def _on_end(call: CallFile, _value: str) -> None:
    call.calling_pid = 0
    call.retries += 1


def _on_retry(call: CallFile, _value: str) -> None:
    call.retries += 1


def _ignore(_call: CallFile, _value: str) -> None:
    pass


_KEYS: dict[str, Setter] = {
    "channel": _set_channel,
    "callerid": _text("caller_id"),
    "account": _text("account"),
    "waittime": _number("wait_time", 1),
    "retrytime": _number("retry_time", 1),
    "maxretries": _number("max_retries"),
    "application": _text("application"),
    "data": _text("data"),
    "context": _text("context"),
    "extension": _text("extension"),
    "priority": _number("priority", 1),
    "setvar": _set_variable,
    "set": _set_variable,
    "codecs": _set_codecs,
    "early_media": _switch("is_early_media"),
    "archive": _switch("is_archived"),
    "alwaysdelete": _switch("always_delete"),
    "retry": _on_retry,
    START.lower(): _on_start,
    END.lower(): _on_end,
    ABORT.lower(): _on_end,
    DELAYED.lower(): _ignore,
    "status": _ignore,
}
