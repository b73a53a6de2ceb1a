"""Speech recognition: where engines register, and what the dialplan asks of them.

There is no engine in this server; whoever has one adds it to ``node.speech``.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from server.base.errors import Conflict, NotFound
from server.media.streams import Stream


class SpeechState(StrEnum):
    """How far a recognition has come."""

    LISTENING = "listening"
    SPOKEN = "spoken"  # the caller began to speak: prompts fall silent
    DONE = "done"


@dataclass(frozen=True, slots=True)
class SpeechResult:
    """What was recognised.

    :param score: certainty, 0 to 1000.
    :param alternative: 0 for the best, then the others in order.
    """

    text: str
    score: int = 0
    grammar: str = ""
    alternative: int = 0


class Recognizer(Protocol):
    """One channel's use of an engine. What can't be done raises ``ServerError``."""

    @property
    def results(self) -> Sequence[SpeechResult]:
        """What has been recognised so far."""

    def load_grammar(self, name: str, path: str) -> None:
        """Load a grammar from a file."""

    def unload_grammar(self, name: str) -> None:
        """Forget it."""

    def activate_grammar(self, name: str) -> None:
        """Let it be recognised."""

    def deactivate_grammar(self, name: str) -> None:
        """Take that back."""

    def change_setting(self, name: str, value: str) -> None:
        """Change a setting of the engine."""

    def get_setting(self, name: str) -> str:
        """Read one."""

    def set_results_type(self, kind: str) -> None:
        """Choose ``nbest`` or normal results."""

    def start(self, stream: Stream, on_state: Callable[[SpeechState], None]) -> None:
        """Listen to what a stream says, anew; *on_state* hears how it goes."""

    def stop(self) -> None:
        """Listen no more; results stay."""

    def close(self) -> None:
        """End the use of the engine. May be called again."""


class SpeechEngine(Protocol):
    """An engine."""

    name: str

    def create(self) -> Recognizer:
        """Begin to use it.

        :raises ServerError: it has no room, or is out of order.
        """


class SpeechEngines:
    """The engines that are there; the first is the one to take when none is named."""

    def __init__(self) -> None:
        self._engines: dict[str, SpeechEngine] = {}

    def add(self, engine: SpeechEngine) -> None:
        """Add one.

        :raises Conflict: there is one of this name.
        """
        if engine.name in self._engines:
            raise Conflict(f"speech engine {engine.name} exists already")
        self._engines[engine.name] = engine

    def create(self, name: str) -> Recognizer:
        """Begin to use an engine, the first one if no name is given.

        :raises NotFound: there is none.
        """
        engine = self._engines.get(name) if name else next(iter(self._engines.values()), None)
        if engine is None:
            raise NotFound(f"no speech engine {name!r}")
        return engine.create()
