"""Long lists, made without holding up what else the loop has to do."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import TypeVar

T = TypeVar("T")

CHUNK = 100  # items, some 5 ms, between which others get their turn


async def collect(items: Iterable[T]) -> list[T]:
    """Return all that *items* makes; what it iterates over must not change meanwhile."""
    found: list[T] = []
    for item in items:
        found.append(item)
        if len(found) % CHUNK == 0:
            await asyncio.sleep(0)
    return found
