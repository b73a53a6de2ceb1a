"""Dial(): call somebody and connect both."""

from __future__ import annotations

from server.base.causes import Cause
from server.base.errors import ChannelHungUp
from server.dialplan.apps.subroutines import run_subroutine
from server.dialplan.arguments import Options, argument, parse_options, split_arguments
from server.dialplan.conversation import Conversation
from server.dialplan.dialling import Ringing, is_ours, subroutine_of
from server.dialplan.executor import Call
from server.dialplan.handover import go_on_after_bridge, option_position, send_peer_away, start_at
from server.dialplan.hangup_handlers import run_h_at_end
from server.dialplan.media import find_prompts, split_names
from server.dialplan.numbers import parse_seconds
from server.dialplan.privacy import Screening
from server.dialplan.registry import application
from server.media.players import Player
from server.resources.channel import Channel
from server.resources.controlled import EndedBy
from server.resources.dialing import DialAttempt, DialStatus

OPTIONS = "ABCDEFGHIKLNOPQRSTUWXabcdefghijkmnoprstuwxz"
MAX_DESTINATIONS = 128

_RESULTS = ("DIALEDTIME", "DIALEDTIME_MS", "ANSWEREDTIME", "ANSWEREDTIME_MS", "RINGTIME",
            "RINGTIME_MS", "PROGRESSTIME", "PROGRESSTIME_MS", "DIALEDPEERNAME",
            "DIALEDPEERNUMBER", "DIALSTATUS", "FORWARDERNAME")  # fmt: skip


@application("Dial")
async def dial(call: Call, data: str) -> None:
    """Dial(Technology/resource&..., timeout^progress timeout, options): sets DIALSTATUS and more.

    Options::

        A(x:y)       announce to the called and the calling party
        a            answer the caller at once
        B(x^y^z) b() subroutines before it rings, on the caller and on the called channels
        C            start the call's record anew
        c            to whom it stops ringing, the call was answered elsewhere
        D(x:y:z)     send digits to the called and the calling party after the answer, and to
                     the called one before it
        d            a digit of the caller leaves for that extension
        e            the called party runs h when it ends
        F(x^y^z)     the called party goes there when the caller hangs up
        f(x)         who calls, as forwarded parties see it: x, or this extension
        G(x^y^z)     after the answer both go into the dialplan
        g            go on when the called party hangs up
        H h          the calling or called party may end it by a digit
        I            don't tell the caller whom it reaches
        i            don't follow redirections
        K k          the calling or called party may park the other (there are no parking lots yet)
        L(x:y:z) S() limits
        m(class)     music while it rings
        N n P(x) p   screening; see privacy.py
        o(x)         who is called, as its channel shows it: x, or who calls
        Q(cause)     why the others stop ringing once one answers
        r(tone) R    ringing even without the far end's; R lets early media through
        s(x) u(x)    tag and presentation that go with f
        T t          the calling or called party may transfer the other
        U(x^arg)     a subroutine on the called channel after the answer; see GOSUB_RESULT
        W w X x      the calling or called party may record the call
        z            a redirection ends the timeout

    ``E``, ``j`` and ``O`` concern hardware and video, and change nothing here.
    """
    await run_dial(call, split_arguments(data))


async def run_dial(call: Call, arguments: list[str]) -> None:
    """Do what Dial() does.

    :raises ChannelHungUp: the call is over, or is to end.
    """
    channel = call.channel
    for name in _RESULTS:
        if channel.variables.get(name) is not None:
            channel.variables.remove(name)
    destinations = [each.strip() for each in argument(arguments, 0).split("&") if each.strip()]
    if not destinations or len(destinations) > MAX_DESTINATIONS:
        call.report(f"Dial requires 1 to {MAX_DESTINATIONS} times technology/resource")
        channel.variables.set("DIALSTATUS", "INVALIDARGS")
        raise ChannelHungUp(channel.hangup_cause)
    options = parse_options(argument(arguments, 2), OPTIONS, "Dial", call.where)
    if "C" in options and "resetcdr" in call.dialplan.registry.applications:
        await call.start_application("ResetCDR", "")
    await _Dial(call, options).run(destinations, argument(arguments, 1))


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
        self._screening = Screening(call, options)
        self._status = ""  # DIALSTATUS, where it is none of the ringing

    async def run(self, destinations: list[str], timeouts: str) -> None:
        """Call, and talk to who answers."""
        timeout, _, progress_timeout = timeouts.partition("^")
        if "a" in self._options:
            self._channel.answer()
        try:
            self._status = await self._screening.prepare()
            if self._status:
                return
            if "B" in self._options:
                await run_subroutine(self._call, subroutine_of(self._options.get("B")))
            self._started_at = self._clock.now()
            winner = await self._ringing.run(
                destinations, parse_seconds(timeout), parse_seconds(progress_timeout)
            )
            self._end_waiting()
            if winner is None:
                self._leave_by_digit()
                return
            await self._talk(winner)
        finally:
            self._set_results()
            await self._screening.close(is_answered=self._answered_at is not None)

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
        self._set("DIALSTATUS", self._status or ringing.status.value)
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
            if await self._refuses(peer):
                return
            await self._prepare(peer)
            if "U" in self._options and await self._screen(peer):
                return
            if "G" in self._options:
                is_handed_over = self._send_both_away(peer)
                return
            if "e" in self._options:
                run_h_at_end(self._call.dialplan, peer, self._channel.context, self._channel.exten)
            await Conversation(self._call, peer, self._options).run()
            is_handed_over = go_on_after_bridge(self._call, peer)
        except ChannelHungUp:
            is_handed_over = send_peer_away(self._call, peer, self._options)
            raise
        finally:
            if not is_handed_over and is_ours(peer):
                peer.hangup(Cause.NORMAL_CLEARING, EndedBy.DIALPLAN)
        if "g" not in self._options and not self._call.has_jumped:
            raise ChannelHungUp(Cause.NORMAL_CLEARING)

    def _name_peer(self, winner: DialAttempt) -> None:
        peer = winner.channel
        self._set("DIALSTATUS", DialStatus.ANSWER.value)
        self._set("DIALEDPEERNAME", peer.name)
        self._set("DIALEDPEERNUMBER", winner.dial_string)
        self._set("BRIDGEPEER", peer.name)
        peer.variables.set("BRIDGEPEER", self._channel.name)
        peer.variables.set("DIALEDPEERNUMBER", winner.dial_string)

    async def _refuses(self, peer: Channel) -> bool:
        """Let the called party screen the call; tell whether it refuses."""
        try:
            self._status = await self._screening.ask(peer)
        except ChannelHungUp:
            if self._channel.is_hungup:
                raise
            self._status = DialStatus.NOANSWER.value
        return bool(self._status)

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
        position = option_position(self._call, self._options, "G")
        if position is None:
            return False
        context, exten, priority = position
        self._call.jump(context, exten, priority)
        return start_at(self._call, peer, (context, exten, priority + 1))
