"""Commands for speech recognition, by the engines that are registered; without one they fail."""

from __future__ import annotations

from typing import TYPE_CHECKING

from server.agi.commands.registry import command, integer
from server.agi.media import SAMPLES_PER_MS
from server.base.errors import ChannelHungUp, InvalidState, ServerError
from server.dialplan.media import find_prompts
from server.dialplan.speech import Speech
from server.media.players import Player
from server.resources.speech import SpeechResult

if TYPE_CHECKING:
    from collections.abc import Callable

    from server.agi.session import Session

FAILED, DONE = "200 result=0", "200 result=1"


def _attempt(session: Session, what: str, act: Callable[[], None]) -> str:
    try:
        act()
    except ServerError as error:
        session.call.report(f"{what}: {error}")
        return FAILED
    return DONE


def _speech(session: Session) -> Speech:
    if session.speech is None:
        raise InvalidState("SPEECH CREATE has not been used")
    return session.speech


@command("SPEECH CREATE", "<engine>")
def create(session: Session, args: list[str]) -> str:
    """Begins to use a recognition engine, the first one if none is named."""

    def act() -> None:
        engines = session.call.dialplan.node.speech
        session.speech = Speech(engines.create(args[0] if args else ""), session.channel)

    return FAILED if session.speech is not None else _attempt(session, "SPEECH CREATE", act)


@command("SPEECH SET", "<name> <value>", least=2, most=2)
def change(session: Session, args: list[str]) -> str:
    """Changes a setting of the engine."""
    return _attempt(
        session, "SPEECH SET", lambda: _speech(session).recognizer.change_setting(*args[:2])
    )


@command("SPEECH DESTROY", "", runs_dead=True)
def destroy(session: Session, _args: list[str]) -> str:
    """Ends the use of the engine."""
    speech, session.speech = session.speech, None
    if speech is None:
        return FAILED
    speech.close()
    return DONE


@command("SPEECH LOAD GRAMMAR", "<grammar name> <path to grammar>", least=2, most=2)
def load(session: Session, args: list[str]) -> str:
    """Loads a grammar."""
    return _attempt(
        session, "SPEECH LOAD GRAMMAR", lambda: _speech(session).recognizer.load_grammar(*args[:2])
    )


@command("SPEECH UNLOAD GRAMMAR", "<grammar name>", least=1, most=1, runs_dead=True)
def unload(session: Session, args: list[str]) -> str:
    """Forgets a grammar."""
    return _attempt(
        session,
        "SPEECH UNLOAD GRAMMAR",
        lambda: _speech(session).recognizer.unload_grammar(args[0]),
    )


@command("SPEECH ACTIVATE GRAMMAR", "<grammar name>", least=1, most=1)
def activate(session: Session, args: list[str]) -> str:
    """Lets a grammar be recognised."""
    what = "SPEECH ACTIVATE GRAMMAR"
    return _attempt(session, what, lambda: _speech(session).recognizer.activate_grammar(args[0]))


@command("SPEECH DEACTIVATE GRAMMAR", "<grammar name>", least=1, most=1)
def deactivate(session: Session, args: list[str]) -> str:
    """Takes that back."""
    what = "SPEECH DEACTIVATE GRAMMAR"
    return _attempt(session, what, lambda: _speech(session).recognizer.deactivate_grammar(args[0]))


@command("SPEECH RECOGNIZE", "<prompt> <timeout> [offset]", least=2, most=3)
async def recognize(session: Session, args: list[str]) -> str:
    """Plays, and listens for some milliseconds, or until a key."""
    timeout_ms, offset = integer(args[1]), integer(args[2]) if len(args) > 2 else 0
    call = session.call
    try:
        speech = _speech(session)
        sources, missing = find_prompts(call, [args[0]])
        if missing:
            return f"200 result=0 endpos={offset}"
        speech.start()
        player = session.channel.play(sources, offset_ms=max(0, offset) // SAMPLES_PER_MS)
    except ChannelHungUp:
        raise
    except ServerError as error:
        call.report(f"SPEECH RECOGNIZE: {error}")
        return FAILED
    return await _listen(session, speech, player, timeout_ms / 1000)


async def _listen(session: Session, speech: Speech, player: Player, seconds: float) -> str:
    """Wait for the engine, a key or the end of the time, which runs from the end of the prompt."""
    channel = session.channel
    clock = session.call.dialplan.node.clock

    def on_digit(digit: str) -> None:
        speech.dialled = speech.dialled or digit
        speech.wake()

    player.done.add_done_callback(lambda _done: speech.wake())
    channel.digit_observers.append(on_digit)
    outcome, deadline = "", None
    try:
        while not (speech.is_done or speech.dialled or outcome):
            if speech.has_spoken:
                player.stop()
            if deadline is None and player.done.done():
                deadline = clock.now() + seconds
            if not await speech.changed(deadline):
                outcome = "timeout"
        player.stop()
        await channel.wait(player.done)
    except ChannelHungUp:
        outcome = "hangup"
    finally:
        channel.digit_observers.remove(on_digit)
        player.stop()
        speech.recognizer.stop()
    endpos = player.done.result().position_ms * SAMPLES_PER_MS if player.done.done() else 0
    if outcome:
        return f"200 result=1 ({outcome}) endpos={endpos}"
    if speech.dialled:
        return f"200 result=1 (digit) digit={speech.dialled} endpos={endpos}"
    if not speech.results:
        return f"200 result=0 endpos={endpos}"
    return f"200 result=1 (speech) endpos={endpos} {_word(list(speech.results))}"


def _word(results: list[SpeechResult]) -> str:
    parts = [f"results={len(results)}"]
    for index, each in enumerate(results):
        parts.append(f'score{index}={each.score} text{index}="{each.text}"')
        parts.append(f"grammar{index}={each.grammar}")
    return " ".join(parts)
