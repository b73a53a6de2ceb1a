"""Invariant: any bytes give a SIP message or RemoteProtocolError, and so does every typed accessor;
a message that was understood can be written, read again, answered and given to the transactions.

Run as ``python -m tests.fuzz.fuzz_sip [seconds] [seed]``.
"""

from __future__ import annotations

import sys

from server.base.errors import RemoteProtocolError
from server.sip.auth import Credentials, DigestClient, DigestServer
from server.sip.framing import StreamFramer
from server.sip.message import Message, Request, Response, parse_message
from server.sip.refer import ReferTarget, Replaces, parse_sipfrag
from server.sip.transaction import TransactionLayer
from tests.fuzz.mutation import run, seeds
from tests.support.playbook import UDP

ACCESSORS = [
    name
    for name in dir(Message)
    if not name.startswith("_")
    and name not in ("encode", "validate", "set_body", "push_via", "headers", "body", "version")
]
TOKENS = [
    b"\r\n", b"\r\n ", b"\n", b"\r", b"\0", b";", b",", b'"', b"\\", b"<", b">", b"@", b":", b"?",
    b"=", b"%", b"%00", b"[::1]", b"[", b"sip:", b"tel:", b"SIP/2.0", b"Via: ", b"v:", b"*",
    b"Content-Length: 5\r\n", b"4294967296", b"-1", b"\xff", b"\xc3\xa9", b";tag=", b";rport",
    b"Refer-To: <sip:a@b?Replaces=x%3Bto-tag%3D1%3Bfrom-tag%3D2>\r\n", b"%3B",
    b"Replaces: x;to-tag=1;from-tag=2\r\n",
    b"Digest realm=\"x\",nonce=\"y\"", b"Authorization: ", b"To: ", b"CANCEL", b"ACK",
]  # fmt: skip
ALICE = Credentials("alice", "secret")
SERVER = DigestServer(b"secret", algorithms=("MD5", "SHA-256"))


def exercise(data: bytes) -> None:
    """Raise if the invariant does not hold for *data*."""
    try:
        StreamFramer().feed(data)
    except RemoteProtocolError:
        pass
    try:
        message = parse_message(data)
    except RemoteProtocolError:
        return
    for name in ACCESSORS:
        try:
            getattr(message, name)
        except RemoteProtocolError:
            pass
    again = parse_message(message.encode())
    assert list(again.headers.items()) == list(message.headers.items())
    assert again.body == message.body
    _rewrite(message)
    _refer(message)
    _use(message)


def _refer(message: Request | Response) -> None:
    """What transfers read is understood or refused."""
    readers = [lambda: parse_sipfrag(message.content_type, message.body)]
    if isinstance(message, Request):
        readers += [lambda: ReferTarget.of_request(message), lambda: Replaces.of_request(message)]
    for read in readers:
        try:
            read()
        except RemoteProtocolError:
            pass


def _rewrite(message: Request | Response) -> None:
    """Typed values can be written back, and mean the same."""
    for name in ("vias", "contacts", "routes", "from_", "to", "cseq", "session_expires", "rack"):
        try:
            value = getattr(message, name)
        except RemoteProtocolError:
            continue
        if value and name != "contacts":
            setattr(message, name, value)
            message.headers.typed.clear()
            assert getattr(message, name) == value, name


def _use(message: Request | Response) -> None:
    layer = TransactionLayer()
    if isinstance(message, Request):
        SERVER.verify(message, "x", ALICE, 0.0)
        try:
            message.validate()
        except RemoteProtocolError:
            pass
        else:
            message.response(200, to_tag="t").encode()
    else:
        request = Request("OPTIONS", parse_message(_OPTIONS).uri)  # type: ignore[union-attr]
        DigestClient([ALICE]).authorize(request, message)
        request.encode()
    layer.receive(message, UDP, 0.0)
    for _, answer in layer.messages_to_send():
        parse_message(answer)


_OPTIONS = b"OPTIONS sip:h SIP/2.0\r\n\r\n"


def main(seconds: float, seed: int = 0) -> int:
    """Fuzz for some seconds; returns the number of rounds."""
    return run(seconds, exercise, seeds("sip/*.sip") + seeds("regressions/*.sip"), TOKENS, seed)


if __name__ == "__main__":
    arguments = [float(argument) for argument in sys.argv[1:]]
    print(main(arguments[0] if arguments else 10.0, int(arguments[1]) if arguments[1:] else 0))
