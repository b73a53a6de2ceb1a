"""amd.conf: how AMD() tells answering machines from people."""

from __future__ import annotations

from dataclasses import dataclass

from server.config.binder import bind, setting
from server.config.objects import ConfigFile, ConfigWarning
from server.config.types import integer, text


@dataclass(frozen=True, slots=True)
class AmdConf:
    """``[general]``; times are in milliseconds.

    :param silence_threshold: mean absolute sample value up to which it is silent.
    :param playback_file: what the callee hears meanwhile.
    """

    initial_silence: int = setting(integer(0), 2500)
    greeting: int = setting(integer(0), 1500)
    after_greeting_silence: int = setting(integer(0), 800)
    total_analysis_time: int = setting(integer(0), 5000)
    min_word_length: int = setting(integer(0), 100)
    between_words_silence: int = setting(integer(0), 50)
    maximum_number_of_words: int = setting(integer(0), 2)
    silence_threshold: int = setting(integer(1, 32767), 256)
    maximum_word_length: int = setting(integer(0), 5000)
    playback_file: str = setting(text, "")


def build_amd(file: ConfigFile | None, warnings: list[ConfigWarning]) -> AmdConf:
    """Read amd.conf; what it leaves out has Asterisk's defaults.

    :raises ConfigError: a value can't be read.
    """
    section = file.find("general") if file else None
    return bind(AmdConf, section.options if section else (), warnings)
