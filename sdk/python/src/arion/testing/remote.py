"""The test kit for other languages: a server and its phones, steered by lines of JSON.

``python -m arion.testing.remote`` reads requests from its standard input and writes an answer for
each to its standard output, in the order in which they are done::

    {"id": 1, "do": "start", "with": {"dialplan": {"1000": "Stasis(hello)"}, "phones": ["alice"]}}
    {"id": 1, "result": {"url": "http://127.0.0.1:20004/ari", "user": "arion", ...}}
    {"id": 2, "do": "phone", "with": {"name": "alice"}}
    {"id": 2, "result": null}
    {"id": 3, "phone": "alice", "do": "call", "with": {"number": "1000", "timeout": 5}}
    {"id": 3, "error": {"kind": "CallFailed", "message": "486 Busy Here", "status": 486}}

``start`` comes first, once; what it is given are the members of
:class:`~arion.testing.server.ServerConfig`. ``phone`` registers one, ``log`` returns what the
server wrote. With a ``phone``, the verb is one of :data:`VERBS`, and its arguments are those of
the method of :class:`~arion.testing.phone.Phone`; where that takes a sound, ``file`` names a wav
file instead. Times are in seconds.

When the input ends, or on SIGTERM, the phones hang up, and the server stops. The exit code is then
the server's.
"""

from __future__ import annotations

import asyncio
import contextlib
import inspect
import json
import signal
import sys
from pathlib import Path
from typing import Any

from arion.testing.call import Call, CallFailed
from arion.testing.phone import Phone
from arion.testing.server import USER, Server, ServerConfig

VERBS = frozenset(
    {
        "answer", "call", "hang_up", "hears", "hears_hangup", "hears_silence", "hears_tone",
        "press", "reject", "rings", "says",
    }
)  # fmt: skip
SOUND_ARGUMENTS = {"hears": "prompt", "says": "sound"}
LINE_LIMIT = 1 << 20  # octets of a request
LONGEST_S = 60.0  # that a verb may take, beyond the timeout it was given
MOST_AT_ONCE = 1000  # requests under way

Arguments = dict[str, Any]


class Remote:
    """Does what the requests say.

    :param stack: takes what is to be undone at the end.
    """

    def __init__(self, server: Server, stack: contextlib.AsyncExitStack) -> None:
        self._server = server
        self._stack = stack
        self._phones: dict[str, Phone] = {}

    async def do(self, request: Arguments) -> object:
        """Do what one request says, and return its result.

        :raises ValueError: it asks for what there is not.
        """
        verb, arguments = request.get("do"), dict(request.get("with") or {})
        if "phone" in request:
            return await self._steer(request["phone"], verb, arguments)
        if verb == "phone":
            await self._register(**arguments)
            return None
        if verb == "log":
            return self._server.log
        raise ValueError(f"no such request: {verb!r}")

    async def _register(self, name: str) -> None:
        if name not in self._server.config.phones:
            raise ValueError(f"no phone is named {name!r}")
        if name not in self._phones:
            entered = self._stack.enter_async_context(self._server.phone(name))
            self._phones[name] = await entered

    async def _steer(self, name: str, verb: object, arguments: Arguments) -> object:
        if verb not in VERBS:
            raise ValueError(f"phones can not {verb!r}")
        if name not in self._phones:
            raise ValueError(f"the phone {name!r} was not asked for")
        if "file" in arguments:
            arguments[SOUND_ARGUMENTS[str(verb)]] = Path(arguments.pop("file"))
        async with asyncio.timeout(LONGEST_S + arguments.get("timeout", 0)):
            done = getattr(self._phones[name], str(verb))(**arguments)
            result = await done if inspect.isawaitable(done) else done
        return None if isinstance(result, Call) else result


def read_request(line: bytes) -> Arguments:
    """Return what a line asks for.

    :raises ValueError: it is no object in JSON.
    """
    request = json.loads(line)
    if not isinstance(request, dict) or not isinstance(request.get("with") or {}, dict):
        raise ValueError("a request is an object, and so is its member with")
    return request


def make_server(arguments: Arguments) -> Server:
    """Return the server that ``start`` describes.

    :raises TypeError: it has unknown members.
    """
    members = dict(arguments)
    for name in ("sounds", "executable"):
        if members.get(name) is not None:
            members[name] = Path(members[name])
    if "phones" in members:
        members["phones"] = tuple(members["phones"])
    return Server(ServerConfig(**members))


def describe(server: Server) -> Arguments:
    """Return what a program needs to know of a server that runs."""
    return {
        "url": server.url,
        "user": USER,
        "password": server.password,
        "sip_port": server.sip_port,
        "folder": str(server.folder),
        "sounds": str(server.sounds),
        "recordings": str(server.recordings),
    }


def failure(error: Exception) -> Arguments:
    """Return the error of an answer."""
    told: Arguments = {"kind": type(error).__name__, "message": str(error) or repr(error)}
    if isinstance(error, CallFailed):
        told["status"] = error.status
    return told


def tell(request: Arguments, **answer: object) -> None:
    """Write an answer; nobody may be left to read it."""
    with contextlib.suppress(BrokenPipeError):
        print(json.dumps({"id": request.get("id"), **answer}), flush=True)


async def serve() -> int:
    """Be steered by the standard input until it ends; return the exit code."""
    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader(LINE_LIMIT)
    transport, _ = await loop.connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(reader), sys.stdin
    )
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, transport.close)
    first: Arguments = {}
    try:
        first = read_request(await reader.readline())
        if first.get("do") != "start":
            raise ValueError("the first request must be start")
        server = make_server(first.get("with") or {})
    except (TypeError, ValueError) as error:
        tell(first, error=failure(error))
        return 2
    try:
        server.start()
    except (OSError, RuntimeError) as error:
        tell(first, error=failure(error))
        server.stop()
        return 1
    try:
        tell(first, result=describe(server))
        await _follow(reader, server)
    finally:
        code = server.stop()
    return code


async def _follow(reader: asyncio.StreamReader, server: Server) -> None:
    """Do what the requests say, several at once, until there are no more."""
    under_way: set[asyncio.Task[None]] = set()
    async with contextlib.AsyncExitStack() as stack, asyncio.TaskGroup() as group:
        remote = Remote(server, stack)
        while line := await reader.readline():
            try:
                request = read_request(line)
            except ValueError as error:
                tell({}, error=failure(error))
                continue
            if len(under_way) >= MOST_AT_ONCE:
                tell(request, error={"kind": "RuntimeError", "message": "too much at once"})
                continue
            task = group.create_task(_answer(remote, request))
            under_way.add(task)
            task.add_done_callback(under_way.discard)
        for task in under_way:
            task.cancel()


async def _answer(remote: Remote, request: Arguments) -> None:
    try:
        result = await remote.do(request)
    except Exception as error:
        tell(request, error=failure(error))
    else:
        tell(request, result=result)


if __name__ == "__main__":
    sys.exit(asyncio.run(serve()))
