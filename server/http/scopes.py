"""What a scoped token may do.

Three lists limit it. *operations* are matched by operationId. *endpoints* are what it may call or
ask about. *apps* are the applications it speaks for; with them come the channels that they have or
that were made for them, the bridges in which there is no other channel, and what plays or is
recorded there. Everything else does not exist for such a token: it is Forbidden, whether it is
there or not. What concerns the whole node (:data:`NODE_WIDE`) has to be named by its tag or
operationId in *operations*; a bare ``*`` does not mean it when *apps* are limited.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Any

from server.base.errors import Forbidden, InvalidArgument, NotFound
from server.config.sections.ari import Scope
from server.http.services import Services
from server.http.spec import Operation
from server.resources.bridge import Bridge
from server.resources.channel import Channel
from server.stasis.topics import TopicKind, parse_event_source

NODE_WIDE = ("/asterisk/", "/deviceStates", "/mailboxes", "/recordings/stored")
# lists of everything, whoever has it
LISTS = frozenset({"applications.list", "bridges.list"})
NEED_APP = frozenset({"channels.list", "channels.originate", "channels.originateWithId"})
# the channel or bridge that they name is yet to be made, or still nobody's
MAKERS = frozenset(
    {
        "bridges.create",
        "bridges.createWithId",
        "channels.create",
        "channels.externalMedia",
        "channels.originate",
        "channels.originateWithId",
        "events.claimChannel",
    }
)
# technologies of external media, by its encapsulation
MEDIA = {"rtp": "UnicastRTP", "audiosocket": "AudioSocket", "none": "WebSocket"}
Keywords = Mapping[str, Any]


class ScopeGuard:
    """Checks what an operation was asked to do against a scope."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._checks: Mapping[str, Callable[[Scope, Any], None]] = {
            "app": self._check_apps,
            "application": self._check_apps,
            "application_name": self._check_apps,
            "bridge_id": self._check_bridge,
            "caller": self._check_channels,
            "channel": self._check_channels,
            "channel_id": self._check_channels,
            "event_source": self._check_sources,
            "originator": self._check_channels,
            "playback_id": self._check_playback,
            "source": self._check_sources,
        }

    def check(self, scope: Scope, operation: Operation, keywords: Keywords) -> None:
        """Let an operation pass, or not.

        :raises Forbidden: the scope does not cover it; says what is missing.
        """
        operation_id = operation.operation_id
        _check_operation(scope, operation)
        _check_endpoint(scope, keywords)
        if scope.has_all_apps:
            return
        if keywords.get("subscribe_all"):
            raise Forbidden("This token may not subscribe to everything")
        if operation_id in NEED_APP and not keywords.get("app"):
            raise Forbidden("This token has to name one of its applications in app")
        is_maker = operation_id in MAKERS
        for name, value in keywords.items():
            if is_maker and name in ("channel_id", "bridge_id"):
                continue
            if (check := self._checks.get(name)) is not None:
                check(scope, value)
        if operation_id == "channels.timeline":
            self._check_timeline(scope, keywords["channel_id"])
        if operation.path.startswith("/recordings/live/"):
            self._check_recording(scope, keywords["recording_name"])

    # each knows one parameter

    def _check_apps(self, scope: Scope, value: str | Sequence[str]) -> None:
        for name in _names(value):
            if not _matches(name, scope.apps):
                raise Forbidden(f"This token is not good for the application {name}")

    def _check_channels(self, scope: Scope, value: str | Sequence[str]) -> None:
        for name in _names(value):
            try:
                channel = self._services.channels.find(name)
            except NotFound:
                continue  # the operation says so itself
            if not _has_channel(scope, channel):
                raise Forbidden(f"This token is not good for the channel {name}")

    def _check_timeline(self, scope: Scope, channel_id: str) -> None:
        """Check a call that has ended by whoever had it."""
        with contextlib.suppress(NotFound):
            self._services.channels.find(channel_id)
            return
        names = self._services.timelines.applications(channel_id)
        if not any(_matches(name, scope.apps) for name in names):
            raise Forbidden(f"This token is not good for the channel {channel_id}")

    def _check_bridge(self, scope: Scope, bridge_id: str) -> None:
        try:
            bridge = self._services.bridges.find(bridge_id)
        except NotFound:
            return
        if not _has_bridge(scope, bridge):
            raise Forbidden(f"This token is not good for the bridge {bridge_id}")

    def _check_playback(self, scope: Scope, playback_id: str) -> None:
        with contextlib.suppress(NotFound):
            playback = self._services.playbacks.find(playback_id)
            self._check_sources(scope, [playback.target_uri])

    def _check_recording(self, scope: Scope, name: str) -> None:
        with contextlib.suppress(NotFound):
            recording = self._services.recordings.find_live(name)
            self._check_sources(scope, [recording.target_uri])

    def _check_sources(self, scope: Scope, sources: Sequence[str]) -> None:
        for source in sources:
            try:
                kind, name = parse_event_source(source)
            except InvalidArgument:
                continue  # the operation says so itself
            match kind:
                case TopicKind.CHANNEL:
                    self._check_channels(scope, name)
                case TopicKind.BRIDGE:
                    self._check_bridge(scope, name)
                case TopicKind.ENDPOINT:
                    _check_endpoint(scope, {"endpoint": name})
                case _:
                    raise Forbidden(f"This token may not follow {source}")


def _check_operation(scope: Scope, operation: Operation) -> None:
    patterns: Iterable[str] = scope.operations
    is_node_wide = operation.path.startswith(NODE_WIDE) or operation.operation_id in LISTS
    if is_node_wide and not scope.has_all_apps:
        patterns = [pattern for pattern in patterns if pattern != "*"]
    if not _matches(operation.operation_id, patterns):
        raise Forbidden(f"This token may not use {operation.operation_id}")


def _check_endpoint(scope: Scope, keywords: Keywords) -> None:
    endpoint = keywords.get("endpoint")
    if "encapsulation" in keywords:  # of external media
        technology = MEDIA.get(keywords["encapsulation"] or "rtp", "")
        is_incoming = keywords.get("connection_type") == "server"
        target = "INCOMING" if is_incoming else keywords.get("external_host") or ""
        endpoint = f"{technology}/{target}"
    elif "tech" in keywords:
        endpoint = f"{keywords['tech']}/{keywords.get('resource', '')}".rstrip("/")
    elif "to" in keywords:  # of a text or referral, such as pjsip:alice
        technology, _, resource = keywords["to"].replace(":", "/", 1).partition("/")
        endpoint = f"{technology.upper()}/{resource}"
    if endpoint is not None and not _matches(endpoint, scope.endpoints):
        raise Forbidden(f"This token is not good for the endpoint {endpoint}")


def _has_channel(scope: Scope, channel: Channel) -> bool:
    return any(_matches(name, scope.apps) for name in channel.applications)


def _has_bridge(scope: Scope, bridge: Bridge) -> bool:
    return all(_has_channel(scope, channel) for channel in bridge.channels.values())


def _names(value: str | Sequence[str]) -> Sequence[str]:
    return [value] if isinstance(value, str) else value


def _matches(name: str, patterns: Iterable[str]) -> bool:
    return any(fnmatchcase(name, pattern) for pattern in patterns)
