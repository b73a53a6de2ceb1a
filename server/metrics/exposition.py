"""The text that a scrape gets."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Protocol

from prometheus_client import GCCollector, PlatformCollector, ProcessCollector
from prometheus_client.core import CollectorRegistry, Metric
from prometheus_client.exposition import choose_encoder


class Collector(Protocol):
    """Who makes families of figures."""

    def collect(self) -> Iterable[Metric]:
        """Return them as they are now."""


class Exposition:
    """Everything that is shown, in a registry of its own.

    :param collectors: what this server adds to the figures of its process.
    """

    def __init__(self, collectors: Iterable[Collector]) -> None:
        self._registry = CollectorRegistry(auto_describe=False)
        for collector in collectors:
            self._registry.register(collector)
        ProcessCollector(registry=self._registry)
        PlatformCollector(registry=self._registry)
        GCCollector(registry=self._registry)

    async def render(self, accept: str) -> tuple[bytes, str]:
        """Return the text and its content type.

        The figures are read at once; a thread makes the text of them, which takes longer.

        :param accept: the scraper's ``Accept`` header, or empty.
        """
        families = _Families(list(self._registry.collect()))
        encode, content_type = choose_encoder(accept)
        return await asyncio.to_thread(encode, families), content_type


class _Families:
    """What was collected, for the encoder."""

    def __init__(self, families: list[Metric]) -> None:
        self._families = families

    def collect(self) -> list[Metric]:
        return self._families
