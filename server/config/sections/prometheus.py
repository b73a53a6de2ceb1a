"""prometheus.conf: the figures that a Prometheus server fetches."""

from __future__ import annotations

from dataclasses import dataclass

from server.config.binder import bind, setting
from server.config.objects import ConfigFile, ConfigWarning
from server.config.types import boolean, text


def page_path(value: str) -> str:
    """A path below http.conf's prefix, with or without its slash."""
    path = value.strip().strip("/")
    if not path:
        raise ValueError("expected a path such as metrics")
    return f"/{path}"


@dataclass(frozen=True, slots=True)
class Prometheus:
    """``[general]``.

    :param core_metrics_enabled: show ``asterisk_core_...`` too.
    :param auth_username: with it and *auth_password*, who asks has to know both (HTTP Basic).
    """

    enabled: bool = setting(boolean, False)
    core_metrics_enabled: bool = setting(boolean, True)
    uri: str = setting(page_path, "/metrics")
    auth_username: str = setting(text, "")
    auth_password: str = setting(text, "")
    auth_realm: str = setting(text, "Asterisk Prometheus Metrics")


def build_prometheus(file: ConfigFile, warnings: list[ConfigWarning]) -> Prometheus:
    """Read prometheus.conf.

    :raises ConfigError: a value can't be read.
    """
    section = file.find("general")
    settings = bind(Prometheus, [] if section is None else section.options, warnings)
    if section is not None and bool(settings.auth_username) != bool(settings.auth_password):
        message = "auth_username and auth_password need each other: nobody is asked for them"
        warnings.append(ConfigWarning(section.path, section.line, message))
    return settings
