"""statsd.conf: where figures are sent."""

from __future__ import annotations

from dataclasses import dataclass

from server.config.binder import bind, setting
from server.config.objects import ConfigFile, ConfigWarning, Option, unknown_section
from server.config.types import SocketAddress, boolean, socket_address, text

STATSD_PORT = 8125


@dataclass(frozen=True, slots=True)
class StatsdSettings:
    """``[general]``.

    :param prefix: stands before each name, with a point.
    :param meter_support: whether the server knows meters; they are sent as counters otherwise.
    """

    enabled: bool = setting(boolean, False)
    server: SocketAddress = setting(  # noqa: RUF009 - SocketAddress is frozen
        socket_address(STATSD_PORT), SocketAddress("127.0.0.1", STATSD_PORT)
    )
    prefix: str = setting(text, "")
    add_newline: bool = setting(boolean, False)
    meter_support: bool = setting(boolean, True)


def build_statsd(file: ConfigFile, warnings: list[ConfigWarning]) -> StatsdSettings:
    """Read statsd.conf, whose section is ``[general]`` in its sample and ``[global]`` elsewhere.

    :raises ConfigError: a value is wrong.
    """
    options: list[Option] = []
    for section in file.sections:
        if section.name.lower() in ("general", "global"):
            options += section.options
        else:
            warnings.append(unknown_section(section))
    return bind(StatsdSettings, options, warnings)
