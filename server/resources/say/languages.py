"""Finds the rules of a language by its code."""

from __future__ import annotations

from server.resources.say import asian, germanic, romance, slavic, southern
from server.resources.say.language import Language

_LANGUAGES: dict[str, Language] = {
    "cs": slavic.Czech(),
    "da": germanic.Danish(),
    "de": germanic.German(),
    "en": Language(),
    "en_GB": germanic.BritishEnglish(),
    "es": romance.Spanish(),
    "fr": romance.French(),
    "gr": southern.Greek(),
    "he": southern.Hebrew(),
    "hu": southern.Hungarian(),
    "is": germanic.Icelandic(),
    "it": romance.Italian(),
    "ja": asian.Japanese(),
    "ka": southern.Georgian(),
    "nl": germanic.Dutch(),
    "no": germanic.Norwegian(),
    "pl": slavic.Polish(),
    "pt": romance.Portuguese(),
    "pt_BR": romance.BrazilianPortuguese(),
    "ru": slavic.Russian(),
    "sv": germanic.Swedish(),
    "th": asian.Thai(),
    "ur": asian.Urdu(),
    "vi": asian.Vietnamese(),
    "zh": asian.Chinese(),
}
# other codes, ISO's and those of older files
_ALIASES = {"cz": "cs", "el": "gr", "ge": "ka", "mx": "es", "se": "sv", "sk": "cs", "tw": "zh"}

CODES = tuple(sorted(_LANGUAGES))


def find_language(code: str) -> Language:
    """Return the rules for a code such as ``de`` or ``pt_BR``; English's for an unknown one."""
    code = code.replace("-", "_")
    bare = code.partition("_")[0].lower()
    for wanted in (code, bare, _ALIASES.get(bare, "en")):
        if wanted in _LANGUAGES:
            return _LANGUAGES[wanted]
    return _LANGUAGES["en"]
