"""The verbs of channels, bridges, playbacks and recordings, as methods of the things themselves."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator, Sequence
from typing import TYPE_CHECKING, Any, Literal, TypeVar

from arion._errors import ArionError, ChannelGone, NotFound, PlaybackError, RecordingError

if TYPE_CHECKING:
    from arion import _types
    from arion._client import Client
    from arion._inbox import Inbox

E = TypeVar("E", bound="_types.Event")

Media = str | Sequence[str]


class ChannelMethods:
    """What can be done with a channel."""

    __slots__ = ()

    if TYPE_CHECKING:
        id: str
        _client: Client

    # life

    async def answer(self) -> None:
        """Answer the call."""
        await self._client.channels.answer(self.id)

    async def hangup(self, reason: str | None = None) -> None:
        """End the call; one that ended already is fine.

        :param reason: such as ``normal``, ``busy`` or ``congestion``.
        """
        try:
            await self._client.channels.hangup(self.id, reason=reason)
        except NotFound:
            pass

    async def ring(self) -> None:
        """Let the caller hear ringing."""
        await self._client.channels.ring(self.id)

    async def ring_stop(self) -> None:
        """Stop the ringing."""
        await self._client.channels.ring_stop(self.id)

    async def progress(self) -> None:
        """Open the audio path before the answer."""
        await self._client.channels.progress(self.id)

    async def dial(self, *, caller: str | None = None, timeout: int | None = None) -> None:
        """Call the endpoint of a channel that was created before.

        :param timeout: seconds.
        """
        await self._client.channels.dial(self.id, caller=caller, timeout=timeout)

    async def continue_in_dialplan(
        self,
        *,
        context: str | None = None,
        extension: str | None = None,
        priority: int | None = None,
        label: str | None = None,
    ) -> None:
        """Leave the application and go on in the dialplan."""
        await self._client.channels.continue_in_dialplan(
            self.id, context=context, extension=extension, priority=priority, label=label
        )

    async def move(self, app: str, app_args: str | None = None) -> None:
        """Hand the channel to another application."""
        await self._client.channels.move(self.id, app=app, app_args=app_args)

    async def redirect(self, endpoint: str) -> None:
        """Send the far end to another address."""
        await self._client.channels.redirect(self.id, endpoint=endpoint)

    async def refresh(self) -> _types.Channel:
        """Return the channel as it is now."""
        return await self._client.channels.get(self.id)

    # audio

    async def play(
        self,
        media: Media,
        *,
        lang: str | None = None,
        offset_ms: int | None = None,
        skip_ms: int | None = None,
    ) -> _types.Playback:
        """Play media and return at once; ``await (await channel.play(…)).wait()`` for its end."""
        client = self._client
        playback_id = str(uuid.uuid4())
        with _Expecting(client, "playback", playback_id):
            return await client.channels.play(
                self.id,
                media=media,
                lang=lang,
                offsetms=offset_ms,
                skipms=skip_ms,
                playback_id=playback_id,
            )

    async def say(self, media: Media, *, lang: str | None = None) -> _types.Playback:
        """Play media and return when it has ended.

        :raises PlaybackError: it could not be played.
        """
        return await (await self.play(media, lang=lang)).wait()

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
        """Record what the channel says; durations in seconds."""
        client = self._client
        with _Expecting(client, "recording", name):
            return await client.channels.record(
                self.id,
                name=name,
                file_format=format,
                max_duration_seconds=max_duration,
                max_silence_seconds=max_silence,
                if_exists=if_exists,
                beep=beep,
                terminate_on=terminate_on,
            )

    async def send_dtmf(self, dtmf: str, **times_ms: int) -> None:
        """Send keys.

        :param times_ms: ``before``, ``between``, ``duration`` and ``after``.
        """
        await self._client.channels.send_dtmf(self.id, dtmf=dtmf, **times_ms)

    async def mute(self, direction: Literal["both", "in", "out"] | None = None) -> None:
        """Silence the channel."""
        await self._client.channels.mute(self.id, direction=direction)

    async def unmute(self, direction: Literal["both", "in", "out"] | None = None) -> None:
        """End the silence."""
        await self._client.channels.unmute(self.id, direction=direction)

    async def hold(self) -> None:
        """Put the far end on hold."""
        await self._client.channels.hold(self.id)

    async def unhold(self) -> None:
        """Resume the far end."""
        await self._client.channels.unhold(self.id)

    async def start_moh(self, moh_class: str | None = None) -> None:
        """Play music on hold."""
        await self._client.channels.start_moh(self.id, moh_class=moh_class)

    async def stop_moh(self) -> None:
        """Stop the music."""
        await self._client.channels.stop_moh(self.id)

    async def start_silence(self) -> None:
        """Send silence."""
        await self._client.channels.start_silence(self.id)

    async def stop_silence(self) -> None:
        """Stop sending silence."""
        await self._client.channels.stop_silence(self.id)

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

    def _inbox(self) -> Inbox:
        self._client.check_listening()
        return self._client.known.inbox(self.id)

    async def events(self) -> AsyncIterator[_types.Event]:
        """Yield the events of this channel that nobody took yet, until it is gone."""
        inbox = self._inbox()
        try:
            while True:
                yield await inbox.take(lambda _: True)
        except ChannelGone:
            return

    async def wait_for(self, kind: type[E], *, timeout: float | None = None) -> E:
        """Take the first event of a type, waiting for it if need be; other events stay.

        :param timeout: seconds.
        :raises TimeoutError: it did not come in time.
        :raises ChannelGone: the channel ended first.
        """
        inbox = self._inbox()
        async with asyncio.timeout(timeout):
            event: E = await inbox.take(lambda event: isinstance(event, kind))
        return event

    async def digit(self, *, timeout: float | None = None) -> str | None:
        """Take the next key that was pressed, even before this call.

        :param timeout: seconds.
        :return: ``None`` if there was none in time.
        :raises ChannelGone: the channel ended first.
        """
        inbox = self._inbox()
        try:
            async with asyncio.timeout(timeout):
                event = await inbox.take(lambda event: event.type == "ChannelDtmfReceived")
        except TimeoutError:
            return None
        return str(event.digit)

    async def wait_gone(self) -> None:
        """Wait until the channel has ended or left the application."""
        inbox = self._inbox()
        try:
            await inbox.take(lambda _: False)
        except ChannelGone:
            return


class BridgeMethods:
    """What can be done with a bridge."""

    __slots__ = ()

    if TYPE_CHECKING:
        id: str
        _client: Client

    async def add(self, *channels: _types.Channel | str, **options: Any) -> None:
        """Let channels join.

        :param options: ``role``, ``absorb_dtmf``, ``mute``.
        """
        await self._client.bridges.add_channel(self.id, channel=_ids(channels), **options)

    async def remove(self, *channels: _types.Channel | str) -> None:
        """Let channels leave."""
        await self._client.bridges.remove_channel(self.id, channel=_ids(channels))

    async def play(self, media: Media, *, lang: str | None = None) -> _types.Playback:
        """Play media to all and return at once."""
        client = self._client
        playback_id = str(uuid.uuid4())
        with _Expecting(client, "playback", playback_id):
            return await client.bridges.play(
                self.id, media=media, lang=lang, playback_id=playback_id
            )

    async def record(
        self,
        name: str,
        *,
        format: str = "wav",  # noqa: A002 - the parameter's name in ARI
        **options: Any,
    ) -> _types.LiveRecording:
        """Record what all say.

        :param options: as of the operation ``bridges.record``.
        """
        with _Expecting(self._client, "recording", name):
            return await self._client.bridges.record(
                self.id, name=name, file_format=format, **options
            )

    async def start_moh(self, moh_class: str | None = None) -> None:
        """Play music on hold to all."""
        await self._client.bridges.start_moh(self.id, moh_class=moh_class)

    async def stop_moh(self) -> None:
        """Stop the music."""
        await self._client.bridges.stop_moh(self.id)

    async def destroy(self) -> None:
        """End the bridge; its channels stay. One that ended already is fine."""
        try:
            await self._client.bridges.destroy(self.id)
        except NotFound:
            pass

    async def refresh(self) -> _types.Bridge:
        """Return the bridge as it is now."""
        return await self._client.bridges.get(self.id)


class PlaybackMethods:
    """What can be done with a playback."""

    __slots__ = ()

    if TYPE_CHECKING:
        id: str
        state: str
        media_uri: str
        _client: Client

    async def wait(self) -> _types.Playback:
        """Wait until it has ended, and return it as it was then.

        :raises PlaybackError: it could not be played.
        """
        ended: _types.Playback | None = await _outcome(self._client, "playback", self.id)
        if ended is not None and ended.state == "failed":
            raise PlaybackError(f"{ended.media_uri} could not be played")
        return ended or self  # type: ignore[return-value]

    async def stop(self) -> None:
        """Stop it; one that ended already is fine."""
        try:
            await self._client.playbacks.stop(self.id)
        except NotFound:
            pass

    async def control(
        self, operation: Literal["restart", "pause", "unpause", "reverse", "forward"]
    ) -> None:
        """Steer it."""
        await self._client.playbacks.control(self.id, operation=operation)


class LiveRecordingMethods:
    """What can be done with a recording in progress."""

    __slots__ = ()

    if TYPE_CHECKING:
        name: str
        _client: Client

    async def wait(self) -> _types.LiveRecording:
        """Wait until it has ended, and return it as it was then.

        :raises RecordingError: it broke off.
        """
        ended: _types.LiveRecording | None = await _outcome(self._client, "recording", self.name)
        if ended is not None and ended.state == "failed":
            raise RecordingError(ended.cause or f"{ended.name} broke off")
        return ended or self  # type: ignore[return-value]

    async def stop(self) -> None:
        """Stop it and keep the file."""
        await self._client.recordings.stop(self.name)

    async def cancel(self) -> None:
        """Stop it and discard the file."""
        await self._client.recordings.cancel(self.name)

    async def pause(self) -> None:
        """Interrupt it."""
        await self._client.recordings.pause(self.name)

    async def unpause(self) -> None:
        """Go on."""
        await self._client.recordings.unpause(self.name)

    async def mute(self) -> None:
        """Record silence instead."""
        await self._client.recordings.mute(self.name)

    async def unmute(self) -> None:
        """Record sound again."""
        await self._client.recordings.unmute(self.name)


class StoredRecordingMethods:
    """What can be done with a complete recording."""

    __slots__ = ()

    if TYPE_CHECKING:
        name: str
        _client: Client

    async def download(self) -> bytes:
        """Return the file."""
        return await self._client.recordings.get_stored_file(self.name)

    async def copy(self, name: str) -> _types.StoredRecording:
        """Copy it."""
        return await self._client.recordings.copy_stored(self.name, destination_recording_name=name)

    async def delete(self) -> None:
        """Delete it."""
        await self._client.recordings.delete_stored(self.name)


class _Expecting:
    """Has an outcome noted from before the command on, unless the command fails."""

    def __init__(self, client: Client, kind: str, name: str) -> None:
        self._outcomes = client.known.outcomes
        self._key = (kind, name)

    def __enter__(self) -> None:
        self._outcomes.forget(self._key)
        self._outcomes.expect(self._key)

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is not None and issubclass(kind, ArionError):
            self._outcomes.forget(self._key)


async def _outcome(client: Client, kind: str, name: str) -> Any:
    """Wait for an outcome; ``None`` if it happened unseen."""
    client.check_listening()
    outcomes = client.known.outcomes
    key = (kind, name)
    if not outcomes.is_expected(key):
        # It was started elsewhere, or the outcome was told before.
        outcomes.expect(key)
        await client.settle_if_over(key)
    try:
        return await asyncio.shield(outcomes.expect(key))
    finally:
        outcomes.forget(key)


def _ids(channels: Sequence[_types.Channel | str]) -> list[str]:
    return [item if isinstance(item, str) else item.id for item in channels]
