"""What a service manager is sent."""

from __future__ import annotations

import asyncio
import os
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from server.app import service_manager
from server.app.service_manager import ServiceManager


@pytest.fixture
def manager(tmp_path: Path) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as receiver:
        receiver.bind(str(tmp_path / "notify"))
        receiver.setblocking(False)
        yield receiver


def received(manager: socket.socket) -> list[str]:
    found = []
    try:
        while True:
            found.append(manager.recv(1000).decode())
    except BlockingIOError:
        return found


async def test_it_is_told_ready_and_stopping(manager: socket.socket) -> None:
    service = ServiceManager({"NOTIFY_SOCKET": manager.getsockname()})
    service.ready()
    assert received(manager) == ["READY=1\nSTATUS=Serving calls"]
    service.stopping()
    assert received(manager) == ["STOPPING=1\nSTATUS=Ending calls"]


async def test_a_restart_is_no_stop(manager: socket.socket) -> None:
    service = ServiceManager({"NOTIFY_SOCKET": manager.getsockname()})
    service.stopping(is_restart=True)
    (state,) = received(manager)
    reloading, _, moment = state.partition("\nMONOTONIC_USEC=")
    assert reloading == "RELOADING=1"
    assert 0 <= time.monotonic() - int(moment) / 1_000_000 < 5


async def test_the_loop_says_that_it_is_alive_until_the_end(
    manager: socket.socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service_manager, "MIN_INTERVAL", 0.0)
    service = ServiceManager({"NOTIFY_SOCKET": manager.getsockname(), "WATCHDOG_USEC": "2"})
    service.ready()
    seen = received(manager)
    while seen.count("WATCHDOG=1") < 3:
        await asyncio.sleep(0)
        seen += received(manager)
    service.stopping()
    received(manager)
    for _ in range(5):
        await asyncio.sleep(0)
    assert received(manager) == []


@pytest.mark.parametrize(
    "more",
    [
        {},
        {"WATCHDOG_USEC": "0"},
        {"WATCHDOG_USEC": "soon"},
        {"WATCHDOG_USEC": "1000", "WATCHDOG_PID": "1"},
    ],
)
async def test_without_a_watchdog_there_is_no_sign_of_life(
    manager: socket.socket, more: dict[str, str]
) -> None:
    ServiceManager({"NOTIFY_SOCKET": manager.getsockname(), **more}).ready()
    assert received(manager) == ["READY=1\nSTATUS=Serving calls"]


async def test_the_watchdog_of_this_process_counts(manager: socket.socket) -> None:
    environment = {
        "NOTIFY_SOCKET": manager.getsockname(),
        "WATCHDOG_USEC": "30000000",
        "WATCHDOG_PID": str(os.getpid()),
    }
    service = ServiceManager(environment)
    service.ready()
    assert received(manager)[1:] == ["WATCHDOG=1"]
    service.stopping()


async def test_an_abstract_socket_will_do() -> None:
    name = f"arion-test-{os.getpid()}"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as receiver:
        receiver.bind("\0" + name)
        receiver.setblocking(False)
        ServiceManager({"NOTIFY_SOCKET": f"@{name}"}).ready()
        assert received(receiver)


@pytest.mark.parametrize("path", ["", "relative", "/no/such/socket"])
async def test_nobody_to_tell_is_no_trouble(path: str) -> None:
    service = ServiceManager({"NOTIFY_SOCKET": path})
    service.ready()
    service.stopping()
