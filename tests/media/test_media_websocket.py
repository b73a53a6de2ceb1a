"""Media WebSockets end to end: our HTTP server or client, the real engine, and a phone."""

from __future__ import annotations

import asyncio
import json
import ssl
import subprocess
from typing import Any

import aiohttp
import pytest
from websockets.asyncio.server import serve as websocket_server

from server.base.tasks import TaskScope
from server.config.sections.http import Http
from server.config.sections.websocket_client import WebsocketClient
from server.config.types import SocketAddress
from server.tech.base import OutgoingCall
from server.tech.websocket import WebSocketTechnology
from tests.media.rtp_phone import DECODE, ENCODE, level, tone, until
from tests.media.test_external_media import dialled, phone_in
from tests.support.certificate import make_certificate
from tests.support.node import NodeUnderTest
from tests.support.web import Web, serve


@pytest.fixture
async def clients() -> dict[str, WebsocketClient]:
    return {}


@pytest.fixture
async def technology(engine, clients):
    scope = TaskScope("test")
    yield WebSocketTechnology(engine, scope, clients)
    assert len(scope) == 0
    await scope.close()


@pytest.fixture
async def web(tmp_path, technology):
    node = NodeUnderTest(tmp_path)
    await node.start()
    async with serve(node) as made:
        made.http.media = technology
        yield made
    await node.close()


def ulaw(samples: list[int]) -> bytes:
    return bytes(ENCODE[sample // 4 * 4] for sample in samples)


class Application:
    """The application's end, by aiohttp.

    :ivar texts: control texts, in order.
    """

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self.socket = socket
        self.messages: list[Any] = []
        self.audio = b""
        self.task = asyncio.get_running_loop().create_task(self._read())

    async def _read(self) -> None:
        async for message in self.socket:
            if message.type is aiohttp.WSMsgType.BINARY:
                self.audio += message.data
                self.messages.append(len(message.data))
            else:
                self.messages.append(message.data)

    @property
    def texts(self) -> list[str]:
        return [message for message in self.messages if isinstance(message, str)]


@pytest.fixture
async def secure(tmp_path, technology):
    """A server that speaks TLS, and the URL of its media."""
    certificate = make_certificate(tmp_path)
    settings = Http(
        enabled=True,
        bindport=0,
        tlsenable=True,
        tlsbindaddr=SocketAddress("127.0.0.1", 0),
        tlscertfile=str(certificate),
    )
    node = NodeUnderTest(tmp_path)
    await node.start()
    async with serve(node, settings) as made:
        made.http.media = technology
        made.origin = f"localhost:{made.http.bound_addresses()[1][1]}"
        yield made, ssl.create_default_context(cafile=certificate)
    await node.close()


async def test_media_over_tls_are_the_engines_too(engine, make_phone, technology, secure):
    web, trust = secure
    bridge = engine.create_bridge()
    phone = await phone_in(engine, make_phone, bridge)
    leg = technology.create_leg("INCOMING/c(ulaw)", OutgoingCall(channel_id="c1"))
    listener = dialled(leg)
    bridge.add(leg.stream)
    url = f"https://{web.origin}/media/{leg.connection_id}"
    app = Application(await web.client.ws_connect(url, protocols=("media",), ssl=trust))
    await until(lambda: app.messages)
    assert app.messages[0].startswith("MEDIA_START ")
    assert listener.log == [("answered",)]
    await app.socket.send_bytes(ulaw(tone(700, 600)))
    await phone.talk(tone(500, 500))
    await until(lambda: len(app.audio) > 3000)
    assert level([DECODE[code] for code in app.audio[-1600:]], 500) > 7000
    assert level(phone.audio()[-1600:], 700) > 7000
    assert web.http.session_count == 0
    leg.hangup(16)
    await asyncio.wait_for(app.task, 3)
    assert app.socket.close_code == 1000
    await until(lambda: not len(web.http.scope))


async def test_an_application_that_leaves_over_tls_ends_its_channel(technology, secure):
    web, trust = secure
    leg = technology.create_leg("INCOMING/c(ulaw)", OutgoingCall(channel_id="c1"))
    listener = dialled(leg)
    url = f"https://{web.origin}/media/{leg.connection_id}"
    app = Application(await web.client.ws_connect(url, protocols=("media",), ssl=trust))
    await until(lambda: app.messages)
    await app.socket.close()
    await app.task
    await until(lambda: len(listener.log) > 1)
    await until(lambda: not len(web.http.scope))


async def connect(web: Web, leg: Any, **options: Any) -> Application:
    url = f"http://{web.origin}/media/{leg.connection_id}"
    return Application(await web.client.ws_connect(url, protocols=("media",), **options))


async def test_an_application_connects_and_hears_and_is_heard(engine, make_phone, technology, web):
    bridge = engine.create_bridge()
    phone = await phone_in(engine, make_phone, bridge)
    leg = technology.create_leg("INCOMING/c(ulaw)", OutgoingCall(channel_id="c1"))
    listener = dialled(leg)
    bridge.add(leg.stream)
    app = await connect(web, leg)
    assert app.socket.protocol == "media"
    await until(lambda: app.messages)
    assert app.messages[0] == (
        f"MEDIA_START connection_id:{leg.connection_id} channel:{leg.name} channel_id:c1 "
        "format:ulaw optimal_frame_size:160 ptime:20"
    )
    assert listener.log == [("answered",)]
    assert leg.variables["MEDIA_WEBSOCKET_OPTIMAL_FRAME_SIZE"] == "160"
    await app.socket.send_bytes(ulaw(tone(700, 600)))
    await app.socket.send_str("MARK_MEDIA said")
    await phone.talk(tone(500, 500))
    await until(lambda: len(app.audio) > 3000)
    assert level([DECODE[code] for code in app.audio[-1600:]], 500) > 7000
    assert level(phone.audio()[-1600:], 700) > 7000
    await until(lambda: "MEDIA_MARK_PROCESSED said" in app.texts)
    await leg.send_dtmf("5", before_ms=0, between_ms=0, duration_ms=40, after_ms=0)
    await until(lambda: "DTMF_END digit:5 channel_id:c1" in app.texts)
    assert web.http.session_count == 0  # the connection is the engine's alone
    leg.hangup(16)
    await asyncio.wait_for(app.task, 3)
    assert app.socket.close_code == 1000


async def test_json_and_no_answer_before_the_command(technology, web):
    call = OutgoingCall(channel_id='c"1', variables={"__COLOUR": 'red "1"'})
    leg = technology.create_leg("INCOMING/c(slin16)nf(json)", call)
    listener = dialled(leg)
    app = await connect(web, leg)
    await until(lambda: app.texts)
    start = json.loads(app.texts[0])
    variables = start.pop("channel_variables")
    assert start == {
        "event": "MEDIA_START",
        "connection_id": leg.connection_id,
        "channel": leg.name,
        "channel_id": 'c"1',
        "format": "slin16",
        "optimal_frame_size": 640,
        "ptime": 20,
    }
    assert variables["COLOUR"] == 'red "1"'
    assert variables["MEDIA_WEBSOCKET_CONNECTION_ID"] == leg.connection_id
    assert listener.log == []
    await app.socket.send_str('{"command":"ANSWER"}')
    await until(lambda: listener.log == [("answered",)])
    await app.socket.send_str('{"command":"GET_STATUS"}')
    await until(lambda: len(app.texts) > 1)
    assert json.loads(app.texts[1])["channel_id"] == 'c"1'
    await app.socket.send_str('{"command":"HANGUP"}')
    await until(lambda: len(listener.log) == 2)
    assert listener.log[1] == ("hangup", 16)
    await asyncio.wait_for(app.task, 3)
    assert app.socket.close_code == 1000


async def test_the_application_that_goes_ends_the_call(technology, web):
    leg = technology.create_leg("INCOMING", OutgoingCall(channel_id="c1"))
    listener = dialled(leg)
    app = await connect(web, leg)
    await until(lambda: app.texts)
    await app.socket.close()
    await until(lambda: len(listener.log) == 2)
    assert listener.log == [("answered",), ("hangup", 16)]
    await app.task


async def test_what_is_sent_with_the_handshake_is_not_lost(technology, web):
    leg = technology.create_leg("INCOMING/n", OutgoingCall(channel_id="c1"))
    listener = dialled(leg)
    host, _, port = web.origin.partition(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    command = b"\x81\x86\0\0\0\0HANGUP"
    writer.write(
        f"GET /media/{leg.connection_id} HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\n"
        "Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n".encode()
        + command
    )
    data = await asyncio.wait_for(reader.read(), 5)
    head, _, rest = data.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 101")
    assert b"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=" in head
    assert rest[4:].startswith(b"MEDIA_START ")
    assert rest.endswith(b"\x88\x02\x03\xe8")
    await until(lambda: listener.log == [("hangup", 16)])
    writer.close()


# the client


async def test_we_connect_to_a_server_and_talk(engine, make_phone, technology, clients):
    seen: list[Any] = []

    async def handler(connection: Any) -> None:
        seen.append(connection.request)
        async for message in connection:
            seen.append(message)
            if isinstance(message, str) and message.startswith("MEDIA_START"):
                await connection.send(ulaw(tone(700, 600)))

    async with websocket_server(handler, "127.0.0.1", 0, subprotocols=["media"]) as server:
        port = server.sockets[0].getsockname()[1]
        clients["robot"] = WebsocketClient(
            name="robot", uri=f"ws://127.0.0.1:{port}/talk?a=1", username="u", password="p"
        )
        bridge = engine.create_bridge()
        phone = await phone_in(engine, make_phone, bridge)
        leg = technology.create_leg("robot/v(b=2,c=3)", OutgoingCall(channel_id="c1"))
        listener = dialled(leg)
        bridge.add(leg.stream)
        await until(lambda: len(seen) > 1)
        assert seen[0].path == "/talk?a=1&b=2&c=3"
        assert seen[0].headers["Authorization"] == "Basic dTpw"
        assert seen[1].startswith("MEDIA_START connection_id:robot channel:WebSocket/robot/")
        assert listener.log == [("answered",)]
        await phone.talk(tone(500, 500))
        heard = b"".join(each for each in seen if isinstance(each, bytes))
        assert level([DECODE[code] for code in heard[-1600:]], 500) > 7000
        assert level(phone.audio()[-1600:], 700) > 7000
        leg.hangup(16)


async def test_a_server_that_is_not_there_is_tried_and_given_up(technology, clients):
    clients["gone"] = WebsocketClient(
        name="gone", uri="ws://127.0.0.1:1/", reconnect_attempts=2, reconnect_interval=10
    )
    leg = technology.create_leg("gone", OutgoingCall())
    listener = dialled(leg)
    await until(lambda: listener.log == [("hangup", 3)])
    leg = technology.create_leg("gone", OutgoingCall())
    listener = dialled(leg)
    leg.hangup(16)
    await asyncio.sleep(0.02)
    assert listener.log == []


@pytest.fixture
def certificate(tmp_path):
    """A certificate for localhost, signed by itself, and its key."""
    command = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 1"
    names = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"]
    files = ["-keyout", tmp_path / "key.pem", "-out", tmp_path / "cert.pem"]
    subprocess.run([*command.split(), *names, *files], check=True, capture_output=True)
    return tmp_path / "cert.pem", tmp_path / "key.pem"


@pytest.fixture
async def tls_port(certificate):
    """A server that echoes audio, and says goodbye when it is told to."""

    async def handler(connection: Any) -> None:
        async for message in connection:
            if isinstance(message, bytes):
                await connection.send(message)

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*certificate)
    async with websocket_server(handler, "localhost", 0, ssl=context) as server:
        yield server.sockets[0].getsockname()[1]


async def test_a_server_that_speaks_tls_echoes(
    engine, make_phone, technology, clients, certificate, tls_port
):
    clients["safe"] = WebsocketClient(
        name="safe", uri=f"wss://localhost:{tls_port}/", ca_list_file=str(certificate[0])
    )
    bridge = engine.create_bridge()
    phone = await phone_in(engine, make_phone, bridge)
    leg = technology.create_leg("safe", OutgoingCall(channel_id="c1"))
    listener = dialled(leg)
    bridge.add(leg.stream)
    await until(lambda: listener.log)
    await phone.talk(tone(600, 800))
    assert listener.log == [("answered",)]
    assert level(phone.audio()[-1600:], 600) > 7000
    leg.hangup(16)
    await until(lambda: len(technology.scope) == 0)


async def test_a_server_that_is_not_trusted_is_not_talked_to(technology, clients, tls_port):
    clients["false"] = WebsocketClient(
        name="false", uri=f"wss://localhost:{tls_port}/", reconnect_attempts=0
    )
    leg = technology.create_leg("false", OutgoingCall())
    listener = dialled(leg)
    await until(lambda: listener.log == [("hangup", 3)])
