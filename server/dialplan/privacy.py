"""Screening of calls: Dial()'s options ``p`` and ``P``.

Who calls is asked for a name, who is called hears it and decides. With ``P`` the decision is kept
in the database, family ``privacy``: for this caller the question is not asked again.
"""

from __future__ import annotations

import asyncio
from enum import StrEnum
from pathlib import Path

from server.dialplan.arguments import Options
from server.dialplan.executor import Call
from server.dialplan.features.prompts import play
from server.dialplan.numbers import parse_integer
from server.resources.channel import Channel

FAMILY = "privacy"
INTRODUCTIONS = "priv-callerintros"  # below the sounds
INTRODUCTION_SECONDS = 4
ASK_TIMEOUT = 6.0  # seconds for the called party to press a digit, each time
MAX_ASKED = 3
NO_ANSWER, TORTURE, DONT_CALL = "NOANSWER", "TORTURE", "DONTCALL"


class Decision(StrEnum):
    """What the database says of a caller."""

    ALLOW = "allow"
    DENY = "deny"
    KILL = "kill"
    TORTURE = "torture"
    UNKNOWN = "unknown"


_STATUS = {Decision.DENY: NO_ANSWER, Decision.KILL: DONT_CALL, Decision.TORTURE: TORTURE}
_CHOICES = {"2": (NO_ANSWER, Decision.DENY), "3": (TORTURE, Decision.TORTURE),
            "4": (DONT_CALL, Decision.KILL)}  # fmt: skip


class Screening:
    """The screening of one call; *options* are Dial()'s."""

    def __init__(self, call: Call, options: Options) -> None:
        self._call = call
        self._options = options
        self._has_number = bool(call.channel.caller.number)
        self._introduction: Path | None = None
        self._is_open = "p" in options or "P" in options

    @property
    def _keeps_decisions(self) -> bool:
        return "P" in self._options

    @property
    def _number(self) -> str:
        return _key_of(self._call.channel)

    @property
    def _key(self) -> str:
        return f"{self._options.get('P') or self._call.channel.exten}/{self._number}"

    async def prepare(self) -> str:
        """Look the caller up and let them say their name.

        :returns: the DIALSTATUS that the call already ends with, or an empty text.
        :raises ChannelHungUp: the caller hung up.
        """
        if not self._is_open:
            return ""
        if "N" in self._options and self._has_number:
            self._is_open = False
            return ""
        if self._keeps_decisions:
            decision = self._stored()
            if decision in _STATUS:
                return _STATUS[decision]
            if decision is Decision.ALLOW:
                self._is_open = False
                return ""
        await self._record_introduction()
        return ""

    async def ask(self, peer: Channel) -> str:
        """Let the called party decide.

        :returns: the DIALSTATUS of a call that is refused, or an empty text.
        :raises ChannelHungUp: one of the two hung up; ask which.
        """
        if not self._is_open:
            return ""
        digit = await self._call.channel.wait(self._ask(peer))
        if digit == "1":
            return ""
        if digit == "5" and self._keeps_decisions:
            self._store(Decision.ALLOW)
            return ""
        status, decision = _CHOICES.get(digit, (NO_ANSWER, None))
        if self._keeps_decisions and decision is not None:
            self._store(decision)
        return status

    # private

    async def _ask(self, peer: Channel) -> str:
        question = "priv-callee-options" if self._keeps_decisions else "screen-callee-options"
        choices = "12345" if self._keeps_decisions else "1234"
        peer.flush_digits()
        for _time in range(MAX_ASKED):
            await play(peer, "priv-callpending")
            await play(peer, self._introduction_prompt())
            await play(peer, question)
            digit = await peer.wait_digit(ASK_TIMEOUT)
            if digit is not None and digit in choices:
                return digit
            await play(peer, "vm-sorry")
        return ""

    def _introduction_prompt(self) -> str:
        return f"{INTRODUCTIONS}/{self._number}" if self._introduction is not None else ""

    async def _record_introduction(self) -> None:
        """Record the caller's name, unless it was recorded before."""
        base = self._call.dialplan.recording_dir / INTRODUCTIONS
        path = base / f"{self._number}.sln"
        if not await asyncio.to_thread(path.exists):
            await asyncio.to_thread(base.mkdir, 0o777, True, True)
            self._call.channel.answer()
            await play(self._call.channel, "priv-recordintro")
            data = f"{path},2,{INTRODUCTION_SECONDS},q"
            await self._call.start_application("Record", data)
        if await asyncio.to_thread(path.exists):
            self._introduction = path

    async def close(self, *, is_answered: bool) -> None:
        """Delete the introduction, if option ``n`` says so."""
        path = self._introduction
        always = parse_integer(self._options.get("n")) == 1
        if path is not None and "n" in self._options and (is_answered or always):
            await asyncio.to_thread(path.unlink, True)

    def _stored(self) -> Decision:
        store = self._call.dialplan.store
        value = store.get(FAMILY, self._key) if store is not None else None
        try:
            return Decision(value or "unknown")
        except ValueError:
            return Decision.UNKNOWN

    def _store(self, decision: Decision) -> None:
        store = self._call.dialplan.store
        if store is not None:
            store.put(FAMILY, self._key, decision.value)


def _key_of(channel: Channel) -> str:
    """Return what a caller is known by, fit for a file name and a database key."""
    number = channel.caller.number or f"NOCALLERID_{channel.exten}{channel.name}"
    return "".join(letter if letter.isalnum() or letter in "+_" else "=" for letter in number)[:80]
