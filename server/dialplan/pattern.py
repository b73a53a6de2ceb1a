"""Extension patterns: what they match, and in which order they are tried.

A name that begins with ``_`` is a pattern: ``X`` is a digit, ``Z`` one of 1-9, ``N`` one of 2-9,
``[1-5ab]`` a set, ``.`` one or more of anything, ``!`` zero or more of anything. Dashes outside of
sets only please the eye. Plain names come before patterns; patterns are compared position by
position, and the smaller set of characters comes first. So the order is that of a walk through a
trie whose branches are sorted, which is how :class:`PatternTable` finds its matches.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import Any, Generic, Protocol, TypeVar

REST_RANK = 0x18000  # "." sorts after every set
REST_OR_NOTHING_RANK = 0x28000  # "!" sorts after "."
END_RANK = 0x30000  # the end of the shorter pattern sorts last

_CLASSES = {
    "X": frozenset("0123456789"), "Z": frozenset("123456789"), "N": frozenset("23456789")
}  # fmt: skip

Element = str | frozenset[str]
"""One position: a character, or the set of characters allowed there; ``.`` and ``!`` are
:data:`REST` and :data:`REST_OR_NOTHING`."""

REST = "rest"
REST_OR_NOTHING = "rest or nothing"


class _Named(Protocol):
    @property
    def name(self) -> str: ...


T = TypeVar("T", bound=_Named)


def is_pattern(name: str) -> bool:
    """Tell whether an extension name is a pattern."""
    return name.startswith("_")


def strip_dashes(name: str) -> str:
    """Return *name* without the dashes that separate groups of digits."""
    if "-" not in name:
        return name
    if not is_pattern(name):
        return name.replace("-", "")
    kept, depth = [], 0
    for letter in name:
        depth += (letter == "[") - (letter == "]")
        if letter != "-" or depth > 0:
            kept.append(letter)
    return "".join(kept)


@lru_cache(maxsize=1_024)
def expand_set(body: str) -> frozenset[str]:
    """Return the characters of ``[body]``; ``a-c`` is a range, ``c-a`` is empty."""
    found: set[str] = set()
    index = 0
    while index < len(body):
        if index + 2 < len(body) and body[index + 1] == "-":
            first, last = ord(body[index]), min(ord(body[index + 2]), ord(body[index]) + 255)
            found.update(map(chr, range(first, last + 1)))
            index += 3
        else:
            found.add(body[index])
            index += 1
    return frozenset(found)


def parse_pattern(name: str) -> tuple[Element, ...]:
    """Split a pattern, which begins with ``_``, into its positions.

    What follows ``.`` or ``!`` can't matter and is dropped, and so are empty sets. A set that
    isn't closed reaches to the end.
    """
    elements: list[Element] = []
    body = strip_dashes(name)[1:]
    index = 0
    while index < len(body):
        letter = body[index]
        if letter == "[":
            end = body.find("]", index)
            end = len(body) if end < 0 else end
            if characters := expand_set(body[index + 1 : end]):
                elements.append(_simplify(characters))
            index = end
        elif letter in ".!":
            elements.append(REST if letter == "." else REST_OR_NOTHING)
            break
        elif letter.upper() in _CLASSES:
            elements.append(_CLASSES[letter.upper()])
        else:
            elements.append(letter)
        index += 1
    return tuple(elements)


@lru_cache(maxsize=1_024)
def rank(element: Element) -> tuple[int, tuple[int, ...]]:
    """Return the sort key of one position: fewer characters first, then the lower ones."""
    if element is REST:
        return REST_RANK, ()
    if element is REST_OR_NOTHING:
        return REST_OR_NOTHING_RANK, ()
    codes = tuple(sorted(map(ord, element)))
    return len(codes) << 8 | min(codes[0], 0xFF), codes


def sort_key(name: str) -> tuple[int, object]:
    """Return a key that sorts extension names in the order in which they are tried."""
    if not is_pattern(name):
        return 0, strip_dashes(name)
    return 1, (*map(rank, parse_pattern(name)), (END_RANK, ()))


class Pattern:
    """One name or pattern on its own, for caller-id matching (``exten/cid``)."""

    __slots__ = ("_elements", "name")

    def __init__(self, name: str) -> None:
        self.name = name
        self._elements = parse_pattern(name) if is_pattern(name) else tuple(strip_dashes(name))

    def matches(self, number: str) -> bool:
        """Tell whether the whole *number* fits."""
        number = number.replace("-", "")
        for index, element in enumerate(self._elements):
            if element is REST:
                return index < len(number)
            if element is REST_OR_NOTHING:
                return True
            if index >= len(number) or number[index] not in element:
                return False
        return len(number) == len(self._elements)


class PatternTable(Generic[T]):
    """Finds the entries whose name fits a number, in the order in which they are to be tried.

    Several entries may share a name (``exten/cid``); they come out in the order of adding.
    """

    def __init__(self) -> None:
        self._plain: dict[str, list[T]] = {}
        self._by_pattern_name: dict[str, list[T]] = {}
        self._root: _Node[T] = _Node()
        self._has_patterns = False
        self._sorted_names: list[str] | None = None

    def add(self, entry: T) -> None:
        """Enter *entry* under its ``name``."""
        name = entry.name
        if not is_pattern(name):
            self._plain.setdefault(strip_dashes(name), []).append(entry)
            self._sorted_names = None
            return
        self._has_patterns = True
        node = self._root
        for element in parse_pattern(name):
            node = node.branch(element)
        node.entries.append(entry)
        self._by_pattern_name[name] = node.entries

    def remove(self, entry: T) -> None:
        """Take out an entry that was added."""
        name = entry.name
        if is_pattern(name):
            self._by_pattern_name[name].remove(entry)
            return
        plain = strip_dashes(name)
        self._plain[plain].remove(entry)
        if not self._plain[plain]:
            del self._plain[plain]
            self._sorted_names = None

    def __iter__(self) -> Iterator[T]:
        """Iterate over all entries in the order in which they are tried."""
        for name in sorted(self._plain):
            yield from self._plain[name]
        yield from self._root.walk()

    def sort_entries(self, key: Callable[[T], Any]) -> None:
        """Sort the entries that share a name by *key*."""
        for entries in (*self._plain.values(), *(node.entries for node in self._root.nodes())):
            if len(entries) > 1:
                entries.sort(key=key)

    def matches(self, number: str) -> Iterator[T]:
        """Iterate over the entries that the whole *number* fits."""
        number = number.replace("-", "")
        if (plain := self._plain.get(number)) is not None:
            yield from plain
        if not self._has_patterns:
            return
        if number.startswith("_") and number in self._by_pattern_name:
            yield from self._by_pattern_name[number]
        yield from self._match_patterns(number)

    def _match_patterns(self, number: str) -> Iterator[T]:
        length = len(number)
        stack: list[tuple[_Node[T], int]] = [(self._root, 0)]
        while stack:
            node, index = stack.pop()
            while not node.is_rest and index < length:
                letter = number[index]
                if node.has_others:
                    node.push_others(letter, index, stack)
                exact = node.letters.get(letter)
                if exact is None:
                    break
                node, index = exact, index + 1
            else:
                if node.rest_or_nothing is not None:
                    yield from node.rest_or_nothing.entries
                yield from node.entries

    def can_continue(self, number: str, accept: Callable[[T], bool]) -> bool | None:
        """Tell whether more digits after *number* could reach an entry that *accept* takes.

        ``False`` means that a pattern with ``!`` fits already and decides that no more digits are
        wanted; ``None`` that nothing here decides.
        """
        number = number.replace("-", "")
        if self._plain_continues(number, accept):
            return True
        return self._patterns_continue(number, accept) if self._has_patterns else None

    def _plain_continues(self, number: str, accept: Callable[[T], bool]) -> bool:
        if self._sorted_names is None:
            self._sorted_names = sorted(self._plain)
        names = self._sorted_names
        for index in range(bisect_left(names, number), len(names)):
            name = names[index]
            if not name.startswith(number):
                return False
            if name != number and any(map(accept, self._plain[name])):
                return True
        return False

    def _patterns_continue(self, number: str, accept: Callable[[T], bool]) -> bool | None:
        length = len(number)
        stack: list[tuple[_Node[T], int]] = [(self._root, 0)]
        while stack:
            node, index = stack.pop()
            if node.is_rest:
                if any(map(accept, node.entries)):
                    return not node.is_early
                continue
            if node.rest_or_nothing is not None:
                stack.append((node.rest_or_nothing, index))
            if node.rest is not None:
                stack.append((node.rest, index))
            if index == length:
                if any(accept(entry) for child in node.children() for entry in child.walk()):
                    return True
                continue
            stack.extend(
                (child, index + 1)
                for characters, child in reversed(node.sorted_sets())
                if number[index] in characters
            )
            if (exact := node.letters.get(number[index])) is not None:
                stack.append((exact, index + 1))
        return None


class _Node(Generic[T]):
    """A position in the trie; *entries* are those whose pattern ends here."""

    __slots__ = ("_sets", "_sorted", "entries", "has_others", "is_early", "is_rest", "letters",
                 "rest", "rest_or_nothing")  # fmt: skip

    def __init__(self, *, is_rest: bool = False, is_early: bool = False) -> None:
        self.entries: list[T] = []
        self.letters: dict[str, _Node[T]] = {}
        self.rest: _Node[T] | None = None
        self.rest_or_nothing: _Node[T] | None = None
        self.has_others = False  # children besides those of one letter
        self.is_rest = is_rest
        self.is_early = is_early
        self._sets: dict[frozenset[str], _Node[T]] | None = None
        self._sorted: list[tuple[frozenset[str], _Node[T]]] | None = None

    def branch(self, element: Element) -> _Node[T]:
        """Return the child for *element*, made if it is new."""
        if len(element) == 1:
            assert isinstance(element, str)
            found = self.letters.get(element)
            if found is None:
                found = self.letters[element] = _Node()
            return found
        self.has_others = True
        if element is REST:
            self.rest = self.rest or _Node(is_rest=True)
            return self.rest
        if element is REST_OR_NOTHING:
            self.rest_or_nothing = self.rest_or_nothing or _Node(is_rest=True, is_early=True)
            return self.rest_or_nothing
        assert isinstance(element, frozenset)
        if self._sets is None:
            self._sets = {}
        if element not in self._sets:
            self._sets[element] = _Node()
            self._sorted = None
        return self._sets[element]

    def push_others(self, letter: str, index: int, stack: list[tuple[_Node[T], int]]) -> None:
        """Put the children that take *letter*, but not it alone, on a stack, the best last."""
        if self.rest_or_nothing is not None:
            stack.append((self.rest_or_nothing, index))
        if self.rest is not None:
            stack.append((self.rest, index))
        if self._sets is not None:
            for characters, child in reversed(self.sorted_sets()):
                if letter in characters:
                    stack.append((child, index + 1))

    def sorted_sets(self) -> list[tuple[frozenset[str], _Node[T]]]:
        """Return the children behind sets of several characters, smallest set first."""
        if self._sorted is None:
            found = self._sets or {}
            self._sorted = sorted(found.items(), key=lambda item: rank(item[0]))
        return self._sorted

    def children(self) -> Iterator[_Node[T]]:
        """Iterate over the children that take exactly one more character, in order."""
        for letter in sorted(self.letters):
            yield self.letters[letter]
        for _characters, child in self.sorted_sets():
            yield child

    def nodes(self) -> Iterator[_Node[T]]:
        """Iterate over this node and all below it."""
        stack = [self]
        while stack:
            node = stack.pop()
            yield node
            stack.extend(node.children())
            stack.extend(c for c in (node.rest, node.rest_or_nothing) if c is not None)

    def walk(self) -> Iterator[T]:
        """Iterate over the entries at and below this node, in order."""
        stack = [self]
        while stack:
            node = stack.pop()
            if node.is_rest:
                yield from node.entries
                continue
            below = list(node.children())
            below += [child for child in (node.rest, node.rest_or_nothing) if child is not None]
            if not below:
                yield from node.entries
                continue
            if node.entries:
                below.append(_leaf(node.entries))
            stack.extend(reversed(below))


def _leaf(entries: list[T]) -> _Node[T]:
    leaf: _Node[T] = _Node(is_rest=True)
    leaf.entries = entries
    return leaf


def _simplify(characters: frozenset[str]) -> Element:
    return next(iter(characters)) if len(characters) == 1 else characters
