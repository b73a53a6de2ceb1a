"""What a service manager such as systemd is told: ready, alive, stopping (sd_notify(3))."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import time
from collections.abc import Mapping

MIN_INTERVAL = 0.1  # seconds


class ServiceManager:
    """Sends datagrams to ``NOTIFY_SOCKET``; without one it does nothing.

    The event loop itself says that it is alive, so that one that hangs is found out and the
    server is started again.

    :param environment: the process's own if not given.
    """

    def __init__(self, environment: Mapping[str, str] | None = None) -> None:
        values = os.environ if environment is None else environment
        self._address = _address(values.get("NOTIFY_SOCKET", ""))
        self._interval = _interval(values)
        self._timer: asyncio.TimerHandle | None = None

    def ready(self) -> None:
        """Calls and requests are served; begin to say that we are alive."""
        self._send("READY=1\nSTATUS=Serving calls")
        if self._interval:
            self._tell_alive()

    def stopping(self, *, is_restart: bool = False) -> None:
        """The server ends. May be called again.

        :param is_restart: the same process begins anew: a manager that is told of a stop would
            end it after a while.
        """
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if is_restart:
            self._send(f"RELOADING=1\nMONOTONIC_USEC={time.monotonic_ns() // 1000}")
        else:
            self._send("STOPPING=1\nSTATUS=Ending calls")

    def _tell_alive(self) -> None:
        self._send("WATCHDOG=1")
        self._timer = asyncio.get_running_loop().call_later(self._interval, self._tell_alive)

    def _send(self, state: str) -> None:
        if not self._address:
            return
        with (
            contextlib.suppress(OSError),  # a manager that is gone needs no news
            socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as notify,
        ):
            notify.setblocking(False)
            notify.sendto(state.encode(), self._address)


def _address(path: str) -> str:
    """Return the socket's address; ``@`` stands for the first byte of an abstract one."""
    if path.startswith("@"):
        return "\0" + path[1:]
    return path if path.startswith("/") else ""


def _interval(values: Mapping[str, str]) -> float:
    """Return how often to say that we are alive: half of what is allowed, as sd_notify(3) advises.

    The timer runs on over a restart of ours, which keeps the process id.
    """
    limit, pid = values.get("WATCHDOG_USEC", ""), values.get("WATCHDOG_PID", "")
    if not limit.isascii() or not limit.isdigit() or (pid and pid != str(os.getpid())):
        return 0.0
    return max(MIN_INTERVAL, int(limit) / 2_000_000) if int(limit) else 0.0
