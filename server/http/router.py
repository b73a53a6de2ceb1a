"""Finds the operation that a path means. Literal segments beat wildcards, as in Asterisk."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Generic, TypeVar

from server.http.messages import decode_component

MAX_SEGMENTS = 16

T = TypeVar("T")


@dataclass(slots=True)
class _Node(Generic[T]):
    literals: dict[str, _Node[T]] = field(default_factory=dict)
    wildcard: _Node[T] | None = None
    methods: dict[str, T] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Route(Generic[T]):
    """A path that exists.

    :param methods: what it can do, by method.
    :param values: the decoded wildcard segments, in order.
    """

    methods: dict[str, T]
    values: list[str]

    @property
    def allow(self) -> bytes:
        """The value of an ``Allow`` header."""
        return ",".join(["OPTIONS", *self.methods]).encode()


class Router(Generic[T]):
    """A tree of path segments."""

    def __init__(self) -> None:
        self._root: _Node[T] = _Node()

    def add(self, method: str, path: str, target: T) -> None:
        """Add a path such as ``/channels/{channelId}/play``.

        :raises ValueError: it is there already.
        """
        node = self._root
        for segment in path.strip("/").split("/"):
            if segment.startswith("{"):
                node.wildcard = node.wildcard or _Node()
                node = node.wildcard
            else:
                node = node.literals.setdefault(segment, _Node())
        if method in node.methods:
            raise ValueError(f"{method} {path} is declared twice")
        node.methods[method] = target

    def find(self, path: str) -> Route[T] | None:
        """Return what *path* means; its segments are still percent-encoded, and not empty."""
        segments = path.split("/")
        if len(segments) > MAX_SEGMENTS or not all(segments):
            return None
        node = self._root
        values: list[str] = []
        for segment in segments:
            name = decode_component(segment)
            following = node.literals.get(name)
            if following is None:
                following = node.wildcard
                values.append(name)
            if following is None:
                return None
            node = following
        return Route(node.methods, values) if node.methods else None
