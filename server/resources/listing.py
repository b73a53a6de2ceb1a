"""Lists that are filtered, paged and cut to some members: what ARI's own lists lack.

A page is taken in the order of a key that the items keep for life, so it stays right while items
come and go: the last key of a page is the ``after`` of the next one.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, TypeVar

from server.base.errors import InvalidArgument

T = TypeVar("T")

MAX_PAGE = 10_000  # items
MAX_MOMENT = 40  # characters of a date and time


@dataclass(frozen=True, slots=True)
class Page:
    """Items of a list.

    :param next_after: the ``after`` that continues it, ``None`` at its end.
    :param is_partial: the items have the members that were asked for, and no others.
    """

    items: Sequence[Any]
    next_after: str | None = None
    is_partial: bool = False


@dataclass(frozen=True, slots=True)
class Partial:
    """One item with the members that were asked for, and no others."""

    item: dict[str, Any]


def take_page(
    keyed: Iterable[tuple[str, T]], *, after: str | None, limit: int | None
) -> tuple[list[T], str | None]:
    """Return the items whose keys follow *after*, by key, and where the next page begins.

    :param limit: how many at most; ``None`` for all.
    :raises InvalidArgument: the limit is out of range.
    """
    if limit is not None and not 1 <= limit <= MAX_PAGE:
        raise InvalidArgument("limit", f"must be 1 to {MAX_PAGE}")
    following = sorted(
        (pair for pair in keyed if after is None or pair[0] > after), key=lambda pair: pair[0]
    )
    if limit is None or len(following) <= limit:
        return [item for _, item in following], None
    page = following[:limit]
    return [item for _, item in page], page[-1][0]


def check_fields(fields: Sequence[str], known: Collection[str]) -> None:
    """Make sure that every member asked for exists.

    :raises InvalidArgument: one does not.
    """
    for name in fields:
        if name not in known:
            raise InvalidArgument("fields", f"{name!r} is none of {', '.join(sorted(known))}")


def select(description: Mapping[str, Any], fields: Sequence[str]) -> dict[str, Any]:
    """Return the members asked for; those that this item does not have stay out."""
    return {name: description[name] for name in fields if name in description}


def read_moment(field: str, text: str) -> float:
    """Read an ISO 8601 date and time, UTC unless it says otherwise, as seconds since the epoch.

    :raises InvalidArgument: it is none.
    """
    try:
        if len(text) > MAX_MOMENT:
            raise ValueError
        moment = datetime.fromisoformat(text)
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=UTC)
        return moment.timestamp()
    except (ValueError, OverflowError):
        raise InvalidArgument(
            field, f"{text[:MAX_MOMENT]!r} is no date and time such as 2026-01-31T12:00:00Z"
        ) from None
