"""Invariant: whatever a manager client sends, in whatever pieces, the same messages come out, their
headers hold no control characters, and answers are lines that parse; nothing is raised.

Run as ``python -m tests.fuzz.fuzz_ami [seconds]``.
"""

from __future__ import annotations

import asyncio
import logging
import random
import sys
import tempfile
from pathlib import Path

from server.ami.protocol import BadMessage, FrameReader, Message
from tests.fuzz.mutation import run
from tests.support.ami import AmiUnderTest, Client, parse

CORPUS = [
    b"Action: Login\r\nUsername: admin\r\nSecret: s3cret\r\n\r\nAction: Ping\r\n\r\n",
    b"Action: Originate\nChannel: PJSIP/bob\nVariable: A=1,B=2\nVariable: C\nAsync: 1\n\n",
    b"Action: Filter\r\nOperation: Add\r\nFilter: !Event: Newexten\r\n\r\n" * 2,
    b"Action: Setvar\nVariable: HASH(a,b)\nValue: x\n\nAction: Getvar\nVariable: A\n\n",
    b"Action: UserEvent\nUserEvent: x\nA b: c\n: d\n\nAction: Events\nEventMask: 7\n\n",
    b"Action: Hangup\r\nChannel: /^PJSIP/\r\nCause: 17\r\n\r\nAction: Status\r\n\r\n",
]
TOKENS = [b"\r\n", b"\r\n\r\n", b"\n", b":", b": ", b"\0", b"\xff", b"x" * 9000, b"A: b\r\n" * 200]
TOKENS += [b"ActionID: 1\r\n", b"/(/", b"${SHELL(id)}", b"\x1b[", b"\xe2\x80\xa8", b"Action: \r\n"]


def read(data: bytes, cuts: random.Random | None) -> list[Message | BadMessage]:
    """Read *data*, in pieces if *cuts* is given."""
    reader, found, at = FrameReader(), [], 0
    while at < len(data):
        step = cuts.choice((1, 7, 100, 9000)) if cuts is not None else len(data)
        found += reader.feed(data[at : at + step])
        at += step
    return found


async def exercise(ami: AmiUnderTest, data: bytes, cuts: random.Random) -> None:
    """Feed a session and check what it says."""
    whole = read(data, None)
    shown = [each.headers if isinstance(each, Message) else each for each in whole]
    pieces = [each.headers if isinstance(each, Message) else each for each in read(data, cuts)]
    assert shown == pieces
    for message in whole:
        for header in message.headers if isinstance(message, Message) else ():
            assert not {"\r", "\n", "\0"} & {*"".join(header)}
    client = Client(ami.server)
    client.session.log_in(ami.server.accounts["admin"], 0)
    client.session.handle(whole)
    for _ in range(50):
        await asyncio.sleep(0)
    assert "Internal error" not in client.text
    assert all("Response" in block or "Event" in block for block in parse(client.text))
    client.session.close()


def main(seconds: float, seed: int = 0) -> int:
    """Fuzz for some seconds; returns the number of inputs."""
    cuts = random.Random(seed)
    with tempfile.TemporaryDirectory() as name, asyncio.Runner() as runner:
        ami = runner.run(_start(Path(name)))
        try:
            return run(
                seconds, lambda data: runner.run(exercise(ami, data, cuts)), CORPUS, TOKENS, seed
            )
        finally:
            runner.run(ami.close())


async def _start(directory: Path) -> AmiUnderTest:
    ami = AmiUnderTest(directory)
    await ami.start()
    ami.load("exten => s,1,Wait(60)")
    return ami


if __name__ == "__main__":
    logging.disable()  # every mistake of a client is a security event
    print(f"{main(float(sys.argv[1]) if len(sys.argv) > 1 else 10)} inputs")
