"""AudioSocket(): a call's audio goes to an application and comes from it."""

from __future__ import annotations

import asyncio

from server.base.errors import ChannelHungUp, InvalidArgument
from server.dialplan.arguments import argument, split_arguments
from server.dialplan.executor import Call
from server.dialplan.registry import application
from server.media.sockets import Protocol, SocketNews
from server.tech.audiosocket import DEFAULT_CODEC, read_uuid
from server.tech.connecting import CONNECT_TIMEOUT, open_connection
from server.tech.external_media import split_host_port


@application("AudioSocket")
async def audiosocket(call: Call, data: str) -> None:
    """AudioSocket(uuid, host:port): until the application ends it.

    Digits go there too. The call goes on in the dialplan when the application says that it is
    done, and ends when the connection fails. As in Asterisk it has to be answered before.
    """
    channel = call.channel
    arguments = split_arguments(data)
    try:
        identity = read_uuid(argument(arguments, 0).strip(), "uuid")
        target = split_host_port("service", argument(arguments, 1).strip())
    except InvalidArgument as error:
        call.report(f"AudioSocket: {error}")
        raise ChannelHungUp from None
    if channel.state != "Up":
        call.report("AudioSocket: the channel is not answered")
        raise ChannelHungUp
    try:
        connection = await channel.wait(open_connection(target, CONNECT_TIMEOUT))
    except OSError as error:
        call.report(f"AudioSocket: {target[0]}:{target[1]}: {error.strerror or error}")
        raise ChannelHungUp from None
    engine = call.dialplan.node.engine
    ended: asyncio.Future[SocketNews] = asyncio.get_running_loop().create_future()
    stream = engine.open_socket(DEFAULT_CODEC)
    bridge = engine.create_bridge()

    def on_news(news: SocketNews, error: int) -> None:
        if not ended.done():
            ended.set_result(news)

    stream.on_news = on_news
    stream.connect(connection, Protocol.AUDIOSOCKET, start=identity.bytes)
    try:
        bridge.add(channel.leg.stream)
        bridge.add(stream)
        news = await channel.wait(ended)
    finally:
        bridge.close()
        stream.close()
    if news is not SocketNews.HUNG_UP:
        call.report(f"AudioSocket: the connection {news.name.lower()}")
        raise ChannelHungUp
