"""StatsD(): a figure for a statistics server, by UDP."""

from __future__ import annotations

import asyncio
import random
import re
import socket

from server.base.errors import InvalidArgument, ServerError
from server.config.sections.statsd import StatsdSettings, build_statsd
from server.dialplan.arguments import argument, split_arguments
from server.dialplan.executor import Call
from server.dialplan.functions.configuration import Files
from server.dialplan.port import Dialplan
from server.dialplan.registry import application

TYPES = frozenset({"g", "c", "m", "ms", "s"})
MAX_NAME = 255  # characters

_INTEGER = re.compile(r"[+-]?\d{1,18}")
_RATE = re.compile(r"0*(?:0|1|0?\.\d{1,15}|0\.\d{1,15}|1\.0{1,15})")


class Statsd:
    """Sends figures as statsd.conf says; the file is looked at again when it has changed."""

    def __init__(self, dialplan: Dialplan) -> None:
        self._files = dialplan.part(Files)
        self._socket: socket.socket | None = None
        self._address: tuple[str, object] = ("", None)

    async def settings(self) -> StatsdSettings:
        """Return statsd.conf; without one nothing is sent."""
        try:
            return build_statsd(await self._files.get("statsd.conf"), [])
        except InvalidArgument:
            return StatsdSettings()

    async def send(self, settings: StatsdSettings, message: str) -> None:
        """Send one datagram; what can't be sent at once is lost.

        :raises InvalidArgument: the server's name is not known.
        """
        name = f"{settings.prefix}.{message}" if settings.prefix else message
        data = f"{name}\n" if settings.add_newline else name
        family, address = await self._resolve(settings)
        if self._socket is None or self._socket.family != family:
            self.close()
            self._socket = socket.socket(family, socket.SOCK_DGRAM)
            self._socket.setblocking(False)
        try:
            self._socket.sendto(data.encode("utf-8", "replace"), address)
        except OSError as error:
            raise ServerError(f"{settings.server}: {error.strerror}") from None

    @property
    def is_open(self) -> bool:
        """Whether something was sent and the socket is open."""
        return self._socket is not None

    def close(self) -> None:
        """Close the socket; the next figure opens another."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    async def _resolve(self, settings: StatsdSettings) -> tuple[int, tuple[str, int]]:
        key = str(settings.server)
        if self._address[0] != key:
            try:
                found = await asyncio.get_running_loop().getaddrinfo(
                    settings.server.host, settings.server.port, type=socket.SOCK_DGRAM
                )
            except OSError as error:
                raise InvalidArgument("server", f"{key}: {error.strerror}") from None
            self._address = key, (found[0][0], found[0][4][:2])
        resolved: tuple[int, tuple[str, int]] = self._address[1]  # type: ignore[assignment]
        return resolved


@application("StatsD")
async def statsd(call: Call, data: str) -> None:
    """StatsD(type,name,value,rate): send a figure.

    Types are ``g`` gauge, ``c`` counter, ``m`` meter, ``ms`` timer and ``s`` set. The rate, 0 to
    1, is the share of calls that are told of.
    """
    arguments = split_arguments(data, 4)
    kind, name, value = (argument(arguments, index).strip() for index in range(3))
    rate = argument(arguments, 3).strip()
    _check(kind, name, value, rate)
    part = call.dialplan.part(Statsd)
    settings = await part.settings()
    if not settings.enabled or (rate and random.random() >= float(rate)):
        return
    if kind == "m" and not settings.meter_support:
        kind = "c"
    suffix = f"|@{rate}" if rate and float(rate) < 1 else ""
    await part.send(settings, f"{name}:{value}|{kind}{suffix}")


def _check(kind: str, name: str, value: str, rate: str) -> None:
    if kind not in TYPES:
        raise InvalidArgument("metric_type", f"{kind!r} is none of {', '.join(sorted(TYPES))}")
    if not name or len(name) > MAX_NAME or not name.isprintable() or set(name) & set(":|@"):
        raise InvalidArgument("statistic_name", f"{name!r} can't be one")
    if kind != "s" and not _INTEGER.fullmatch(value):
        raise InvalidArgument("value", f"{value!r} is not a whole number")
    if kind in ("c", "m", "ms") and value.startswith("-") and kind != "c":
        raise InvalidArgument("value", f"{value!r} is negative")
    if not value or not value.isprintable() or set(value) & set(":|@"):
        raise InvalidArgument("value", f"{value!r} can't be one")
    if rate and not _RATE.fullmatch(rate):
        raise InvalidArgument("sample_rate", f"{rate!r} is not from 0 to 1")
