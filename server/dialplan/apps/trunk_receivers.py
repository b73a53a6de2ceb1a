"""ReceiveMF() and ReceiveSF(): digits that come as tones of a trunk."""

from __future__ import annotations

from collections.abc import Callable

from server.base.errors import ChannelHungUp
from server.dialplan.arguments import Options, argument, parse_options, split_arguments
from server.dialplan.executor import Call
from server.dialplan.hearing import Ear, deadline_after, is_past
from server.dialplan.numbers import parse_integer, parse_seconds
from server.dialplan.registry import application
from server.dialplan.trunk_digits import MF_HZ, SF_HZ, STARTS, MfReceiver, SfReceiver
from server.media.scans import NEVER_LOUD, Heard, ScanSettings

MF_OPTIONS = "dlkmnoqrs"
SF_OPTIONS = "demqr"
MAX_DIGITS = 250
WINDOW_MS = 20

_NO_EFFECT = "dmqr"  # of delays, muting and looser limits: the audio is not changed here


@application("ReceiveMF")
async def receive_mf(call: Call, data: str) -> None:
    """ReceiveMF(variable, timeout s, options): digits from KP to ST; sets RECEIVEMFSTATUS.

    Options: ``l`` also digits before KP, ``k`` ``s`` without a character for KP and ST, ``n(max)``,
    ``o`` KP begins anew.
    """
    arguments = split_arguments(data)
    options = parse_options(argument(arguments, 2), MF_OPTIONS, "ReceiveMF", call.where)
    limit = parse_integer(options.get("n")) or MAX_DIGITS
    dialled = _Dialled(options, min(max(limit, 1), MAX_DIGITS))
    settings = ScanSettings(
        MF_HZ,
        threshold=NEVER_LOUD,
        window_ms=WINDOW_MS,
        share=0.25,
        interval_ms=WINDOW_MS,
        repeats_idle=False,
    )
    timeout = parse_seconds(argument(arguments, 1))
    receiver = _Receiver(call, "ReceiveMF", "RECEIVEMFSTATUS", argument(arguments, 0), options)
    await receiver.run(settings, MfReceiver().hear, dialled, timeout)


@application("ReceiveSF")
async def receive_sf(call: Call, data: str) -> None:
    """ReceiveSF(variable, digits, timeout s, Hz, options): so many digits; sets RECEIVESFSTATUS.

    Option ``e`` allows eleven and twelve pulses, ``*`` and ``#``.
    """
    arguments = split_arguments(data)
    options = parse_options(argument(arguments, 4), SF_OPTIONS, "ReceiveSF", call.where)
    limit = parse_integer(argument(arguments, 1)) or MAX_DIGITS
    hz = parse_integer(argument(arguments, 3)) or SF_HZ
    hz = hz if 1 <= hz <= 3_999 else SF_HZ
    settings = ScanSettings((hz,), window_ms=WINDOW_MS, share=0.3, interval_ms=WINDOW_MS)
    sf = SfReceiver()

    def hear(heard: Heard) -> str:
        digit = sf.hear(heard)
        return digit if digit.isdigit() or "e" in options else ""

    dialled = _Dialled(None, min(max(limit, 1), MAX_DIGITS))
    receiver = _Receiver(call, "ReceiveSF", "RECEIVESFSTATUS", argument(arguments, 0), options)
    await receiver.run(settings, hear, dialled, parse_seconds(argument(arguments, 2)))


class _Dialled:
    """The digits so far, and whether they are complete.

    :param options: of ReceiveMF; ``None``: every digit is one.
    """

    def __init__(self, options: Options | None, limit: int) -> None:
        self._options = options
        self._limit = limit
        self._is_open = options is None or "l" in options
        self.text = ""

    def add(self, digit: str) -> str:
        """Take a digit; return the status that it leads to, or an empty text."""
        options = self._options
        if options is not None:
            if digit == "*":
                self._begin(options)
            if not self._is_open or (digit == "*" and "k" in options):
                return ""
            if digit in STARTS:
                self.text += "" if "s" in options else digit
                return "START"
        self.text += digit
        return "MAXDIGITS" if len(self.text) >= self._limit else ""

    def _begin(self, options: Options) -> None:
        self._is_open = True
        if "o" in options:
            self.text = ""


class _Receiver:
    def __init__(self, call: Call, name: str, status: str, variable: str, options: Options) -> None:
        self._call = call
        self._name = name
        self._status = status
        self._variable = variable
        idle = sorted(set(options.flags) & set(_NO_EFFECT))
        if idle:
            call.report(f"{name}: option {', '.join(idle)} has no effect")

    async def run(
        self,
        settings: ScanSettings,
        hear: Callable[[Heard], str],
        dialled: _Dialled,
        timeout: float,
    ) -> None:
        variables = self._call.channel.variables
        if not self._variable:
            self._call.report(f"{self._name} requires a variable")
            variables.set(self._status, "ERROR")
            return
        status = "HANGUP"
        try:
            status = await self._listen(settings, hear, dialled, deadline_after(timeout))
        except ChannelHungUp:
            status = "HANGUP"
            raise
        finally:
            self._call.set(self._variable, dialled.text)
            variables.set(self._status, status)

    async def _listen(
        self,
        settings: ScanSettings,
        hear: Callable[[Heard], str],
        dialled: _Dialled,
        deadline: float | None,
    ) -> str:
        with Ear(self._call.channel, settings) as ear:
            while True:
                heard = await ear.listen(deadline)
                if heard is None or is_past(deadline):
                    return "TIMEOUT"
                digit = hear(heard)
                if digit and (status := dialled.add(digit)):
                    return status
