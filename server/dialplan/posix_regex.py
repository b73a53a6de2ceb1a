"""POSIX extended regular expressions by the C library, which expressions and REGEX() promise.

Python's ``re`` differs where it hurts: ``[[:digit:]]``, leftmost-longest alternatives, and run
time. Compiled patterns are kept in a bounded cache.
"""

from __future__ import annotations

import ctypes
import re
from collections.abc import Callable
from functools import lru_cache
from math import isqrt

from server.base.errors import InvalidArgument

MAX_PATTERN = 1_024  # characters
MAX_SUBJECT = 8_192  # characters
MAX_REPETITIONS = 255  # product of all {n,m} in a pattern; the C library unrolls them
MAX_WORK = 25_000_000  # characters squared, times what repeats: a tenth of a second
MAX_BACK_REFERENCES = 2
MAX_GROUPS = 10

_REGEX_T_SIZE = 256  # bytes; glibc needs 64, musl 56
_REG_EXTENDED = 1
_BACK_REFERENCE = re.compile(r"(?<!\\)(?:\\\\)*\\[1-9]")
_INTERVAL = re.compile(r"\{(\d*),?(\d*)\}")


class _Match(ctypes.Structure):
    _fields_ = [("start", ctypes.c_int), ("end", ctypes.c_int)]


_libc = ctypes.CDLL(None)
_Matches = _Match * MAX_GROUPS


class PosixRegex:
    """A compiled pattern.

    :raises InvalidArgument: the pattern is wrong or too large.
    """

    def __init__(self, pattern: str) -> None:
        _check_size(pattern)
        self._buffer = ctypes.create_string_buffer(_REGEX_T_SIZE)
        error = _libc.regcomp(self._buffer, _encode(pattern), _REG_EXTENDED)
        if error:
            text = ctypes.create_string_buffer(128)
            _libc.regerror(error, self._buffer, text, len(text))
            raise InvalidArgument("regular expression", text.value.decode("ascii", "replace"))
        self._is_compiled = True
        self.group_count = _count_groups(pattern)
        self._max_subject = _longest_subject(pattern)

    def __del__(self, regfree: Callable[..., int] = _libc.regfree) -> None:
        if getattr(self, "_is_compiled", False):
            regfree(self._buffer)

    def search(self, subject: str) -> Found | None:
        """Return the leftmost, longest match, ``None`` if there is none.

        :raises InvalidArgument: the text is so long that this pattern could take long.
        """
        if len(subject) > self._max_subject:
            reason = f"this one is for texts of at most {self._max_subject} characters"
            raise InvalidArgument("regular expression", reason)
        encoded = _encode(subject)
        matches = _Matches()
        if _libc.regexec(self._buffer, encoded, MAX_GROUPS, matches, 0):
            return None
        return Found(encoded, [(match.start, match.end) for match in matches])


class Found:
    """A match and its groups; group 0 is the whole."""

    def __init__(self, subject: bytes, spans: list[tuple[int, int]]) -> None:
        self._subject = subject
        self._spans = spans

    @property
    def is_at_start(self) -> bool:
        """Whether the match begins where the subject does."""
        return self._spans[0][0] == 0

    def group(self, index: int) -> str | None:
        """Return a group, ``None`` if it took no part."""
        start, end = self._spans[index]
        if start < 0:
            return None
        return self._subject[start:end].decode("utf-8", "replace")


@lru_cache(maxsize=512)
def compile_regex(pattern: str) -> PosixRegex:
    """Return the compiled pattern, from the cache if it was used lately.

    :raises InvalidArgument: see :class:`PosixRegex`.
    """
    return PosixRegex(pattern)


def _encode(text: str) -> bytes:
    return text.replace("\0", "").encode("utf-8", "replace")


def _check_size(pattern: str) -> None:
    if len(pattern) > MAX_PATTERN:
        raise InvalidArgument("regular expression", f"longer than {MAX_PATTERN} characters")
    if _repetitions(pattern) > MAX_REPETITIONS:
        raise InvalidArgument("regular expression", f"repeats more than {MAX_REPETITIONS} times")
    if _back_references(pattern) > MAX_BACK_REFERENCES:
        raise InvalidArgument(
            "regular expression", f"more than {MAX_BACK_REFERENCES} back-references"
        )


def _longest_subject(pattern: str) -> int:
    """Return how long a text may be so that no search takes much over a tenth of a second.

    The C library's time grows with the square of the length; with back-references, with the
    fourth power and more.
    """
    repeats = sum(pattern.count(letter) for letter in "*+?{")
    references = _back_references(pattern)
    if references:
        return 24 if references > 1 else 256 if repeats <= 2 else 64
    return min(MAX_SUBJECT, isqrt(MAX_WORK // max(1, repeats * _repetitions(pattern))))


def _repetitions(pattern: str) -> int:
    product = 1
    for low, high in _INTERVAL.findall(pattern):
        product *= max([1, *(int(bound[:6]) for bound in (low, high) if bound)])
    return product


def _back_references(pattern: str) -> int:
    return len(_BACK_REFERENCE.findall(pattern))


def _count_groups(pattern: str) -> int:
    count = index = 0
    while index < len(pattern):
        letter = pattern[index]
        if letter == "\\":
            index += 1
        elif letter == "[":
            index = _end_of_set(pattern, index)
        elif letter == "(":
            count += 1
        index += 1
    return count


def _end_of_set(pattern: str, index: int) -> int:
    index += 2 if pattern[index + 1 : index + 2] == "^" else 1
    if pattern[index : index + 1] == "]":
        index += 1
    while index < len(pattern) and pattern[index] != "]":
        if pattern[index] == "[" and pattern[index + 1 : index + 2] in (":", ".", "="):
            end = pattern.find(pattern[index + 1] + "]", index + 2)
            index = end + 1 if end >= 0 else index
        index += 1
    return index
