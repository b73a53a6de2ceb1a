"""Playbacks: media queued on a channel or a bridge, and the verbs of ``/playbacks``.

Per target one playback runs and the others wait their turn, as in Asterisk. Every playback that
was accepted publishes PlaybackStarted at most once and PlaybackFinished exactly once, in this
order, whatever ends it.
"""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable, Collection, Sequence
from typing import Protocol

import orjson

from server.base.errors import Conflict, InvalidArgument, NotFound, ServerError, Unavailable
from server.base.ids import MAX_ID_LENGTH, new_uuid
from server.media.players import Player, PlayResult, Source
from server.model import events
from server.model.events import Event
from server.model.wire import Snapshot
from server.resources.media_uri import resolve_media_uri, split_media_uri
from server.resources.node import Node
from server.stasis.topics import Topic

logger = logging.getLogger(__name__)

MAX_QUEUED = 256  # per target
MAX_MEDIA = 256  # items of one playback
DEFAULT_SKIP_MS = 3000

# why a player ended, as PlaybackFinished says it; all else is a stream that is gone
_REASONS = {"finished": "finished", "stopped": "stopped", "failed": "failed"}


class PlaybackTarget(Protocol):
    """What a playback can play to: a channel or a bridge."""

    language: str
    resources: list[Callable[[], None]]

    def play(
        self,
        sources: Sequence[Source],
        *,
        offset_ms: int = 0,
        on_item: Callable[[int], None] | None = None,
    ) -> Player:
        """Start a player."""

    def publish(self, event: Event, *extra: Topic) -> None:
        """Publish an event about the target."""


class Playback:
    """One playback and its state: ``queued``, ``playing``, ``continuing``, ``done``, ``failed``."""

    def __init__(
        self,
        playback_id: str,
        target: PlaybackTarget,
        target_uri: str,
        media: Sequence[str],
        language: str,
        offset_ms: int,
        skip_ms: int,
    ) -> None:
        self.id = playback_id
        self.target = target
        self.target_uri = target_uri
        self.media = list(media)
        self.language = language
        self.offset_ms = offset_ms
        self.skip_ms = skip_ms
        self.state = "queued"
        self.index = 0
        self.player: Player | None = None
        self._played = 0.0  # seconds until it last began or went on
        self._going_since: float | None = None

    def go(self, now: float) -> None:
        """It is heard from *now* on, seconds on the monotonic clock."""
        if self._going_since is None:
            self._going_since = now

    def halt(self, now: float) -> None:
        """It is not heard any more from *now* on."""
        if self._going_since is not None:
            self._played += now - self._going_since
            self._going_since = None

    @property
    def played_ms(self) -> int:
        """For how long it was heard until :meth:`halt`."""
        return round(self._played * 1000)

    def snapshot(self) -> Snapshot:
        """Return the playback's JSON."""
        description = {"id": self.id, "media_uri": self.media[self.index]}
        if self.index + 1 < len(self.media):
            description["next_media_uri"] = self.media[self.index + 1]
        description |= {
            "target_uri": self.target_uri,
            "language": self.language,
            "state": self.state,
        }
        return orjson.Fragment(orjson.dumps(description))


class Playbacks:
    """All playbacks that have not finished."""

    def __init__(self, node: Node) -> None:
        self._node = node
        self._playbacks: dict[str, Playback] = {}
        self._queues: dict[str, deque[Playback]] = {}
        self._closers: dict[str, Callable[[], None]] = {}  # of targets that have a queue

    def __len__(self) -> int:
        return len(self._playbacks)

    def of(self, targets: Collection[str]) -> list[Snapshot]:
        """Return the playbacks on these targets, named by their URIs."""
        return [p.snapshot() for p in self._playbacks.values() if p.target_uri in targets]

    # the API's verbs

    def get(self, playback_id: str) -> Snapshot:
        """Return one playback.

        :raises NotFound: there is none, or it has finished.
        """
        return self.find(playback_id).snapshot()

    def find(self, playback_id: str) -> Playback:
        """Return the playback object.

        :raises NotFound: there is none.
        """
        playback = self._playbacks.get(playback_id)
        if playback is None:
            raise NotFound("Playback not found")
        return playback

    def stop(self, playback_id: str) -> None:
        """End a playback.

        :raises NotFound: there is none.
        """
        playback = self.find(playback_id)
        if playback.player is None:
            self._queues[playback.target_uri].remove(playback)
            self._finish(playback, "stopped")
        else:
            playback.player.stop()

    def control(self, playback_id: str, operation: str) -> None:
        """Pause, unpause, restart, reverse or forward a playback.

        :raises NotFound: there is none.
        :raises InvalidArgument: unknown operation.
        :raises Conflict: it does not play yet.
        """
        playback = self.find(playback_id)
        operations: dict[str, Callable[[Player], None]] = {
            "pause": lambda player: player.pause(),
            "unpause": lambda player: player.unpause(),
            "restart": lambda player: player.restart(),
            "reverse": lambda player: player.seek(-playback.skip_ms),
            "forward": lambda player: player.seek(playback.skip_ms),
        }
        action = operations.get(operation)
        if action is None:
            raise InvalidArgument(
                "operation", f"{operation!r} is none of {', '.join(sorted(operations))}"
            )
        if playback.player is None:
            raise Conflict("The playback has not started yet")
        action(playback.player)
        if operation == "pause":
            playback.halt(self._node.clock.now())
        elif operation == "unpause":
            playback.go(self._node.clock.now())

    # for channels and bridges

    def start(
        self,
        target: PlaybackTarget,
        target_uri: str,
        *,
        media: Sequence[str],
        lang: str | None = None,
        offsetms: int | None = None,
        skipms: int | None = DEFAULT_SKIP_MS,
        playback_id: str | None = None,
    ) -> Snapshot:
        """Queue media on *target*, and start it if nothing else plays there.

        Media that is not there is reported by PlaybackFinished with state ``failed``.

        :raises InvalidArgument: no media, a malformed URI or a negative time.
        :raises Conflict: the id is taken.
        :raises Unavailable: too many playbacks wait on this target.
        """
        if not media or len(media) > MAX_MEDIA:
            raise InvalidArgument("media", f"1 to {MAX_MEDIA} items are needed")
        for uri in media:
            split_media_uri(uri)
        if (offsetms or 0) < 0:
            raise InvalidArgument("offsetms", "must not be negative")
        if (skipms or 0) < 0:
            raise InvalidArgument("skipms", "must not be negative")
        chosen = playback_id or new_uuid()
        if len(chosen) > MAX_ID_LENGTH:
            raise InvalidArgument("playbackId", f"longer than {MAX_ID_LENGTH} characters")
        if chosen in self._playbacks:
            raise Conflict("A playback with this id exists")
        queue = self._queues.get(target_uri)
        if queue is not None and len(queue) >= MAX_QUEUED:
            raise Unavailable("too many playbacks are queued here")
        playback = Playback(
            chosen,
            target,
            target_uri,
            media,
            lang or target.language,
            offsetms or 0,
            DEFAULT_SKIP_MS if skipms is None else skipms,
        )
        self._playbacks[chosen] = playback
        accepted = playback.snapshot()
        if queue is None:
            self._open_queue(target, target_uri)
            if not self._begin(playback):
                self._next(target, target_uri)
        else:
            queue.append(playback)
        return accepted

    # private

    def _begin(self, playback: Playback) -> bool:
        """Start a playback; return whether it plays now."""
        sources: list[Source] = []
        starts: list[tuple[int, int]] = []  # first source of a media item, the item's index
        for index, uri in enumerate(playback.media):
            try:
                found = resolve_media_uri(self._node, uri, playback.language)
            except InvalidArgument as error:
                logger.warning("playback %s: %s", playback.id, error)
                found = []
            if not found:
                logger.warning("playback %s: %s is not there", playback.id, uri)
                continue
            starts.append((len(sources), index))
            sources.extend(found)
        if not sources:
            self._finish(playback, "failed")
            return False
        first_sources = dict(starts)
        playback_id = playback.id  # the stream keeps its last player: it must not keep us

        def on_item(position: int) -> None:
            if position and position in first_sources:
                self._continue(playback_id, first_sources[position])

        playback.index = starts[0][1]
        playback.state = "playing"
        self._publish(playback, events.playback_started)
        try:
            player = playback.target.play(sources, offset_ms=playback.offset_ms, on_item=on_item)
        except ServerError as error:
            logger.warning("playback %s: %s", playback.id, error)
            self._finish(playback, "failed")
            return False
        playback.player = player
        playback.go(self._node.clock.now())
        player.done.add_done_callback(lambda done: self._on_done(playback, done.result()))
        return True

    def _continue(self, playback_id: str, index: int) -> None:
        playback = self._playbacks.get(playback_id)
        if playback is None:
            return
        playback.index = index
        playback.state = "continuing"
        self._publish(playback, events.playback_continuing)
        playback.state = "playing"

    def _on_done(self, playback: Playback, result: PlayResult) -> None:
        if result.reason == "failed":
            logger.warning("playback %s failed: %s", playback.id, result.error)
        if playback.id in self._playbacks:
            self._finish(playback, _REASONS.get(result.reason, "gone"))
            self._next(playback.target, playback.target_uri)

    def _finish(self, playback: Playback, reason: str) -> None:
        del self._playbacks[playback.id]
        playback.player = None
        playback.halt(self._node.clock.now())
        playback.state = "failed" if reason == "failed" else "done"
        playback.target.publish(
            events.playback_finished(
                playback=playback.snapshot(), reason=reason, played_ms=playback.played_ms
            )
        )

    def _next(self, target: PlaybackTarget, target_uri: str) -> None:
        queue = self._queues[target_uri]
        while queue:
            if self._begin(queue.popleft()):
                return
        self._close_queue(target, target_uri)

    def _open_queue(self, target: PlaybackTarget, target_uri: str) -> None:
        def close() -> None:
            """End every playback of a target that goes away."""
            self._close_queue(target, target_uri)
            for playback in list(self._playbacks.values()):
                if playback.target_uri == target_uri:
                    if playback.player is not None:
                        playback.player.stop()
                    self._finish(playback, "gone")

        self._queues[target_uri] = deque()
        self._closers[target_uri] = close
        target.resources.append(close)

    def _close_queue(self, target: PlaybackTarget, target_uri: str) -> None:
        del self._queues[target_uri]
        target.resources.remove(self._closers.pop(target_uri))

    def _publish(self, playback: Playback, make: Callable[..., Event]) -> None:
        playback.target.publish(make(playback=playback.snapshot()))
