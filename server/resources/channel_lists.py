"""Which channels a list shows, and what of them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import fields as members
from typing import Any

from server import model
from server.resources.channel import Channel
from server.resources.listing import read_moment, select

CHANNEL_FIELDS = frozenset(member.name for member in members(model.Channel))


def matching(
    channels: Iterable[Channel],
    *,
    app: str | None = None,
    state: str | None = None,
    since: str | None = None,
) -> Iterator[Channel]:
    """Return the channels that fit all that is given.

    :param app: the application that has the channel now.
    :param since: an ISO 8601 moment; the channel was made then or later.
    :raises InvalidArgument: *since* is no moment.
    """
    earliest = read_moment("since", since) if since else 0.0
    return (
        channel
        for channel in channels
        if (not app or (channel.stasis is not None and channel.stasis.app == app))
        and (not state or channel.state.lower() == state.lower())
        and channel.created_at >= earliest
    )


def describe(channel: Channel, fields: Sequence[str]) -> dict[str, Any]:
    """Return these members of a channel; those that it does not have stay out."""
    description = channel.describe()
    if channel.stasis is not None:
        description |= {"app": channel.stasis.app, "app_args": channel.stasis.args}
    return select(description, fields)
