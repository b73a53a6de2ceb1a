"""SAYFILES(): the prompts that say something."""

from __future__ import annotations

from server.base.errors import InvalidArgument
from server.dialplan.apps.say import parse_money
from server.dialplan.arguments import argument, split_arguments
from server.dialplan.numbers import parse_integer, starts_with_integer
from server.dialplan.registry import function
from server.dialplan.scope import Scope
from server.resources.say import Speaker

KINDS = ("alpha", "digits", "phonetic", "number", "ordinal", "money")


@function("SAYFILES")
def say_files(scope: Scope, data: str) -> str:
    """SAYFILES(value,type): the prompts that say it, joined by ``&`` as Playback() takes them.

    Types are alpha, which is the default, digits, phonetic, number, ordinal and money.
    """
    arguments = split_arguments(data, 2)
    value, kind = argument(arguments, 0), argument(arguments, 1, "alpha").strip().lower()
    if not value or kind not in KINDS:
        raise InvalidArgument("SAYFILES", f"expected a value and one of {', '.join(KINDS)}")
    language = scope.channel.language if scope.has_channel else "en"
    return "&".join(_prompts(value, kind, language))


def _prompts(value: str, kind: str, language: str) -> list[str]:
    speaker = Speaker()
    if kind == "alpha":
        return speaker.characters(value, language)
    if kind == "digits":
        return speaker.digits(value, language)
    if kind == "phonetic":
        return speaker.phonetic(value, language)
    if kind == "money":
        whole, cents = parse_money(value)
        return speaker.money(whole * 100 + cents, language)
    if not starts_with_integer(value):
        raise InvalidArgument("value", f"{value!r} is not a number")
    say = speaker.number if kind == "number" else speaker.ordinal
    return say(parse_integer(value), language)
