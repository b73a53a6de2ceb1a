"""Event filters: which events a session hears of those that its classes let through.

Lines of manager.conf, or of the action Filter::

    eventfilter = Channel: PJSIP/                                  a regular expression
    eventfilter = !Channel: Local/                                 keeps such events away
    eventfilter(action(exclude),name(Newexten)) =                  all of one name
    eventfilter(name(VarSet),header(Variable),method(exact)) = FOO

With including filters an event has to match one of them; one that an excluding filter matches
is kept away in any case.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from server.base.errors import InvalidArgument
from server.dialplan.posix_regex import compile_regex

MAX_FILTERS = 1000  # of one session
MAX_PATTERN = 1024
_CRITERIA = re.compile(r"\s*(action|name|header|method)\(([^()]*)\)\s*(?:,|$)")

_METHODS: dict[str, Callable[[str, str], bool]] = {
    "exact": lambda text, pattern: text == pattern,
    "starts_with": lambda text, pattern: text.startswith(pattern),
    "ends_with": lambda text, pattern: text.endswith(pattern),
    "contains": lambda text, pattern: pattern in text,
    "none": lambda text, pattern: True,
}


@dataclass(frozen=True, slots=True)
class EventFilter:
    """One filter.

    :param name: of the events that it is about, empty for all.
    :param header: what is looked at, empty for the whole event.
    :param test: says whether a text fits.
    """

    is_exclude: bool
    name: str
    header: str
    test: Callable[[str], bool]

    def matches(self, name: str, text: str) -> bool:
        """Tell whether the filter is about this event."""
        if self.name and self.name != name:
            return False
        if not self.header:
            return self.test(text)
        return any(self.test(value) for value in _values(text, self.header))


class Filters:
    """The filters of one session."""

    def __init__(self, filters: Sequence[EventFilter] = ()) -> None:
        self.includes = [each for each in filters if not each.is_exclude]
        self.excludes = [each for each in filters if each.is_exclude]

    def __bool__(self) -> bool:
        return bool(self.includes or self.excludes)

    def add(self, made: EventFilter) -> None:
        """Add a filter.

        :raises InvalidArgument: there are too many.
        """
        if len(self.includes) + len(self.excludes) >= MAX_FILTERS:
            raise InvalidArgument("filter", f"a session has at most {MAX_FILTERS}")
        (self.excludes if made.is_exclude else self.includes).append(made)

    def lets_through(self, name: str, text: str) -> bool:
        """Decide on an event, given its name and all its lines."""
        if self.includes and not any(each.matches(name, text) for each in self.includes):
            return False
        return not any(each.matches(name, text) for each in self.excludes)


def read_filter(criteria: str, pattern: str) -> EventFilter:
    """Read a filter.

    :param criteria: ``(action(…),name(…),header(…),method(…))`` or empty.
    :param pattern: with a leading ``!`` where there are no criteria to say ``exclude``.
    :raises InvalidArgument: it can't be read.
    """
    if len(pattern) > MAX_PATTERN:
        raise InvalidArgument("filter", f"longer than {MAX_PATTERN} characters")
    if not criteria:
        is_exclude = pattern.startswith("!")
        test = _regex(pattern.removeprefix("!") if is_exclude else pattern)
        return EventFilter(is_exclude, "", "", test)
    parts = _read_criteria(criteria)
    method = parts.get("method", "").lower() or "none"
    action = parts.get("action", "include").lower()
    if action not in ("include", "exclude"):
        raise InvalidArgument("filter", f"{action!r} is neither include nor exclude")
    if method == "none" and pattern:
        raise InvalidArgument("filter", "a pattern needs a method")
    if method != "none" and not pattern:
        raise InvalidArgument("filter", f"the method {method} needs a pattern")
    if method == "none" and not parts.get("name"):
        raise InvalidArgument("filter", "it matches everything: give a name or a method")
    return EventFilter(
        action == "exclude",
        parts.get("name", ""),
        parts.get("header", "").removesuffix(":"),
        _make_test(method, pattern),
    )


def _make_test(method: str, pattern: str) -> Callable[[str], bool]:
    if method == "regex":
        return _regex(pattern)
    compare = _METHODS.get(method)
    if compare is None:
        raise InvalidArgument("filter", f"{method!r} is no method")
    return lambda text: compare(text, pattern)


def _read_criteria(criteria: str) -> dict[str, str]:
    inner = criteria.strip()
    if not (inner.startswith("(") and inner.endswith(")")):
        raise InvalidArgument("filter", f"{criteria!r} is not in parentheses")
    inner = inner[1:-1]
    parts: dict[str, str] = {}
    at = 0
    while at < len(inner):
        found = _CRITERIA.match(inner, at)
        if found is None:
            raise InvalidArgument("filter", f"can't read {inner[at:]!r}")
        parts[found[1]] = found[2].strip()
        at = found.end()
    return parts


def _regex(pattern: str) -> Callable[[str], bool]:
    compiled = compile_regex(pattern)

    def test(text: str) -> bool:
        try:
            return compiled.search(text) is not None
        except InvalidArgument:  # the text is longer than this pattern may look at
            return False

    return test


def _values(text: str, header: str) -> list[str]:
    prefix = f"{header}: "
    return [line[len(prefix) :] for line in text.split("\r\n") if line.startswith(prefix)]
