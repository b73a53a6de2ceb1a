"""Applications that send tones of their own: test tones, Morse code, MF and SF digits."""

from __future__ import annotations

from server.base.errors import InvalidArgument
from server.dialplan.arguments import argument, parse_options, split_arguments
from server.dialplan.executor import Call
from server.dialplan.media import play
from server.dialplan.numbers import parse_integer
from server.dialplan.registry import application
from server.dialplan.trunk_digits import (
    KP_MS,
    MF_GAP_MS,
    MF_MS,
    PAUSES_MS,
    SF_HZ,
    SF_OFF_MS,
    SF_ON_MS,
    SF_PAUSE_MS,
    ST_MS,
    check_digits,
    mf_sources,
)
from server.media.streams import SilenceSource, Source, ToneSource
from server.resources.channel import Channel

MILLIWATT_OPTIONS = "mo"
MAX_TEXT = 512  # characters of Morse code
MAX_MS = 60_000
ANSWER_S = 0.5  # before a zap: for the audio path to open

_SIT = "!950/330,!1400/330,!1800/330,!0/1000"
_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.,?'!/()&:;=+-_\"$@"
_CODES = """
    .- -... -.-. -.. . ..-. --. .... .. .--- -.- .-.. -- -. --- .--. --.- .-. ... - ..- ...- .--
    -..- -.-- --.. ----- .---- ..--- ...-- ....- ..... -.... --... ---.. ----. .-.-.- --..-- ..--..
    .----. -.-.-- -..-. -.--. -.--.- .-... ---... -.-.-. -...- .-.-. -....- ..--.- .-..-. ...-..-
    .--.-.
"""  # ITU-R M.1677, in the order of the letters
_MORSE = dict(zip(_LETTERS, _CODES.split(), strict=True))
# American Morse where it differs: "=" is a long dash, "_" a gap inside of a letter
_AMERICAN = _MORSE | {
    "C": ".._.", "F": ".-.", "J": "-.-.", "L": "=", "O": "._.", "P": ".....", "Q": "..-.",
    "R": "._..", "X": ".-..", "Y": ".._..", "Z": "..._.", "1": ".--.", "2": "..-..", "3": "...-.",
    "4": "....-", "5": "---", "6": "......", "7": "--..", "8": "-....", "9": "-..-", "0": "=",
}  # fmt: skip


@application("Milliwatt")
async def milliwatt(call: Call, data: str) -> None:
    """Milliwatt(options): a test tone of 1004 Hz until the caller hangs up.

    Options: ``m`` it pauses for a second in every ten, ``o`` 1000 Hz.
    """
    options = parse_options(data, MILLIWATT_OPTIONS, "Milliwatt", call.where)
    hz = 1000 if "o" in options else 1004
    channel = call.channel
    channel.answer()
    channel.set_background("tone", f"{hz}/9000,0/1000" if "m" in options else f"{hz}/1000")
    try:
        await channel.wait_hangup()
    finally:
        channel.set_background(None)


@application("Zapateller")
async def zapateller(call: Call, data: str) -> None:
    """Zapateller(options): special information tones against telemarketers.

    Options, joined by ``,`` or ``|``: ``answer`` first, ``nocallerid`` only who hides his number.
    Sets ZAPATELLERSTATUS to NOTHING, ANSWERED or ZAPPED.
    """
    options = set(data.replace("|", ",").split(","))
    channel = call.channel
    channel.variables.set("ZAPATELLERSTATUS", "NOTHING")
    if channel.state != "Up" and "answer" in options:
        channel.answer()
        await channel.sleep(ANSWER_S)
        channel.variables.set("ZAPATELLERSTATUS", "ANSWERED")
    if "nocallerid" in options and channel.caller.number:
        return
    await play(call, [ToneSource(_SIT)])
    channel.variables.set("ZAPATELLERSTATUS", "ZAPPED")


@application("Morsecode")
async def morse_code(call: Call, data: str) -> None:
    """Morsecode(text): by MORSEDITLEN (ms), MORSETONE, MORSESPACETONE (Hz) and MORSETYPE."""
    if not data:
        call.report("Morsecode requires a text")
        return
    variables = call.channel.variables
    dit_ms = parse_integer(variables.get("MORSEDITLEN") or "", 80)
    hz = parse_integer(variables.get("MORSETONE") or "", 800)
    space_hz = parse_integer(variables.get("MORSESPACETONE") or "")
    if not 1 <= dit_ms <= 1_000 or not 1 <= hz <= 3_999 or not 0 <= space_hz <= 3_999:
        call.report("Morsecode: a tone or length is out of range; the usual ones are taken")
        dit_ms, hz, space_hz = 80, 800, 0
    is_american = (variables.get("MORSETYPE") or "").upper() == "AMERICAN"
    codes = _AMERICAN if is_american else _MORSE
    letters = [codes.get(letter.upper(), "") for letter in data[:MAX_TEXT]]
    await play(call, [_morse(code, dit_ms, hz, space_hz) for code in letters])


def _morse(code: str, dit_ms: int, hz: int, space_hz: int) -> Source:
    """Return the tones of a letter and the gap after it; no letter is a gap between words."""
    lengths = {".": 1, "-": 3, "=": 6}
    items: list[str] = []
    for mark in code:
        if mark in lengths:
            items.append(f"!{hz}/{dit_ms * lengths[mark]}")
        items.append(f"!{space_hz}/{dit_ms}")
    items.append(f"!{space_hz}/{dit_ms * (2 if code else 4)}")
    return ToneSource(",".join(items))


@application("SendMF")
async def send_mf(call: Call, data: str) -> None:
    """SendMF(digits, gap ms, ms, KP ms, ST ms, channel): multifrequency digits, as of trunks.

    ``*`` is KP, ``#`` ST, ``A`` ``B`` ``C`` STP, ST2P, ST3P; ``w`` and ``W`` pause for half a
    second and a second.
    """
    arguments = split_arguments(data)
    gap, length, kp, st = (
        min(parse_integer(argument(arguments, index)) or usual, MAX_MS)
        for index, usual in enumerate((MF_GAP_MS, MF_MS, KP_MS, ST_MS), 1)
    )
    if min(gap, length, kp, st) <= 0:
        raise InvalidArgument("SendMF", "times must be greater than 0")
    digits = argument(arguments, 0)
    sources = mf_sources(digits, gap_ms=gap, digit_ms=length, kp_ms=kp, st_ms=st)
    await _send(call, argument(arguments, 5), sources)


@application("SendSF")
async def send_sf(call: Call, data: str) -> None:
    """SendSF(digits, Hz, channel): single-frequency digits: pulses of a tone, 2600 Hz."""
    arguments = split_arguments(data)
    hz = parse_integer(argument(arguments, 1)) or SF_HZ
    if not 1 <= hz <= 3_999:
        raise InvalidArgument("SendSF", "a frequency of 1 to 3999 Hz is needed")
    sources: list[Source] = []
    pulses = {digit: int(digit) or 10 for digit in "0123456789"} | {"*": 11, "#": 12}
    allowed = {*pulses, *PAUSES_MS}
    for digit in check_digits(argument(arguments, 0), allowed, "SendSF"):
        if digit in PAUSES_MS:
            sources.append(SilenceSource(PAUSES_MS[digit]))
            continue
        train = ",".join([f"!{hz}/{SF_ON_MS},!0/{SF_OFF_MS}"] * pulses[digit])
        sources += [ToneSource(train), SilenceSource(SF_PAUSE_MS)]
    await _send(call, argument(arguments, 2), sources)


async def _send(call: Call, other: str, sources: list[Source]) -> None:
    """Play to another channel, or to this one."""
    if not other:
        await play(call, sources)
        return
    channel: Channel | None = call.dialplan.node.registry.find(other)
    if channel is None:
        raise InvalidArgument("channel", f"there is no channel {other}")
    player = channel.play(sources)
    try:
        await call.channel.wait(player.done)
    finally:
        player.stop()
