"""GROUP(): channels counted by names the dialplan gives them."""

from __future__ import annotations

from collections import Counter

from server.base.errors import InvalidArgument, Unavailable
from server.dialplan.port import Dialplan
from server.dialplan.posix_regex import compile_regex
from server.dialplan.registry import function, function_write
from server.dialplan.scope import Scope
from server.resources.channel import Channel

MAX_GROUPS = 64  # of one channel


class Groups:
    """Which channel is in which groups, by category; names compare without case."""

    def __init__(self, _dialplan: Dialplan) -> None:
        self._of_channel: dict[Channel, dict[str, tuple[str, str]]] = {}
        self._counts: dict[str, Counter[str]] = {}  # by group, then by category, in lower case

    def set(self, channel: Channel, group: str, category: str) -> None:
        """Put a channel into a group in place of its former one of this category.

        :raises Unavailable: it is in too many.
        """
        groups = self._of_channel.get(channel)
        if groups is None:
            groups = self._of_channel[channel] = {}
            channel.on_destroy.append(lambda: self._forget(channel))
        self._remove(groups, category.lower())
        if not group:
            return
        if len(groups) >= MAX_GROUPS:
            raise Unavailable(f"a channel is in at most {MAX_GROUPS} groups")
        groups[category.lower()] = group, category
        self._counts.setdefault(group.lower(), Counter())[category.lower()] += 1

    def of(self, channel: Channel) -> list[tuple[str, str]]:
        """Return the (group, category) pairs of a channel."""
        return list(self._of_channel.get(channel, {}).values())

    def find(self, channel: Channel, category: str) -> str:
        """Return a channel's group in a category, its first in any if this is empty."""
        groups = self._of_channel.get(channel, {})
        if category:
            return groups.get(category.lower(), ("", ""))[0]
        return next(iter(groups.values()), ("", ""))[0]

    def count(self, group: str, category: str) -> int:
        """Return how many channels are in a group; an empty category means any."""
        counts = self._counts.get(group.lower(), Counter())
        return counts[category.lower()] if category else counts.total()

    def count_matching(self, pattern: str, category: str) -> int:
        """Return how many channels are in groups that match, in categories that match."""
        wanted = compile_regex(pattern)
        wanted_category = compile_regex(category) if category else None
        return sum(
            1
            for groups in self._of_channel.values()
            for group, its_category in groups.values()
            if wanted.search(group)
            and (wanted_category is None or wanted_category.search(its_category))
        )

    def _remove(self, groups: dict[str, tuple[str, str]], category: str) -> None:
        group, _ = groups.pop(category, ("", ""))
        if group:
            counts = self._counts[group.lower()]
            counts[category] -= 1
            if counts[category] <= 0:
                del counts[category]
            if not counts:
                del self._counts[group.lower()]

    def _forget(self, channel: Channel) -> None:
        groups = self._of_channel.pop(channel)
        for category in list(groups):
            self._remove(groups, category)


def _split(text: str) -> tuple[str, str]:
    group, _, category = text.strip().partition("@")
    return group, category


@function("GROUP")
def read_group(scope: Scope, data: str) -> str:
    """GROUP(category): the channel's group."""
    return scope.dialplan.part(Groups).find(scope.channel, data.strip())


@function_write("GROUP")
def write_group(scope: Scope, data: str, value: str) -> None:
    """Put the channel into a group: ``GROUP(category)=name``, or ``name@category``."""
    group, category = _split(f"{value}@{data}" if data.strip() else value)
    scope.dialplan.part(Groups).set(scope.channel, group, category)


@function("GROUP_COUNT")
def group_count(scope: Scope, data: str) -> str:
    """GROUP_COUNT(group@category): how many channels are in it; in the channel's own if none."""
    group, category = _split(data)
    groups = scope.dialplan.part(Groups)
    group = group or groups.find(scope.channel, category)
    return str(groups.count(group, category) if group else 0)


@function("GROUP_MATCH_COUNT")
def group_match_count(scope: Scope, data: str) -> str:
    """GROUP_MATCH_COUNT(expression@category): how many channels are in groups that match it."""
    group, category = _split(data)
    if not group:
        raise InvalidArgument("groupmatch", "a regular expression is needed")
    return str(scope.dialplan.part(Groups).count_matching(group, category))


@function("GROUP_LIST")
def group_list(scope: Scope, data: str) -> str:
    """GROUP_LIST(): the channel's groups, those without a category first."""
    groups = scope.dialplan.part(Groups).of(scope.channel)
    groups.sort(key=lambda pair: bool(pair[1]))
    return " ".join(f"{group}@{category}" if category else group for group, category in groups)
