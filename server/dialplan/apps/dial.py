"""Dial(): call somebody and connect both."""

from __future__ import annotations

from server.base.causes import Cause
from server.base.errors import ChannelHungUp
from server.dialplan.apps.subroutines import run_subroutine
from server.dialplan.arguments import Options, Target, argument, parse_options, split_arguments
from server.dialplan.conversation import Conversation, Outcome
from server.dialplan.dialling import Ringing, is_ours, subroutine_of
from server.dialplan.executor import Call
from server.dialplan.media import find_prompts, split_names
from server.dialplan.numbers import parse_seconds
from server.dialplan.registry import application
from server.media.players import Player
from server.resources.channel import Channel, EndedBy
from server.resources.dialing import DialAttempt, DialStatus

OPTIONS = "AabBcdDFgGhHiLmrStTU"
MAX_DESTINATIONS = 128

_RESULTS = ("DIALEDTIME", "DIALEDTIME_MS", "ANSWEREDTIME", "ANSWEREDTIME_MS", "RINGTIME",
            "RINGTIME_MS", "PROGRESSTIME", "PROGRESSTIME_MS", "DIALEDPEERNAME",
            "DIALEDPEERNUMBER", "DIALSTATUS", "FORWARDERNAME")  # fmt: skip


@application("Dial")
async def dial(call: Call, data: str) -> None:
    """Dial(Technology/resource&..., timeout, options): sets DIALSTATUS and its like.

    Options::

        A(x:y)       announce to the called and the calling party
        a            answer the caller at once
        B(x^y^z) b() subroutines before it rings, on the caller and on the called channels
        c            to whom it stops ringing, the call was answered elsewhere
        D(x:y)       send digits to the called and the calling party after the answer
        d            a digit of the caller leaves for that extension
        F(x^y^z)     the called party goes there when the caller hangs up
        G(x^y^z)     after the answer both go into the dialplan
        g            go on when the called party hangs up
        H h          the calling or called party may end it by *
        i            don't follow redirections
        L(ms) S(s)   limits
        m(class)     music while it rings
        r(tone)      ringing even without the far end's
        T t          the calling or called party may transfer the other by #
        U(x^arg)     a subroutine on the called channel after the answer; see GOSUB_RESULT
    """
    channel = call.channel
    arguments = split_arguments(data)
    for name in _RESULTS:
        if channel.variables.get(name) is not None:
            channel.variables.remove(name)
    destinations = [each.strip() for each in argument(arguments, 0).split("&") if each.strip()]
    if not destinations or len(destinations) > MAX_DESTINATIONS:
        call.report(f"Dial requires 1 to {MAX_DESTINATIONS} times technology/resource")
        channel.variables.set("DIALSTATUS", "INVALIDARGS")
        raise ChannelHungUp(channel.hangup_cause)
    options = parse_options(argument(arguments, 2), OPTIONS, "Dial", call.where)
    timeout = parse_seconds(argument(arguments, 1).partition("^")[0])
    await _Dial(call, options).run(destinations, timeout)


class _Dial:
    """One Dial() from the first ring to the last word."""

    def __init__(self, call: Call, options: Options) -> None:
        self._call = call
        self._channel = call.channel
        self._options = options
        self._clock = call.dialplan.node.clock
        self._started_at = self._clock.now()
        self._answered_at: float | None = None
        self._ringing = Ringing(call, options)

    async def run(self, destinations: list[str], timeout: float) -> None:
        if "a" in self._options:
            self._channel.answer()
        if "B" in self._options:
            await run_subroutine(self._call, subroutine_of(self._options.get("B")))
        try:
            winner = await self._ringing.run(destinations, timeout)
            self._end_waiting()
            if winner is None:
                self._leave_by_digit()
                return
            await self._talk(winner)
        finally:
            self._set_results()

    def _end_waiting(self) -> None:
        self._channel.set_background(None)
        self._channel.flush_digits()

    def _leave_by_digit(self) -> None:
        digit = self._ringing.exit_digit
        context = self._call.get("EXITCONTEXT") or self._channel.context
        if digit and "d" in self._options and self._call.exists(digit, 1, context):
            self._call.jump(context, digit, 1)

    def _set_results(self) -> None:
        now = self._clock.now()
        ringing, started = self._ringing, self._started_at
        self._set("DIALSTATUS", ringing.status.value)
        self._set_time("DIALEDTIME", now - started)
        if ringing.ringing_at is not None:
            self._set_time("RINGTIME", ringing.ringing_at - started)
        if ringing.progress_at is not None:
            self._set_time("PROGRESSTIME", ringing.progress_at - started)
        if self._answered_at is not None:
            self._set_time("ANSWEREDTIME", now - self._answered_at)

    def _set(self, name: str, value: str) -> None:
        self._channel.variables.set(name, value)

    def _set_time(self, name: str, seconds: float) -> None:
        self._set(name, str(int(seconds)))
        self._set(f"{name}_MS", str(int(seconds * 1000)))

    # after the answer

    async def _talk(self, winner: DialAttempt) -> None:
        """Connect both until one leaves; whatever happens, nobody is left hanging."""
        peer = winner.channel
        is_handed_over = False
        try:
            self._answered_at = self._clock.now()
            self._channel.answer()
            self._name_peer(winner)
            await self._prepare(peer)
            if "U" in self._options and await self._screen(peer):
                return
            if "G" in self._options:
                is_handed_over = self._send_both_away(peer)
                return
            outcome = await Conversation(self._call, peer, self._options).run()
            is_handed_over = outcome is Outcome.PEER_TRANSFERRED
        except ChannelHungUp:
            is_handed_over = self._send_peer_away(peer)
            raise
        finally:
            if not is_handed_over and is_ours(peer):
                peer.hangup(Cause.NORMAL_CLEARING, EndedBy.DIALPLAN)
        if "g" not in self._options and outcome is not Outcome.CALLER_TRANSFERRED:
            raise ChannelHungUp(Cause.NORMAL_CLEARING)

    def _name_peer(self, winner: DialAttempt) -> None:
        peer = winner.channel
        self._set("DIALSTATUS", DialStatus.ANSWER.value)
        self._set("DIALEDPEERNAME", peer.name)
        self._set("DIALEDPEERNUMBER", winner.dial_string)
        self._set("BRIDGEPEER", peer.name)
        peer.variables.set("BRIDGEPEER", self._channel.name)
        peer.variables.set("DIALEDPEERNUMBER", winner.dial_string)

    async def _prepare(self, peer: Channel) -> None:
        """Announce, and send digits."""
        if "A" in self._options:
            to_peer, _, to_caller = self._options.get("A").partition(":")
            players = [
                player
                for channel, names in ((peer, to_peer), (self._channel, to_caller))
                if (player := self._announce(channel, names)) is not None
            ]
            try:
                for player in players:
                    await self._channel.wait(player.done)
            finally:
                for player in players:
                    player.stop()
        called, _, calling = self._options.get("D").partition(":")
        self._send_digits(peer, called)
        self._send_digits(self._channel, calling.partition(":")[0])

    async def _screen(self, peer: Channel) -> bool:
        """Run the subroutine of option ``U``; tell whether its result ends the connection.

        :raises ChannelHungUp: the result ends the call.
        """
        name, _, arguments = self._options.get("U").partition("^")
        target = f"{name},s,1({subroutine_of(arguments)})"
        try:
            await self._channel.wait(run_subroutine(Call(self._call.dialplan, peer), target))
        except ChannelHungUp:
            if self._channel.is_hungup:
                raise
            return False
        result = (peer.variables.get("GOSUB_RESULT") or "").strip()
        if result == "ABORT":
            raise ChannelHungUp(Cause.NORMAL_CLEARING)
        if result in ("BUSY", "CONGESTION"):
            self._ringing.status = DialStatus(result)
            return True
        if result == "CONTINUE":
            return True
        if result.startswith("GOTO:"):
            self._call.goto(result.removeprefix("GOTO:"))
            return True
        return False

    def _announce(self, channel: Channel, names: str) -> Player | None:
        sources, _missing = find_prompts(self._call, split_names(names), channel.language)
        return channel.play(sources) if sources and not channel.is_hungup else None

    def _send_digits(self, channel: Channel, digits: str) -> None:
        kept = "".join(digit for digit in digits if digit in "0123456789*#ABCDabcd")
        if kept and not channel.is_hungup:
            channel.leg.send_dtmf(kept, before_ms=0, between_ms=100, duration_ms=100, after_ms=0)

    # into the dialplan

    def _send_both_away(self, peer: Channel) -> bool:
        """Send the caller to a place and the called party to the priority after it."""
        position = self._position("G")
        if position is None:
            return False
        context, exten, priority = position
        self._call.jump(context, exten, priority)
        return self._start(peer, (context, exten, priority + 1))

    def _send_peer_away(self, peer: Channel) -> bool:
        """Send the called party on when the caller has hung up, with option F."""
        if "F" not in self._options or not is_ours(peer):
            return False
        channel = self._channel
        if not self._options.get("F"):
            return self._start(peer, (channel.context, channel.exten, channel.priority + 1))
        position = self._position("F")
        return position is not None and self._start(peer, position)

    def _start(self, peer: Channel, position: tuple[str, str, int]) -> bool:
        if not is_ours(peer):
            return False
        peer.set_position(*position)
        self._call.dialplan.start(peer)
        return True

    def _position(self, option: str) -> tuple[str, str, int] | None:
        parts = self._options.get(option).split("^")
        if not parts[-1]:
            self._call.report(f"Dial: option {option} needs a priority")
            return None
        parts = [""] * (3 - len(parts)) + parts
        target = Target(parts[0] or None, parts[1] or None, parts[2])
        position = self._call.resolve(target)
        if position is None:
            self._call.report(f"Dial: option {option}: there is no {'^'.join(parts)}")
        return position
