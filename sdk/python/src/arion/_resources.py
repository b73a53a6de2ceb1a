"""What can be done with channels, bridges, playbacks and recordings beyond single operations.

The other methods of these things are generated: see ``_bound.py``.
"""

from __future__ import annotations

import logging
import uuid
from collections.abc import AsyncIterator, Callable, Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Any, Literal, TypeVar, overload

from arion._bound import (
    BoundBridge,
    BoundChannel,
    BoundLiveRecording,
    BoundPlayback,
    BoundStoredRecording,
)
from arion._errors import (
    ArionError,
    BadRequest,
    ChannelGone,
    Conflict,
    NotFound,
    PlaybackError,
    RecordingError,
    TimedOut,
    Unprocessable,
)

if TYPE_CHECKING:
    from arion import _types
    from arion._client import Client
    from arion._events import Expectation
    from arion._inbox import Raw

logger = logging.getLogger("arion")

E = TypeVar("E", bound="_types.Event")
F = TypeVar("F", bound="_types.Event")

Media = str | Sequence[str]

KEY_WAIT = 5.0  # seconds to wait for a key


class ChannelMethods(BoundChannel):
    """What can be done with a channel."""

    __slots__ = ()

    # life

    async def hangup(self, reason: str | None = None) -> None:
        """End the call; one that ended already is fine.

        :param reason: such as ``normal``, ``busy`` or ``congestion``.
        """
        try:
            await self._client.channels.hangup(self.id, reason=reason)  # type: ignore[arg-type]
        except NotFound:
            pass

    async def wait_gone(self, *, timeout: float | None = None) -> ChannelGone:
        """Wait until the channel has ended or left the application; return how.

        :param timeout: seconds.
        :raises TimedOut: it has not in time.
        """
        return await self._client._run(self._client._core.gone([self.id], timeout))

    # audio

    async def play(
        self,
        media: Media,
        *,
        lang: str | None = None,
        offset_ms: int | None = None,
        skip_ms: int | None = None,
    ) -> _types.Playback:
        """Play media and return at once; ``finished()`` of what it returns waits for the end."""
        client = self._client
        playback_id = str(uuid.uuid4())
        async with _Expecting(client, "playback", playback_id):
            return await client.channels.play(
                self.id,
                media=media,
                lang=lang,
                offsetms=offset_ms,
                skipms=skip_ms,
                playback_id=playback_id,
            )

    async def say(
        self, media: Media, *, lang: str | None = None, timeout: float | None = None
    ) -> _types.Playback:
        """Play media and return when it has ended.

        :param timeout: seconds.
        :raises PlaybackError: it could not be played.
        :raises TimedOut: it took longer.
        """
        return await (await self.play(media, lang=lang)).finished(timeout=timeout)

    async def record(
        self,
        name: str,
        *,
        format: str = "wav",  # noqa: A002 - the parameter's name in ARI
        max_duration: int | None = None,
        max_silence: int | None = None,
        if_exists: Literal["fail", "overwrite", "append"] | None = None,
        beep: bool | None = None,
        terminate_on: str | None = None,
    ) -> _types.LiveRecording:
        """Record what the channel says, and return at once; durations in seconds."""
        client = self._client
        async with _Expecting(client, "recording", name):
            return await client.channels.record(
                self.id,
                name=name,
                file_format=format,
                max_duration_seconds=max_duration,
                max_silence_seconds=max_silence,
                if_exists=if_exists,
                beep=beep,
                terminate_on=terminate_on,  # type: ignore[arg-type]
            )

    # keys

    async def digit(self, *, timeout: float | None = None) -> str | None:
        """Take the next key that was pressed, even before this call.

        :param timeout: seconds.
        :return: ``None`` if there was none in time.
        :raises ChannelGone: the channel ended first.
        """
        try:
            event = await self._take(_is_digit, timeout)
        except TimedOut:
            return None
        return str(event["digit"])

    async def digits(
        self, most: int, *, end: str = "#", first: float = KEY_WAIT, between: float = KEY_WAIT
    ) -> str:
        """Take several keys; return those that came.

        :param most: how many are enough.
        :param end: the key that ends it; it is not among the result.
        :param first: seconds to wait for the first one.
        :param between: seconds to wait for each other.
        :raises ChannelGone: the channel ended first.
        """
        keys = ""
        while len(keys) < most:
            key = await self.digit(timeout=between if keys else first)
            if key is None or key in end:
                break
            keys += key
        return keys

    async def ask(
        self,
        media: Media,
        *,
        most: int = 1,
        end: str = "",
        first: float = KEY_WAIT,
        between: float = KEY_WAIT,
        lang: str | None = None,
    ) -> str:
        """Play media until a key is pressed, and return the keys.

        Keys that were pressed before count, so whoever knows the menu need not listen to it.

        :param most: how many keys are enough.
        :param end: the key that ends it; it is not among the result.
        :param first: seconds to wait for the first one when the media has ended.
        :param between: seconds to wait for each other.
        :return: the keys; empty if there was none.
        :raises ChannelGone: the channel ended first.
        """
        playback = await self.play(media, lang=lang)
        wanted = _DigitOrEnd(playback.id)
        event = await self._take(wanted, None)
        if event["type"] == "PlaybackFinished":
            return await self.digits(most, end=end, first=first, between=between)
        await playback.stop()
        key = str(event["digit"])
        if key in end or most <= 1:
            return "" if key in end else key
        return key + await self.digits(most - 1, end=end, first=between, between=between)

    async def forget_digits(self) -> None:
        """Drop the keys that were pressed and not taken."""
        while await self.digit(timeout=0) is not None:
            pass

    # variables

    async def get_variable(self, name: str) -> str:
        """Read a variable or dialplan function.

        :raises NotFound: it is not set.
        """
        return (await self._client.channels.get_channel_var(self.id, variable=name)).value

    async def set_variable(self, name: str, value: str) -> None:
        """Set a variable or write a dialplan function."""
        await self._client.channels.set_channel_var(self.id, variable=name, value=value)

    # events

    @overload
    def events(self) -> AsyncIterator[_types.AnyEvent]: ...

    @overload
    def events(self, one: type[E], /) -> AsyncIterator[E]: ...

    @overload
    def events(self, one: type[E], two: type[F], /) -> AsyncIterator[E | F]: ...

    @overload
    def events(self, *kinds: type[E]) -> AsyncIterator[E]: ...

    async def events(self, *kinds: type[Any]) -> AsyncIterator[Any]:
        """Yield the events of this channel that nobody took yet, until it is gone.

        :param kinds: only these types; the others stay. All if none is given.
        """
        wanted = _test_of(kinds)
        try:
            while True:
                event = self._client._event(await self._take(wanted, None))
                if event is not None:
                    yield event
        except ChannelGone:
            return

    @overload
    async def wait_for(self, one: type[E], /, *, timeout: float | None = None) -> E: ...

    @overload
    async def wait_for(
        self, one: type[E], two: type[F], /, *, timeout: float | None = None
    ) -> E | F: ...

    @overload
    async def wait_for(self, *kinds: type[E], timeout: float | None = None) -> E: ...

    async def wait_for(self, *kinds: type[Any], timeout: float | None = None) -> Any:
        """Take the first event of a type, waiting for it if need be; other events stay.

        It may have come before: see :meth:`expect` for those that are yet to come.

        :param timeout: seconds.
        :raises TimedOut: it did not come in time.
        :raises ChannelGone: the channel ended first.
        """
        return self._client._event(await self._take(_test_of(kinds), timeout))

    def expect(
        self,
        *kinds: type[E],
        where: Callable[[E], bool] | None = None,
        timeout: float | None = None,
    ) -> Expectation[E]:
        """Expect an event of this channel that the commands of a block cause.

        ::

            async with channel.expect(arion.ChannelHold, timeout=5) as held:
                await channel.hold()
            print(held.event.musicclass)

        :param where: what else must hold of the event.
        :param timeout: seconds, from the end of the block.
        """
        from arion._events import Expectation

        return Expectation(self._client, self.id, kinds, where, timeout)

    async def _take(self, wanted: Callable[[Raw], bool], timeout: float | None) -> Raw:
        return await self._client._run(self._client._core.take(self.id, wanted, timeout))


class BridgeMethods(BoundBridge):
    """What can be done with a bridge."""

    __slots__ = ()

    async def add(self, *channels: _types.Channel | str, **options: Any) -> None:
        """Let channels join.

        :param options: as of the operation ``bridges.add_channel``: ``role``, ``mute`` …
        :raises ChannelGone: one of them ended or left the application.
        """
        ids = _ids(channels)
        try:
            await self._client.bridges.add_channel(self.id, channel=ids, **options)
        except (BadRequest, Conflict, Unprocessable):
            await self._client._run(self._client._core.raise_if_gone(ids))
            raise

    async def remove(self, *channels: _types.Channel | str) -> None:
        """Let channels leave."""
        await self._client.bridges.remove_channel(self.id, channel=_ids(channels))

    async def play(self, media: Media, *, lang: str | None = None) -> _types.Playback:
        """Play media to all and return at once."""
        client = self._client
        playback_id = str(uuid.uuid4())
        async with _Expecting(client, "playback", playback_id):
            return await client.bridges.play(
                self.id, media=media, lang=lang, playback_id=playback_id
            )

    async def say(
        self, media: Media, *, lang: str | None = None, timeout: float | None = None
    ) -> _types.Playback:
        """Play media to all and return when it has ended.

        :param timeout: seconds.
        :raises PlaybackError: it could not be played.
        :raises TimedOut: it took longer.
        """
        return await (await self.play(media, lang=lang)).finished(timeout=timeout)

    async def record(
        self,
        name: str,
        *,
        format: str = "wav",  # noqa: A002 - the parameter's name in ARI
        **options: Any,
    ) -> _types.LiveRecording:
        """Record what all say, and return at once.

        :param options: as of the operation ``bridges.record``.
        """
        async with _Expecting(self._client, "recording", name):
            return await self._client.bridges.record(
                self.id, name=name, file_format=format, **options
            )

    async def destroy(self) -> None:
        """End the bridge; its channels stay. One that ended already is fine."""
        try:
            await self._client.bridges.destroy(self.id)
        except NotFound:
            pass


class PlaybackMethods(BoundPlayback):
    """What can be done with a playback."""

    __slots__ = ()

    async def finished(self, *, timeout: float | None = None) -> _types.Playback:
        """Wait until it has ended, and return it as it was then.

        :param timeout: seconds.
        :raises PlaybackError: it could not be played.
        :raises TimedOut: it has not ended in time.
        """
        client = self._client
        raw = await client._run(client._core.outcome(("playback", self.id), timeout))
        if raw is None:
            return self  # type: ignore[return-value]
        ended = type(self).from_wire(raw, client)  # type: ignore[attr-defined]
        if ended.state == "failed":
            raise PlaybackError(f"{ended.media_uri} could not be played")
        return ended  # type: ignore[no-any-return]

    async def stop(self) -> None:
        """Stop it; one that ended already is fine."""
        try:
            await self._client.playbacks.stop(self.id)
        except NotFound:
            pass


class LiveRecordingMethods(BoundLiveRecording):
    """What can be done with a recording in progress."""

    __slots__ = ()

    async def finished(self, *, timeout: float | None = None) -> _types.LiveRecording:
        """Wait until it has ended, and return it as it was then.

        :param timeout: seconds.
        :raises RecordingError: it broke off.
        :raises TimedOut: it has not ended in time.
        """
        client = self._client
        raw = await client._run(client._core.outcome(("recording", self.name), timeout))
        if raw is None:
            return self  # type: ignore[return-value]
        ended = type(self).from_wire(raw, client)  # type: ignore[attr-defined]
        if ended.state == "failed":
            raise RecordingError(ended.cause or f"{ended.name} broke off")
        return ended  # type: ignore[no-any-return]

    async def stored(self) -> _types.StoredRecording:
        """Return the file that it became."""
        return await self._client.recordings.get_stored(self.name)


class StoredRecordingMethods(BoundStoredRecording):
    """What can be done with a complete recording."""

    __slots__ = ()

    async def copy(self, name: str) -> _types.StoredRecording:
        """Copy it."""
        return await self._client.recordings.copy_stored(self.name, destination_recording_name=name)


class _Expecting:
    """Has an outcome noted from before the command on, unless the command fails."""

    def __init__(self, client: Client, kind: str, name: str) -> None:
        self._client = client
        self._key = (kind, name)

    async def __aenter__(self) -> None:
        await self._client._run(self._client._core.expect(self._key))

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if isinstance(error, ArionError):
            await self._client._runner.tidy(self._client._core.forget(self._key))


class _DigitOrEnd:
    """Accepts a key, or the end of a playback."""

    def __init__(self, playback_id: str) -> None:
        self._playback_id = playback_id

    def __call__(self, raw: Raw) -> bool:
        if raw["type"] == "PlaybackFinished":
            return bool(raw["playback"]["id"] == self._playback_id)
        return _is_digit(raw)


def _is_digit(raw: Raw) -> bool:
    return bool(raw["type"] == "ChannelDtmfReceived")


def _test_of(kinds: tuple[type[_types.Event], ...]) -> Callable[[Raw], bool]:
    from arion._events import test_of

    return test_of(kinds)


def _ids(channels: Sequence[_types.Channel | str]) -> list[str]:
    return [item if isinstance(item, str) else item.id for item in channels]
