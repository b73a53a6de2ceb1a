"""ARI's ways to make a call: originate, create then dial, and redirect."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping, Sequence
from typing import Any

from server.base.causes import Cause
from server.base.errors import (
    Conflict,
    InvalidArgument,
    InvalidState,
    NotFound,
    Unavailable,
    Unprocessable,
)
from server.resources.channel import MAX_SHOWN, Channel
from server.resources.dialing import DialAttempt, Dialer, DialStatus, follow_from_creation
from server.resources.node import Node
from server.resources.stasis_calls import continue_or_hangup, run_in_stasis, split_args
from server.resources.variables import read_assignments
from server.tech.base import Party

logger = logging.getLogger(__name__)

DEFAULT_TIMEOUT = 30  # seconds an originated call may ring, as in ARI


class Originator:
    """Makes channels for the API."""

    def __init__(self, node: Node, dialer: Dialer) -> None:
        self._node = node
        self._dialer = dialer

    def originate(
        self,
        *,
        endpoint: str,
        extension: str | None = None,
        context: str | None = None,
        priority: int | None = None,
        label: str | None = None,
        app: str | None = None,
        app_args: str | None = None,
        caller_id: str | None = None,
        timeout: int = DEFAULT_TIMEOUT,
        variables: Mapping[str, Any] | None = None,
        channel_id: str | None = None,
        other_channel_id: str | None = None,
        originator: str | None = None,
        formats: str | None = None,
    ) -> Channel:
        """Make a channel, dial it, and hand it over once it is answered.

        It goes to *app* if one is named, else to the dialplan.

        :param timeout: seconds until it is given up; negative means never.
        :param originator: a channel whose linkedid and inheritable variables are taken over.
        :raises InvalidArgument: neither *app* nor *extension*, both, or a malformed value.
        :raises NotFound: the endpoint can't be reached, or the label is not there.
        :raises Conflict: the id is in use.
        """
        if app and extension:
            raise InvalidArgument("extension", "give either app or extension")
        if not app and not extension:
            raise InvalidArgument("app", "app or extension is needed")
        if label and extension:
            priority = self._find_label(context or "default", extension, label)
        channel = self._make(
            endpoint, channel_id, other_channel_id, originator, formats, variables, caller_id
        )
        if app:
            follow_from_creation(channel, app)
        else:
            channel.set_position(context or "default", extension or "s", priority or 1)
        channel.take_control(self._run(channel, app, app_args, timeout), "originate")
        return channel

    def create(
        self,
        *,
        endpoint: str,
        app: str,
        app_args: str | None = None,
        channel_id: str | None = None,
        other_channel_id: str | None = None,
        originator: str | None = None,
        formats: str | None = None,
        variables: Mapping[str, Any] | None = None,
    ) -> Channel:
        """Make a channel and put it into Stasis at once; it is dialled by :meth:`dial`.

        :raises Conflict: the id is in use, or nobody is connected as *app*.
        """
        if not self._node.applications.is_registered(app):
            raise Conflict(f"Stasis application {app} is not registered")
        channel = self._make(
            endpoint, channel_id, other_channel_id, originator, formats, variables, None
        )
        follow_from_creation(channel, app)
        channel.take_control(run_in_stasis(channel, app, split_args(app_args)), "stasis")
        return channel

    def dial(self, channel: Channel, *, caller: str | None, timeout: int) -> None:
        """Dial a channel made by :meth:`create`.

        :param caller: id of the channel on whose behalf; it is named in the Dial events.
        :param timeout: seconds, 0 for none.
        :raises NotFound: no such caller.
        :raises Conflict: the channel was dialled already.
        """
        if timeout < 0:
            raise InvalidArgument("timeout", "must not be negative")
        calling = self._node.registry.get(caller) if caller else None
        if channel.state != "Down" or channel.dial_watch is not None:
            raise Conflict("Channel is not in the state Down")
        attempt = DialAttempt(channel, calling, channel.dial_string)
        attempt.start()
        self._node.scope.spawn(
            follow(attempt, float(timeout) if timeout else None), f"{channel.name} dial"
        )

    def redirect(self, channel: Channel, endpoint: str) -> None:
        """Send the far end of *channel* to another endpoint of the same technology.

        :raises InvalidArgument: *endpoint* is malformed.
        :raises Unprocessable: it is of another technology.
        """
        technology, slash, resource = endpoint.partition("/")
        if not slash or not resource:
            raise InvalidArgument("endpoint", f"{endpoint!r} is not TECHNOLOGY/RESOURCE")
        if technology.lower() != channel.endpoint[0].lower():
            raise Unprocessable("endpoint", "is not of the channel's technology")
        if channel.state in ("Down", "Rsrved"):
            raise InvalidState("Channel in invalid state")
        channel.leg.redirect(resource)

    # private

    def _make(
        self,
        endpoint: str,
        channel_id: str | None,
        other_channel_id: str | None,
        originator: str | None,
        formats: str | None,
        variables: Mapping[str, Any] | None,
        caller_id: str | None,
    ) -> Channel:
        if originator and formats:
            raise InvalidArgument("formats", "give either originator or formats")
        assignments = read_assignments(variables or {})
        if sum(each.is_shown for each in assignments) > MAX_SHOWN:
            raise Unavailable(f"a channel shows at most {MAX_SHOWN} variables")
        try:
            channel = self._dialer.create_outgoing(
                endpoint,
                requestor=self._find_optional(originator),
                caller=parse_caller_id(caller_id) if caller_id else Party(),
                variables={each.name: each.value for each in assignments},
                formats=_read_formats(formats),
                channel_id=channel_id,
                other_channel_id=other_channel_id,
            )
        except NotFound as error:
            raise InvalidArgument("endpoint", str(error)) from None
        for each in assignments:
            if each.is_shown:
                channel.show_variable(each.name)
        return channel

    async def _run(
        self, channel: Channel, app: str | None, app_args: str | None, timeout: int
    ) -> None:
        if channel.is_hungup:
            return  # somebody was quicker
        attempt = DialAttempt(channel, None, channel.dial_string)
        attempt.start()
        await channel.wait(follow(attempt, float(timeout) if timeout > 0 else None))
        if attempt.status is not DialStatus.ANSWER:
            return
        if app:
            data = f"{app},{app_args}" if app_args else app
            channel.set_application("Stasis", data)
            await run_in_stasis(channel, app, split_args(app_args))
        else:
            continue_or_hangup(channel)

    def _find_optional(self, channel_id: str | None) -> Channel | None:
        if not channel_id:
            return None
        channel = self._node.registry.find(channel_id)
        if channel is None:
            raise InvalidArgument("originator", f"Channel {channel_id} not found")
        return channel

    def _find_label(self, context: str, exten: str, label: str) -> int:
        priority = self._node.dialplan.find_label(context, exten, label, "")
        if priority is None:
            raise NotFound(f"label {label} not found in {exten}@{context}")
        return priority


async def follow(
    attempt: DialAttempt, timeout: float | None, *, takes_early_media: bool = False
) -> None:
    """Follow an attempt until it is answered or over; end it after *timeout* seconds.

    :param takes_early_media: early media is enough.
    """
    try:
        async with asyncio.timeout(timeout):
            while attempt.status is None or not attempt.status.is_final:
                if takes_early_media and attempt.status is DialStatus.PROGRESS:
                    return
                await attempt.next_status()
    except TimeoutError:
        attempt.give_up(Cause.NO_ANSWER, DialStatus.NOANSWER)
        return
    if attempt.status is DialStatus.FORWARD:
        attempt.give_up(Cause.REDIRECTED_TO_NEW_DESTINATION, DialStatus.CONGESTION)


def parse_caller_id(text: str) -> Party:
    """Read ``Name <number>``, ``"Name" <number>``, ``<number>``, or a bare number or name."""
    name, bracket, rest = text.partition("<")
    if bracket:
        return Party(name=name.strip().strip('"'), number=rest.rstrip().removesuffix(">"))
    bare = text.strip().strip('"')
    if bare and all(letter in "0123456789*#+" for letter in bare):
        return Party(number=bare)
    return Party(name=bare)


def _read_formats(formats: str | None) -> Sequence[str]:
    return [name.strip() for name in (formats or "").split(",") if name.strip()]
