"""Recognises call progress tones: of a country, special information tones, fax and modem answers.

Theory: what is heard is cut into runs of the same tones. Where a country's tones differ in pitch, a
short run is enough; where several share one pitch (425 Hz in most of Europe), their length tells
them apart, so the run has to end, or to outlast all others.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from server.config.sections.indications import Indications
from server.media.scans import DEFAULT_THRESHOLD, NEVER_LOUD, Heard, ScanSettings

WINDOW_MS = 40
MIN_SHARE = 0.25  # of the energy in each tone: several may sound at a time
MIN_CADENCED_MS = 120  # of a busy or ringing tone that no other is like
MIN_DIAL_MS = 600
MIN_ENDLESS_MS = 5_000  # longer than any ringing tone
MIN_ANSWER_MS = 400  # of a fax or a modem
MIN_SIT_MS = 120  # of each of its three tones
MIN_VOICE_MS = 400
TOLERANCE = 0.3  # of the length of a tone that comes and goes

FAX_HZ = 2100  # ITU-T T.30 CED, V.25 answer tone
MODEM_HZ = 2225  # Bell 103 answer
_SIT_HZ = ((914, 950, 985), (1371, 1400, 1429), (1777, 1800))  # ITU-T E.180, and North America's
_STATUSES = {"dial": "DIALTONE", "busy": "BUSY", "congestion": "BUSY", "ring": "RINGING"}
_FIRST_TONE = re.compile(r"!?(\d+)(?:[+*](\d+))?(?:/(\d+))?")
_UK_UNOBTAINABLE = 400


@dataclass(frozen=True, slots=True)
class Signal:
    """A tone of a country.

    :param tones: its bits in what is heard.
    :param length_ms: of the part that sounds, 0 for endless.
    """

    status: str
    tones: int
    length_ms: int


class ProgressTones:
    """What a country's tones are, and which frequencies to listen for.

    :param country: of indications.conf, empty for the default one.
    """

    def __init__(self, indications: Indications, country: str = "") -> None:
        found = [
            (_STATUSES[name], *_first_tone(indications.tone(name, country) or ""))
            for name in _STATUSES
        ]
        if (country or indications.country).lower() in ("uk", "gb"):
            found.append(("NUT", (_UK_UNOBTAINABLE,), 0))
        local = {hz for _, tones, _ in found for hz in tones}
        others = [hz for group in _SIT_HZ for hz in group]
        self.tones = tuple(sorted(local | {*others, FAX_HZ, MODEM_HZ}))[:16]
        self.signals = tuple(
            Signal(status, self.bits(*tones), length) for status, tones, length in found if tones
        )

    def settings(self, *, hears_voice: bool) -> ScanSettings:
        """Return how to listen for them, and for a voice."""
        return ScanSettings(
            self.tones,
            threshold=DEFAULT_THRESHOLD if hears_voice else NEVER_LOUD,
            window_ms=WINDOW_MS,
            share=MIN_SHARE,
            interval_ms=WINDOW_MS,
            repeats_idle=False,
        )

    def bits(self, *tones: int) -> int:
        """Return the bits of some frequencies."""
        return sum(1 << self.tones.index(hz) for hz in set(tones) if hz in self.tones)


class ProgressDetector:
    """Finds what is signalled, from what is heard in windows of :data:`WINDOW_MS`.

    :param effort: 1 or more: how much longer a tone has to last than necessary.
    """

    def __init__(
        self, tones: ProgressTones, *, effort: int = 1, finds_fax: bool, finds_voice: bool
    ) -> None:
        self._tones = tones
        self._effort = max(1, effort)
        self._finds_fax = finds_fax
        self._finds_voice = finds_voice
        self._mask = 0
        self._since = 0
        self._sit = 0  # how many of its tones have been heard
        self._voice_ms = 0

    def hear(self, heard: Heard) -> str | None:
        """Take a report; return a status of ToneScan() once it is clear."""
        found = None
        if heard.tones != self._mask:
            found = self._end_run(heard.since_ms - self._since)
            self._mask, self._since = heard.tones, heard.since_ms
        length_ms = heard.now_ms - self._since
        return found or self._judge(length_ms) or self._hear_voice(heard)

    def _end_run(self, length_ms: int) -> str | None:
        """A run that has ended is judged by its length."""
        for signal in self._sharing(self._mask):
            if signal.length_ms and abs(length_ms - signal.length_ms) <= (
                signal.length_ms * TOLERANCE
            ):
                return signal.status
        return None

    def _judge(self, length_ms: int) -> str | None:
        """A run that goes on is judged by its pitch, and by outlasting the others."""
        mask = self._mask
        if not mask:
            return None
        if mask == self._tones.bits(MODEM_HZ) and length_ms >= MIN_ANSWER_MS * self._effort:
            return "MODEM"
        if mask == self._tones.bits(FAX_HZ) and length_ms >= MIN_ANSWER_MS * self._effort:
            return "FAX" if self._finds_fax else None
        if length_ms >= MIN_SIT_MS and (found := self._hear_sit()):
            return found
        alike = self._sharing(mask)
        if len({signal.status for signal in alike}) == 1:
            endless = any(not signal.length_ms for signal in alike)
            needed = MIN_DIAL_MS if endless else MIN_CADENCED_MS
            return alike[0].status if length_ms >= needed * self._effort else None
        for signal in alike:
            if not signal.length_ms and length_ms >= MIN_ENDLESS_MS:
                return signal.status
        return None

    def _hear_sit(self) -> str | None:
        for index, group in enumerate(_SIT_HZ):
            if self._mask & self._tones.bits(*group) and not self._mask & ~self._tones.bits(*group):
                self._sit = index + 1 if self._sit >= index else 0
                return "SIT" if self._sit == len(_SIT_HZ) else None
        return None

    def _hear_voice(self, heard: Heard) -> str | None:
        if not self._finds_voice:
            return None
        if heard.is_loud and not heard.tones:
            self._voice_ms += heard.now_ms - heard.since_ms
        elif heard.tones:
            self._voice_ms = 0
        return "VOICE" if self._voice_ms >= MIN_VOICE_MS * self._effort else None

    def _sharing(self, mask: int) -> list[Signal]:
        return [signal for signal in self._tones.signals if mask and signal.tones == mask]


def _first_tone(tone_list: str) -> tuple[tuple[int, ...], int]:
    """Return the frequencies of the first part of a tone list that sounds, and its length."""
    for part in re.split(r"[,|]", tone_list):
        match = _FIRST_TONE.match(part.strip())
        tones = tuple(int(hz) for hz in match.groups()[:2] if hz and int(hz)) if match else ()
        if match and tones:
            return tones, int(match[3] or 0)
    return (), 0
