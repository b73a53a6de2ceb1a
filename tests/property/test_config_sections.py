"""Whatever a file says, a section's builder makes settings of it or names the line."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.base.errors import ConfigError
from server.config.acl import build_acls
from server.config.ini import parse_text
from server.config.objects import ConfigFile, ConfigWarning
from server.config.sections.asterisk import build_asterisk
from server.config.sections.http import build_http
from server.config.sections.logger import build_logger
from server.config.sections.modules import build_modules
from server.config.sections.musiconhold import build_musiconhold
from server.config.sections.rtp import build_rtp
from server.config.sections.statsd import build_statsd

BUILDERS: dict[str, Callable[[ConfigFile, list[ConfigWarning]], object]] = {
    "acl": build_acls,
    "asterisk": build_asterisk,
    "http": lambda file, warnings: build_http(file, warnings, {}),
    "logger": build_logger,
    "modules": build_modules,
    "musiconhold": build_musiconhold,
    "rtp": lambda file, warnings: build_rtp(file, warnings, {}),
    "statsd": build_statsd,
}
SECTIONS = ("general", "options", "modules", "logfiles", "files", "global", "default", "x")
NAMES = (
    "permit", "deny", "acl", "type", "path", "load", "require", "noload", "autoload", "console",
    "x.log", "bindaddr", "tlsbindaddr", "bindport", "redirect", "prefix", "rtpstart", "rtpend",
    "maxload", "verbose", "astctlpermissions", "custom_levels", "dateformat", "queue_log_name",
    "rotatestrategy", "mode", "directory", "entry", "sort", "server", "entityid", "strictrtp",
)  # fmt: skip
VALUES = st.one_of(
    st.text(st.characters(exclude_characters="\n\r"), max_size=40),
    st.sampled_from(
        ("!10.0.0.0/8,::/0", "10.0.0.0/255.0.255.0", "[::1]:99999", "[json]verbose(9)", "verbose(",
         "0660", "-1", "1e999", "nan", "restriction", "files", "a b", "app_dial.so", "../x")
    ),
)  # fmt: skip
LINES = st.lists(st.tuples(st.sampled_from(NAMES), VALUES), max_size=8)


@pytest.mark.parametrize("name", BUILDERS)
@given(section=st.sampled_from(SECTIONS), lines=LINES)
def test_any_options_give_settings_or_a_config_error(
    name: str, section: str, lines: list[tuple[str, str]]
) -> None:
    text = f"[{section}]\n" + "".join(f"{option} = {value}\n" for option, value in lines)
    warnings: list[ConfigWarning] = []
    failure: ConfigError | None = None
    try:
        BUILDERS[name](parse_text(text, path="x.conf"), warnings)
    except ConfigError as error:
        failure = error
    assert failure is None or (failure.path == "x.conf" and failure.line > 0)
    assert all(warning.path == "x.conf" for warning in warnings)
