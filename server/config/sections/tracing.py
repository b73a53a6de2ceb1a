"""tracing.conf: where traces of calls are sent. Not in Asterisk."""

from __future__ import annotations

from dataclasses import dataclass

from server.config.binder import bind, setting
from server.config.objects import ConfigFile, ConfigWarning
from server.config.types import boolean, decimal, text

DEFAULT_ENDPOINT = "http://127.0.0.1:4318/v1/traces"


@dataclass(frozen=True, slots=True)
class Tracing:
    """``[general]``.

    :param endpoint: URL of an OpenTelemetry collector's OTLP over HTTP.
    :param service_name: what the server is called in traces.
    :param sample_ratio: the share of calls that is traced.
    """

    enabled: bool = setting(boolean, False)
    endpoint: str = setting(text, DEFAULT_ENDPOINT)
    service_name: str = setting(text, "arion")
    sample_ratio: float = setting(decimal(0, 1), 1.0)


def build_tracing(file: ConfigFile, warnings: list[ConfigWarning]) -> Tracing:
    """Read tracing.conf.

    :raises ConfigError: a value can't be read.
    """
    section = file.find("general")
    return bind(Tracing, [] if section is None else section.options, warnings)
