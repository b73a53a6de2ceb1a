"""Applications for speech recognition. But for SpeechCreate() their failure ends the call."""

from __future__ import annotations

from collections.abc import Callable

from server.base.causes import Cause
from server.base.errors import ChannelHungUp, InvalidArgument, ServerError
from server.dialplan.arguments import argument, parse_options, split_arguments
from server.dialplan.executor import Call
from server.dialplan.hearing import deadline_after
from server.dialplan.media import find_prompts, prepare, split_names
from server.dialplan.numbers import parse_integer, parse_seconds
from server.dialplan.registry import application
from server.dialplan.speech import Speech
from server.media.players import Player

BACKGROUND_OPTIONS = "np"
MAX_DIGITS = 255


@application("SpeechCreate")
def create(call: Call, data: str) -> None:
    """SpeechCreate(engine): begin to use an engine; sets ERROR to 1 if it can't be used."""
    state = call.state
    if state.speech is not None:
        state.speech.close()
        state.speech = None
    try:
        recognizer = call.dialplan.node.speech.create(data.strip())
    except ServerError as error:
        call.report(f"SpeechCreate: {error}")
        call.channel.variables.set("ERROR", "1")
        return
    call.channel.variables.remove("ERROR")
    state.speech = Speech(recognizer, call.channel)


@application("SpeechDestroy")
def destroy(call: Call, data: str) -> None:
    """SpeechDestroy(): end the use of the engine."""
    _speech(call).close()
    call.state.speech = None


@application("SpeechLoadGrammar")
def load_grammar(call: Call, data: str) -> None:
    """SpeechLoadGrammar(name, path): for this channel only."""
    arguments = split_arguments(data, 2)
    name, path = argument(arguments, 0), argument(arguments, 1)
    _attempt(call, lambda speech: speech.recognizer.load_grammar(name, path))


@application("SpeechUnloadGrammar")
def unload_grammar(call: Call, data: str) -> None:
    """SpeechUnloadGrammar(name)."""
    _attempt(call, lambda speech: speech.recognizer.unload_grammar(data))


@application("SpeechActivateGrammar")
def activate_grammar(call: Call, data: str) -> None:
    """SpeechActivateGrammar(name): let it be recognised."""
    _attempt(call, lambda speech: speech.recognizer.activate_grammar(data))


@application("SpeechDeactivateGrammar")
def deactivate_grammar(call: Call, data: str) -> None:
    """SpeechDeactivateGrammar(name): take that back."""
    _attempt(call, lambda speech: speech.recognizer.deactivate_grammar(data))


@application("SpeechStart")
def start(call: Call, data: str) -> None:
    """SpeechStart(): listen, anew."""
    _attempt(call, Speech.start)


@application("SpeechProcessingSound")
def processing_sound(call: Call, data: str) -> None:
    """SpeechProcessingSound(file): what is played while results are awaited."""
    _speech(call).processing_sound = data


@application("SpeechBackground")
async def background(call: Call, data: str) -> None:
    """SpeechBackground(files, timeout s, options): play, and wait for what is recognised.

    Options: ``n`` don't answer, ``p`` keep partial results at a timeout. The variables
    SPEECH_DTMF_MAXLEN and SPEECH_DTMF_TERMINATOR say how many keys may be pressed instead.
    """
    arguments = split_arguments(data)
    options = parse_options(
        argument(arguments, 2), BACKGROUND_OPTIONS, "SpeechBackground", call.where
    )
    speech = _speech(call)
    prepare(call, skips=False, answers="n" not in options)
    _attempt(call, Speech.start)
    keys = _Keys(call, speech)
    call.channel.digit_observers.append(keys.on_digit)
    try:
        await _play(call, speech, argument(arguments, 0))
        deadline = deadline_after(parse_seconds(argument(arguments, 1)))
        await _await_results(call, speech, keys, deadline)
    finally:
        call.channel.digit_observers.remove(keys.on_digit)
        speech.recognizer.stop()
    call.channel.flush_digits()


async def _play(call: Call, speech: Speech, names: str) -> None:
    """Play until the end, or until something is said or pressed."""
    sources, _missing = find_prompts(call, split_names(names))
    if not sources:
        return
    player = call.channel.play(sources)
    player.done.add_done_callback(lambda _done: speech.wake())
    try:
        while not (player.done.done() or speech.has_spoken or speech.dialled):
            await speech.changed(None)
    finally:
        player.stop()


async def _await_results(call: Call, speech: Speech, keys: _Keys, deadline: float | None) -> None:
    player: Player | None = None
    try:
        while not (speech.is_done or keys.is_complete):
            if speech.has_spoken and speech.processing_sound and player is None:
                sources, _missing = find_prompts(call, split_names(speech.processing_sound))
                player = call.channel.play(sources) if sources else None
            if not await speech.changed(deadline):
                return
    finally:
        if player is not None:
            player.stop()


class _Keys:
    """Keys pressed instead of speaking."""

    def __init__(self, call: Call, speech: Speech) -> None:
        variables = call.channel.variables
        limit = parse_integer(variables.get("SPEECH_DTMF_MAXLEN") or "")
        self._limit = min(limit or MAX_DIGITS, MAX_DIGITS)
        self._end = variables.get("SPEECH_DTMF_TERMINATOR") or "#"
        self._speech = speech
        self.is_complete = False

    def on_digit(self, digit: str) -> None:
        if self.is_complete:
            return
        if digit in self._end:
            self.is_complete = True
        else:
            self._speech.dialled += digit
            self.is_complete = len(self._speech.dialled) >= self._limit
        self._speech.wake()


def _speech(call: Call) -> Speech:
    speech = call.state.speech
    if speech is None:
        call.report("there is no speech recognition on this channel: SpeechCreate() comes first")
        raise ChannelHungUp(Cause.NORMAL_CLEARING)
    return speech


def _attempt(call: Call, act: Callable[[Speech], None]) -> None:
    """Do something with the recognizer; its failure ends the call."""
    speech = _speech(call)
    try:
        act(speech)
    except (ServerError, InvalidArgument) as error:
        call.report(f"speech recognition: {error}")
        raise ChannelHungUp(Cause.NORMAL_CLEARING) from None
