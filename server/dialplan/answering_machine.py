"""Tells an answering machine from a person by how it greets: long, in many words, or late.

Theory: silence, then words, then silence. Each frame is silent or not. A word is voice that lasts;
what follows enough silence is the next one. The verdict comes when one of the limits is passed; see
:class:`~server.config.sections.amd.AmdConf`, whose names are those of amd.conf.
"""

from __future__ import annotations

from dataclasses import dataclass

from server.config.sections.amd import AmdConf

FRAME_MS = 20


@dataclass(frozen=True, slots=True)
class Verdict:
    """What it is.

    :param status: ``HUMAN``, ``MACHINE`` or ``NOTSURE``.
    :param cause: the limit that decided and the times, such as ``LONGGREETING-1500-1500``.
    """

    status: str
    cause: str


class AnsweringMachineDetector:
    """Hears frame by frame until it has a verdict."""

    def __init__(self, limits: AmdConf) -> None:
        self._limits = limits
        self._total = 0
        self._silence = 0
        self._voice = 0  # in all
        self._word = 0  # of the present utterance
        self._words = 0
        self._is_in_word = True
        self._is_initial = True
        self._is_greeting = False

    def hear(self, *, is_loud: bool) -> Verdict | None:
        """Take one frame."""
        self._total += FRAME_MS
        if self._total >= self._limits.total_analysis_time:
            return Verdict("NOTSURE", f"TOOLONG-{self._total}")
        return self._hear_voice() if is_loud else self._hear_silence()

    def _hear_silence(self) -> Verdict | None:
        limits = self._limits
        self._silence += FRAME_MS
        if self._silence >= limits.between_words_silence:
            self._is_in_word = False
            self._word = 0
        if self._is_initial and self._silence >= limits.initial_silence:
            return Verdict("MACHINE", f"INITIALSILENCE-{self._silence}-{limits.initial_silence}")
        if self._is_greeting and self._silence >= limits.after_greeting_silence:
            return Verdict("HUMAN", f"HUMAN-{self._silence}-{limits.after_greeting_silence}")
        return None

    def _hear_voice(self) -> Verdict | None:
        limits = self._limits
        self._silence = 0
        self._word += FRAME_MS
        self._voice += FRAME_MS
        is_word = self._word >= limits.min_word_length
        if is_word and not self._is_in_word:
            self._words += 1
            self._is_in_word = True
        if self._word >= limits.maximum_word_length:
            return Verdict("MACHINE", f"MAXWORDLENGTH-{self._word}")
        if self._words >= limits.maximum_number_of_words:
            return Verdict("MACHINE", f"MAXWORDS-{self._words}-{limits.maximum_number_of_words}")
        if self._is_greeting and self._voice >= limits.greeting:
            return Verdict("MACHINE", f"LONGGREETING-{self._voice}-{limits.greeting}")
        if self._voice >= limits.min_word_length:
            self._is_initial = False
        if is_word:
            self._is_greeting = True
        return None
