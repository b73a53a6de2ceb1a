"""Dials the demo with a scripted phone, presses keys, and keeps what was heard.

Needs the server that ``make run`` starts. Leaves ``var/call.wav``.
"""

from __future__ import annotations

import argparse
import array
import asyncio
import sys
from pathlib import Path

from first_config import ROOT, SOUNDS, read_access

sys.path.insert(0, str(ROOT / "sdk/python/src"))
from arion.testing import RATE, CallFailed, Phone, read_wav, write_wav

VAR = ROOT / "var"
SPEECH = SOUNDS / "sounds/en/hello-world.wav"
USER = "alice"
ANSWER_S = 10.0
LISTEN_S = 4.0  # to the greeting and the menu
REPLAY_S = 6.0  # to "your message has been saved" and the message
BEEP_S = 6.5  # vm-intro: the instructions and the tone before a recording


async def leave_a_message(phone: Phone, number: str) -> array.array[int]:
    """Call, leave a message, hear it again; return all that was heard."""
    call = await phone.call(number, timeout=ANSWER_S)
    print(f"{number} answered; listening for {LISTEN_S:.0f} s")
    await asyncio.sleep(LISTEN_S)
    print("pressing 2: leave a message")
    await call.audio.press("2")
    await asyncio.sleep(BEEP_S)
    print(f"speaking {SPEECH.name}, then #")
    await call.audio.say(read_wav(SPEECH))
    await call.audio.press("#")
    await asyncio.sleep(REPLAY_S)
    print("pressing #: goodbye")
    await call.audio.press("#")
    try:
        await asyncio.wait_for(call.ended.wait(), 10)
    except TimeoutError:
        await call.hangup()
    print(f"the call is over: {call.end_reason}")
    return call.audio.heard


async def main() -> int:
    """Make the call; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--var", type=Path, default=VAR, help="the server's var folder")
    parser.add_argument("--dial", default="1000", help="default: %(default)s")
    arguments = parser.parse_args()
    if not (arguments.var / "etc/pjsip.conf").exists():
        print("call: no configuration yet; start the server with: make run", file=sys.stderr)
        return 1
    access = read_access(arguments.var / "etc")
    server = ("127.0.0.1", access.sip_port)
    try:
        async with Phone(USER, access.phones[USER], server=server) as phone:
            heard = await leave_a_message(phone, arguments.dial)
    except CallFailed as error:
        print(f"call: {arguments.dial} was refused: {error}; does the server run?", file=sys.stderr)
        return 1
    target = arguments.var / "call.wav"
    write_wav(target, heard)
    print(f"heard {len(heard) / RATE:.1f} s: {target}")
    return 0


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
