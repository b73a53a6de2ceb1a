"""The audio formats that requests may name."""

from __future__ import annotations

from server.base.errors import Unprocessable

# Asterisk's names of audio formats, which an announcer or recorder channel could have there
FORMATS = frozenset(
    {
        *("adpcm", "alaw", "codec2", "g719", "g722", "g723", "g726", "g726aal2", "g729", "gsm"),
        *("ilbc", "lpc10", "opus", "silk12", "silk16", "silk24", "silk8", "siren14", "siren7"),
        *("slin", "slin12", "slin16", "slin192", "slin24", "slin32", "slin44", "slin48", "slin96"),
        *("speex", "speex16", "speex32", "testlaw", "ulaw"),
    }
)


def check_format(field: str, name: str | None) -> None:
    """Check the name of a format that somebody asks for.

    :raises Unprocessable: there is none of this name; names *field*.
    """
    if name and name not in FORMATS:
        raise Unprocessable(field, f"specified {field} is unknown on this system")
