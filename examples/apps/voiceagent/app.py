"""voiceagent: hears the caller out, then answers; over a media WebSocket. See README.md."""

from __future__ import annotations

import array
import asyncio
import logging
from collections.abc import Awaitable, Callable

import aiohttp
import arion

FORMAT = "slin"  # 16 bits, 8 kHz, one channel
FRAME = 320  # bytes of 20 ms
LOUD = 500  # mean sample value above which a frame is speech
PAUSE = 30  # quiet frames that end an utterance: 600 ms
LONGEST = 1500  # frames of an utterance: 30 s
CONNECT_S = 5.0  # seconds for the media WebSocket to be there
LEAST = 5  # frames of speech; less is a click

logger = logging.getLogger("voiceagent")

Agent = Callable[[bytes], Awaitable[bytes]]


async def echo(utterance: bytes) -> bytes:
    """Say the same again. Recognition, a language model and synthesis go here instead."""
    return utterance


class Ears:
    """Cuts what comes in into utterances."""

    def __init__(self) -> None:
        self._rest = b""
        self._spoken = bytearray()
        self._loud = self._quiet = 0

    def hear(self, audio: bytes) -> tuple[bool, list[bytes]]:
        """Take audio; return whether somebody speaks now, and the utterances that ended."""
        ended = []
        self._rest += audio
        while len(self._rest) >= FRAME:
            frame, self._rest = self._rest[:FRAME], self._rest[FRAME:]
            if (utterance := self._take(frame)) is not None:
                ended.append(utterance)
        return self._loud >= LEAST and not self._quiet, ended

    def _take(self, frame: bytes) -> bytes | None:
        samples = array.array("h", frame)
        if sum(map(abs, samples)) / len(samples) > LOUD:
            self._loud, self._quiet = self._loud + 1, 0
        elif not self._loud:
            return None
        else:
            self._quiet += 1
        self._spoken += frame
        if self._quiet < PAUSE and len(self._spoken) < LONGEST * FRAME:
            return None
        whole, is_speech = bytes(self._spoken), self._loud >= LEAST
        self._spoken.clear()
        self._loud = self._quiet = 0
        return whole if is_speech else None


class VoiceAgent:
    """Handles calls.

    :param agent: turns what the caller said into what is answered, both as audio.
    """

    def __init__(self, agent: Agent = echo) -> None:
        self._agent = agent

    async def __call__(self, caller: arion.Channel, args: list[str]) -> None:
        """Handle one call."""
        if caller.name.startswith("WebSocket/"):
            return  # the media channel, which the other call here looks after
        await caller.answer()
        client = caller.client
        media = await client.channels.external_media(
            app="voiceagent", format=FORMAT,
            encapsulation="none", transport="websocket", connection_type="server",
        )  # fmt: skip
        talk = asyncio.create_task(self._talk(client, media))
        try:
            await media.wait_for(arion.StasisStart, timeout=CONNECT_S)
            async with client.bridge() as bridge:
                await bridge.add(caller, media)
                await client.first_gone(caller, media)
        finally:
            talk.cancel()
            (failure,) = await asyncio.gather(talk, return_exceptions=True)
            if isinstance(failure, Exception):
                logger.error("the agent failed: %r", failure)
            await media.hangup()
            await caller.hangup()

    async def _talk(self, client: arion.Client, media: arion.Channel) -> None:
        """Listen and answer for as long as the call lasts."""
        name = await media.get_variable("MEDIA_WEBSOCKET_CONNECTION_ID")
        url = client.url.removesuffix("/ari").replace("http", "ws", 1)
        ears = Ears()
        async with (
            aiohttp.ClientSession() as http,
            http.ws_connect(f"{url}/media/{name}", protocols=("media",)) as socket,
        ):
            async for message in socket:
                if message.type is not aiohttp.WSMsgType.BINARY:
                    continue
                is_speaking, utterances = ears.hear(message.data)
                if is_speaking:
                    await socket.send_str("FLUSH_MEDIA")  # the caller interrupts: be quiet at once
                for utterance in utterances:
                    logger.info("%s said %d ms", media.id, len(utterance) // FRAME * 20)
                    await socket.send_bytes(await self._agent(utterance))


if __name__ == "__main__":
    arion.run("voiceagent", VoiceAgent())
