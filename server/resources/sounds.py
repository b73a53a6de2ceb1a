"""The verbs of ``/sounds``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from server import model
from server.base.errors import NotFound
from server.resources.node import Node

if TYPE_CHECKING:
    from server.media.sounds import SoundInfo


class Sounds:
    """The prompts that can be played."""

    def __init__(self, node: Node) -> None:
        self._node = node

    def list(self, *, lang: str | None = None, format: str | None = None) -> list[model.Sound]:  # noqa: A002 - the parameter's name in ARI
        """Return every prompt, or those there are in a language and a format."""
        return [
            _describe(info)
            for info in self._node.sounds.list()
            if any(
                (not lang or language == lang) and (not format or file_format == format)
                for language, file_format in info.formats
            )
        ]

    def get(self, sound_id: str) -> model.Sound:
        """Return one prompt.

        :raises NotFound: there is none.
        """
        info = self._node.sounds.get(sound_id)
        if info is None:
            raise NotFound("Sound not found")
        return _describe(info)


def _describe(info: SoundInfo) -> model.Sound:
    return model.Sound(
        id=info.id,
        text=info.text or None,
        formats=[
            model.FormatLangPair(language=language, format=file_format)
            for language, file_format in info.formats
        ],
    )
