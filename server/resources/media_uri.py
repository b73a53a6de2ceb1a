"""ARI media URIs and what they are made of: files, tones, digits and numbers to say."""

from __future__ import annotations

from pathlib import Path

from server.base.errors import InvalidArgument
from server.media.streams import FileSource, Source, ToneSource
from server.resources.node import Node
from server.resources.recording_files import find_recording

SCHEMES = ("sound", "recording", "number", "digits", "characters", "tone")


def split_media_uri(uri: str) -> tuple[str, str]:
    """Split ``scheme:rest`` and check the scheme.

    :raises InvalidArgument: the scheme is unknown or nothing follows it.
    """
    scheme, _, rest = uri.partition(":")
    if scheme not in SCHEMES or not rest:
        raise InvalidArgument("media", f"{uri!r} is none of {', '.join(SCHEMES)} with a name")
    return scheme, rest


def resolve_media_uri(node: Node, uri: str, language: str, tone_zone: str = "") -> list[Source]:
    """Return what to play for a media URI; empty when it is not there.

    :param language: prompts are looked up in it first.
    :raises InvalidArgument: see :func:`split_media_uri`.
    """
    scheme, rest = split_media_uri(uri)
    if scheme == "tone":
        return _resolve_tone(node, rest, tone_zone)
    if scheme == "recording":
        path = find_recording(node.settings.recording_dir, rest)
        return [FileSource(str(path))] if path is not None else []
    names = [rest] if scheme == "sound" else node.say.prompts(scheme, rest, language)
    return resolve_sounds(node, names, language)


def resolve_sounds(node: Node, names: list[str], language: str) -> list[Source]:
    """Return the files of prompt *names*; empty if one of them is missing."""
    paths: list[Path] = []
    for name in names:
        path = node.sounds.find(name, language)
        if path is None:
            return []
        paths.append(path)
    return [FileSource(str(path)) for path in paths]


def _resolve_tone(node: Node, rest: str, tone_zone: str) -> list[Source]:
    name, _, option = rest.partition(";")
    key, _, zone = option.partition("=")
    chosen = zone if key == "tonezone" else tone_zone
    tone_list = node.tone(name, chosen)
    if tone_list is None and not name[:1].isalpha():
        tone_list = name
    return [ToneSource(tone_list)] if tone_list else []
