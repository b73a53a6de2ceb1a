"""SIPp against the server: registration, calls both ways, hold, cancel, refusals; UDP and TCP."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from tests.support.peers.sipp import run_sipp
from tests.support.server_process import ServerProcess, free_port

TRANSPORTS = pytest.mark.parametrize("transport", ["udp", "tcp"])


@TRANSPORTS
async def test_sipp_registers_and_unregisters(
    server: ServerProcess, tmp_path: Path, transport: str
) -> None:
    password = server.access.phones["alice"]
    port = free_port()
    for expires, expected in (("300", 1), ("0", 0)):
        await run_sipp(
            tmp_path, "register", server.sip, "-key", "expires", expires,
            password=password, transport=transport, port=port,
        )  # fmt: skip
        assert await server.contacts("alice") == expected


@TRANSPORTS
async def test_a_wrong_password_registers_nothing(
    server: ServerProcess, tmp_path: Path, transport: str
) -> None:
    await run_sipp(tmp_path, "register_refused", server.sip, password="wrong", transport=transport)
    assert await server.contacts("alice") == 0


@pytest.mark.parametrize("user", ["alice", "nobody"])
async def test_a_call_with_a_wrong_password_is_refused(
    server: ServerProcess, tmp_path: Path, user: str
) -> None:
    await run_sipp(
        tmp_path, "uac_refused", server.sip, "-key", "number", "700", user=user, password="wrong"
    )


async def test_an_unknown_number_is_not_found(server: ServerProcess, tmp_path: Path) -> None:
    await run_sipp(
        tmp_path, "uac_not_found", server.sip, "-key", "number", "999",
        password=server.access.phones["alice"],
    )  # fmt: skip


@TRANSPORTS
async def test_sipp_calls_and_hangs_up(
    server: ServerProcess, tmp_path: Path, transport: str
) -> None:
    await run_sipp(
        tmp_path, "uac_call", server.sip, "-key", "number", "700", "-d", "300",
        password=server.access.phones["alice"], transport=transport, calls=5,
    )  # fmt: skip


@TRANSPORTS
async def test_sipp_holds_and_resumes(
    server: ServerProcess, tmp_path: Path, transport: str
) -> None:
    await run_sipp(
        tmp_path, "uac_hold", server.sip, "-key", "number", "700",
        password=server.access.phones["alice"], transport=transport,
    )  # fmt: skip


async def call_registered_sipp(
    server: ServerProcess, folder: Path, caller: str, called: str, transport: str = "udp"
) -> None:
    """Register SIPp as Bob, then run a caller's scenario against his."""
    port = free_port()
    await run_sipp(
        folder / "bob", "register", server.sip, "-key", "expires", "300",
        user="bob", password=server.access.phones["bob"], port=port,
    )  # fmt: skip
    bob = asyncio.create_task(
        run_sipp(folder / "bob", called, server.sip, user="bob", port=port, seconds=20)
    )
    await asyncio.sleep(0)
    try:
        await run_sipp(
            folder / "alice", caller, server.sip, "-key", "number", "102", "-d", "500",
            password=server.access.phones["alice"], transport=transport, seconds=20,
        )  # fmt: skip
        await bob
    finally:
        bob.cancel()


@TRANSPORTS
async def test_sipp_calls_sipp(server: ServerProcess, tmp_path: Path, transport: str) -> None:
    await call_registered_sipp(server, tmp_path, "uac_call", "uas_answer", transport)


async def test_a_caller_who_gives_up_cancels_the_called_phone(
    server: ServerProcess, tmp_path: Path
) -> None:
    await call_registered_sipp(server, tmp_path, "uac_cancel", "uas_cancelled")


async def test_a_busy_phone_is_told_to_the_caller(server: ServerProcess, tmp_path: Path) -> None:
    await call_registered_sipp(server, tmp_path, "uac_busy", "uas_busy")
