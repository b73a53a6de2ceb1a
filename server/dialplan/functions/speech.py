"""Functions on what speech recognition has found."""

from __future__ import annotations

from server.base.errors import InvalidArgument
from server.dialplan.numbers import parse_integer
from server.dialplan.registry import function, function_write
from server.dialplan.scope import Scope
from server.dialplan.speech import Speech
from server.resources.speech import SpeechResult


def _speech(scope: Scope) -> Speech:
    speech = scope.state.speech
    if speech is None:
        raise InvalidArgument("SPEECH", "there is no speech recognition on this channel")
    return speech


def _result(scope: Scope, data: str) -> SpeechResult | None:
    """Find ``[alternative/]result``."""
    alternative, slash, result = data.rpartition("/")
    return _speech(scope).find(parse_integer(result), parse_integer(alternative) if slash else 0)


@function("SPEECH")
def speech(scope: Scope, data: str) -> str:
    """SPEECH(status|spoke|results): is there a recognizer, was anything said, how many results."""
    wanted = data.strip().lower()
    if wanted == "status":
        return str(int(scope.state.speech is not None))
    if wanted == "spoke":
        return str(int(_speech(scope).has_spoken))
    if wanted == "results":
        return str(len(_speech(scope).results))
    raise InvalidArgument("SPEECH", f"{data!r} is none of status, spoke, results")


@function("SPEECH_TEXT")
def speech_text(scope: Scope, data: str) -> str:
    """SPEECH_TEXT(alternative/result): what was said."""
    result = _result(scope, data)
    return result.text if result else ""


@function("SPEECH_SCORE")
def speech_score(scope: Scope, data: str) -> str:
    """SPEECH_SCORE(alternative/result): how certain that is."""
    result = _result(scope, data)
    return str(result.score) if result else ""


@function("SPEECH_GRAMMAR")
def speech_grammar(scope: Scope, data: str) -> str:
    """SPEECH_GRAMMAR(alternative/result): the grammar that it matched."""
    result = _result(scope, data)
    return result.grammar if result else ""


@function("SPEECH_ENGINE")
def speech_engine(scope: Scope, data: str) -> str:
    """SPEECH_ENGINE(name): a setting of the engine."""
    return _speech(scope).recognizer.get_setting(data)


@function_write("SPEECH_ENGINE")
def set_speech_engine(scope: Scope, data: str, value: str) -> None:
    """SPEECH_ENGINE(name)=: change it."""
    _speech(scope).recognizer.change_setting(data, value)


@function_write("SPEECH_RESULTS_TYPE")
def set_results_type(scope: Scope, data: str, value: str) -> None:
    """SPEECH_RESULTS_TYPE()=: ``nbest`` or ``normal``."""
    _speech(scope).recognizer.set_results_type(value.strip().lower())
