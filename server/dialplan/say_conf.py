"""say.conf: how things are said, as rules that a user can write.

With ``mode=new`` they go before the built-in ones; Playback(…,say) follows them in either mode.

A thing to say is ``prefix:data`` or ``prefix:format:data``: ``num:21``, ``date:d:20240101…``. A
format of several letters and quoted prompts is taken apart, a letter at a time. All else is
compared with the patterns of the language's section; the first that fits says what becomes of it:
prompts, and further things to say, with ``${SAY}`` for the data.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass

from server.config.objects import ConfigFile
from server.dialplan.arguments import split_raw
from server.dialplan.pattern import Pattern
from server.dialplan.scope import Scope
from server.dialplan.variables import substitute

logger = logging.getLogger(__name__)

MAX_STEPS = 1_000  # rules for one thing to say: a loop among them ends there
MAX_PROMPTS = 512
NAME = "SAY"


@dataclass(frozen=True, slots=True)
class _Rule:
    pattern: Pattern
    says: str


class SayConf:
    """The rules of a file.

    :param nobody: a scope without a channel, for functions in rules.
    """

    def __init__(self, file: ConfigFile, nobody: Scope) -> None:
        self._nobody = nobody
        self._languages: dict[str, list[_Rule]] = {}
        for section in file.sections:
            if section.name.lower() != "general" and not section.is_template:
                rules = [_Rule(Pattern(each.name), each.value) for each in section.options]
                self._languages.setdefault(section.name, []).extend(rules)

    def prompts(self, thing: str, language: str) -> list[str] | None:
        """Return the prompts of a thing to say; ``None`` if there are no rules for the language."""
        rules = self._languages.get(language) or self._languages.get(language.partition("_")[0])
        if rules is None:
            return None
        speech = _Speech(rules, self._nobody)
        speech.say(thing)
        return speech.prompts


class _Speech:
    """Says one thing."""

    def __init__(self, rules: list[_Rule], nobody: Scope) -> None:
        self.prompts: list[str] = []
        self._rules = rules
        self._nobody = nobody
        self._steps = 0

    def say(self, thing: str) -> None:
        """Add the prompts of *thing*."""
        waiting = [thing]  # a stack: rules may lead far
        while waiting and len(self.prompts) < MAX_PROMPTS:
            self._steps += 1
            if self._steps > MAX_STEPS:
                logger.warning("say.conf: the rules for %r don't come to an end", thing)
                return
            current = waiting.pop().strip()
            if ":" not in current:
                self.prompts.extend([current] if current else [])
                continue
            waiting.extend(reversed(self._replace(current)))

    def _replace(self, thing: str) -> list[str]:
        prefix, _, rest = thing.partition(":")
        form, colon, data = rest.rpartition(":")
        if colon and len(form) > 1:
            return _take_apart(prefix, form, data)
        for rule in self._rules:
            if rule.pattern.matches(thing):
                said = substitute(rule.says, _Saying(self._nobody, data))
                return split_raw(said)
        return []


def _take_apart(prefix: str, form: str, data: str) -> list[str]:
    """Return the parts of a format: quoted prompts, and letters with the data."""
    parts: list[str] = []
    for index, part in enumerate(form.split("'")):
        if index % 2:
            parts.append(part)
        else:
            parts.extend(f"{prefix}:{letter}:{data}" for letter in part if not letter.isspace())
    return parts


class _Saying(Scope):
    """A scope in which ``${SAY}`` is what is said."""

    def __init__(self, nobody: Scope, data: str) -> None:
        super().__init__(nobody.dialplan, None)
        self._data = data

    def get(self, name: str) -> str | None:
        return self._data if name == NAME else super().get(name)


def is_new_mode(file: ConfigFile) -> bool:
    """Tell whether the rules of a file go before the built-in ones."""
    general = file.find("general")
    return general is not None and general.get("mode", "old").lower() == "new"
