"""Finds the rules of a language by its code."""

from __future__ import annotations

from server.resources.say.language import Language

_LANGUAGES: dict[str, Language] = {"en": Language()}


def find_language(code: str) -> Language:
    """Return the rules for a code such as ``de`` or ``pt_BR``; English's for an unknown one."""
    code = code.replace("-", "_")
    return _LANGUAGES.get(code) or _LANGUAGES.get(code.partition("_")[0].lower(), _LANGUAGES["en"])
