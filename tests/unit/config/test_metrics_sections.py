"""prometheus.conf and tracing.conf."""

from __future__ import annotations

import pytest

from server.base.errors import ConfigError
from server.config.ini import parse_text
from server.config.objects import ConfigWarning
from server.config.sections.prometheus import Prometheus, build_prometheus
from server.config.sections.tracing import Tracing, build_tracing


def prometheus(text: str) -> tuple[Prometheus, list[str]]:
    warnings: list[ConfigWarning] = []
    return build_prometheus(parse_text(text), warnings), [str(each) for each in warnings]


def test_the_defaults_are_asterisks() -> None:
    assert prometheus("") == (
        Prometheus(False, True, "/metrics", "", "", "Asterisk Prometheus Metrics"),
        [],
    )


@pytest.mark.parametrize("uri", ["figures/now", "/figures/now", "/figures/now/"])
def test_the_path_has_its_slash_or_not(uri: str) -> None:
    assert prometheus(f"[general]\nuri={uri}\n")[0].uri == "/figures/now"


def test_an_empty_path_is_an_error() -> None:
    with pytest.raises(ConfigError):
        prometheus("[general]\nuri=/\n")


def test_half_a_login_is_told() -> None:
    _, (warning,) = prometheus("[general]\nauth_username=x\n")
    assert "auth_username and auth_password need each other" in warning


def test_tracing_is_off_by_default() -> None:
    assert build_tracing(parse_text(""), []) == Tracing()
    assert not Tracing().enabled


def test_a_ratio_is_a_share() -> None:
    text = "[general]\nenabled=yes\nsample_ratio={}\nendpoint=http://c:4318/v1/traces\n"
    assert build_tracing(parse_text(text.format("0.1")), []).sample_ratio == 0.1
    with pytest.raises(ConfigError):
        build_tracing(parse_text(text.format("2")), [])
