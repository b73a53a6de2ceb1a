"""Value types of options: each turns text into a value or raises ``ValueError``.

The message of the error says what was expected; whoever knows the file and line adds them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

T = TypeVar("T")

TRUE_WORDS = frozenset({"yes", "true", "y", "t", "1", "on"})
FALSE_WORDS = frozenset({"no", "false", "n", "f", "0", "off"})
MAX_PORT = 65535


@dataclass(frozen=True, slots=True)
class SocketAddress:
    """Where to bind or connect.

    :param host: name or address, without brackets; empty if only a port was given.
    :param port: 0 if none was given.
    """

    host: str
    port: int = 0

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}" if self.port else host


def text(value: str) -> str:
    """Any text."""
    return value


def boolean(value: str) -> bool:
    """``yes``, ``true``, ``y``, ``t``, ``1``, ``on`` and their opposites."""
    word = value.lower()
    if word in TRUE_WORDS:
        return True
    if word in FALSE_WORDS:
        return False
    raise ValueError(f"expected yes or no, not {_shown(value)}")


def integer(low: int | None = None, high: int | None = None) -> Callable[[str], int]:
    """Make a parser of whole decimal numbers from *low* to *high*, both included."""
    wanted = "a whole number" + _range_text(low, high)

    def parse(value: str) -> int:
        digits = value[1:] if value[:1] in {"-", "+"} else value
        if not (digits.isascii() and digits.isdigit() and len(digits) <= 18):
            raise ValueError(f"expected {wanted}, not {_shown(value)}")
        number = int(value)
        if (low is not None and number < low) or (high is not None and number > high):
            raise ValueError(f"expected {wanted}, not {_shown(value)}")
        return number

    return parse


def decimal(low: float, high: float) -> Callable[[str], float]:
    """Make a parser of decimal numbers from *low* to *high*, both included."""

    def parse(value: str) -> float:
        try:
            number = float(value)
        except ValueError:
            number = float("nan")
        if not low <= number <= high:
            raise ValueError(f"expected a number from {low:g} to {high:g}, not {_shown(value)}")
        return number

    return parse


def level(value: str) -> int:
    """A verbosity: a number from 0, or ``yes`` for 1 and ``no`` for 0."""
    if value.lower() in TRUE_WORDS - {"1"}:
        return 1
    if value.lower() in FALSE_WORDS:
        return 0
    return integer(0, 1000)(value)


def choice(*words: str, aliases: dict[str, str] | None = None) -> Callable[[str], str]:
    """Make a parser of one of *words*, in any case; *aliases* maps further words to those."""
    known = {word: word for word in words} | (aliases or {})

    def parse(value: str) -> str:
        try:
            return known[value.lower()]
        except KeyError:
            listing = ", ".join(words)
            raise ValueError(f"expected one of {listing}, not {_shown(value)}") from None

    return parse


def items(value: str) -> tuple[str, ...]:
    """A list separated by commas; empty items are dropped."""
    return tuple(item for part in value.split(",") if (item := part.strip()))


def items_of(parse_item: Callable[[str], T]) -> Callable[[str], tuple[T, ...]]:
    """Make a parser of a comma-separated list of items that *parse_item* reads."""
    return lambda value: tuple(parse_item(item) for item in items(value))


def socket_address(default_port: int = 0) -> Callable[[str], SocketAddress]:
    """Make a parser of ``host``, ``host:port``, ``address``, ``[v6]`` and ``[v6]:port``."""

    def parse(value: str) -> SocketAddress:
        host, port_text = _split_address(value)
        if not host or any(c.isspace() for c in host):
            raise ValueError(f"expected an address such as 192.0.2.1:5060, not {_shown(value)}")
        port = integer(0, MAX_PORT)(port_text) if port_text is not None else default_port
        return SocketAddress(host, port)

    return parse


def host_address(value: str) -> str:
    """An IPv4 or IPv6 address without a port, brackets allowed."""
    import ipaddress  # costs 3 ms, which a remote console has no use for

    bare = value[1:-1] if value.startswith("[") and value.endswith("]") else value
    try:
        return str(ipaddress.ip_address(bare))
    except ValueError:
        raise ValueError(f"expected an IP address, not {_shown(value)}") from None


def octal_mode(value: str) -> int:
    """File permissions such as ``0660``."""
    if not value or len(value) > 5 or any(digit not in "01234567" for digit in value):
        raise ValueError(f"expected octal permissions such as 0660, not {_shown(value)}")
    return int(value, 8)


def _split_address(value: str) -> tuple[str, str | None]:
    if value.startswith("["):
        host, bracket, rest = value[1:].partition("]")
        if not bracket or (rest and not rest.startswith(":")):
            return "", None
        _check_ipv6(host)
        return host, rest[1:] if rest else None
    if value.count(":") > 1:
        _check_ipv6(value)
        return value, None
    host, colon, port = value.partition(":")
    return host, port if colon else None


def _check_ipv6(value: str) -> None:
    import ipaddress  # as above

    ipaddress.IPv6Address(value.partition("%")[0])


def _range_text(low: int | None, high: int | None) -> str:
    if low is not None and high is not None:
        return f" from {low} to {high}"
    if low is not None:
        return f" not below {low}"
    return "" if high is None else f" not above {high}"


def _shown(value: str) -> str:
    return repr(value if len(value) <= 60 else value[:57] + "...")
