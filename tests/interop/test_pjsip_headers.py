"""Headers that the dialplan reads and writes, seen by SIPp."""

from __future__ import annotations

import asyncio
import contextlib
from pathlib import Path

import pytest

from tests.support.peers.sipp import run_sipp
from tests.support.server_process import ServerProcess, free_port

DIALPLAN = """
[phones](+)
exten => 840,1,Set(GLOBAL(ORDERS)=${PJSIP_HEADER(read,X-Order)}-${PJSIP_HEADER(read,x-order,2)})
 same => n,Set(GLOBAL(NAMES)=${PJSIP_HEADERS(X-)})
 same => n,PJSIPHangup(UNSUPPORTED_CERTIFICATE)
exten => 841,1,Answer()
 same => n,Set(PJSIP_INHERITABLE_HEADER(add,X-Account)=account-17)
 same => n,Dial(PJSIP/bob,10,gb(phones^842^1)U(phones-notify))
exten => 842,1,Set(PJSIP_HEADER(add,X-One)=one)
 same => n,Set(PJSIP_HEADER(add,X-Gone)=1)
 same => n,Set(PJSIP_HEADER(remove,X-Gone)=)
 same => n,Set(PJSIP_HEADER_PARAM(From,uri,isup-oli)=27)
 same => n,Return()
[phones-notify]
exten => s,1,Set(GLOBAL(PHONE)=${PJSIP_RESPONSE_HEADER(read,X-Phone)})
 same => n,PJSIPNotify(,wake)
 same => n,Set(GLOBAL(CALLED)=${CHANNEL(pjsip,call-id)})
 same => n,Return()
"""
NOTIFY = "[wake]\nEvent=>check-sync\nContent-Type=>text/plain\nContent=>wake up\n"


@pytest.fixture
async def prepared(server: ServerProcess) -> ServerProcess:
    """The server with :data:`DIALPLAN` and :data:`NOTIFY`."""
    etc = server.var / "etc"
    path = etc / "extensions.conf"
    path.write_text(path.read_text("utf-8") + DIALPLAN, "utf-8")
    (etc / "pjsip_notify.conf").write_text(NOTIFY, "utf-8")
    await server.cli("dialplan reload")
    return server


async def variable(server: ServerProcess, name: str) -> str:
    value = ""

    async def is_set() -> bool:
        nonlocal value
        with contextlib.suppress(AssertionError):  # 404 until it is set
            value = (await server.get("/asterisk/variable", variable=name))["value"]
        return bool(value)

    await server.until(is_set, 10, f"{name} to be set")
    return value


async def test_the_dialplan_reads_headers_and_refuses_by_a_status(
    prepared: ServerProcess, tmp_path: Path
) -> None:
    await run_sipp(
        tmp_path, "uac_headers", prepared.sip, "-key", "number", "840",
        password=prepared.access.phones["alice"],
    )  # fmt: skip
    assert await variable(prepared, "ORDERS") == "first-second"
    assert await variable(prepared, "NAMES") == "X-Order"


async def test_the_dialplan_writes_headers_reads_the_answers_and_notifies(
    prepared: ServerProcess, tmp_path: Path
) -> None:
    port = free_port()
    await run_sipp(
        tmp_path / "bob", "register", prepared.sip, "-key", "expires", "300",
        user="bob", password=prepared.access.phones["bob"], port=port,
    )  # fmt: skip
    bob = asyncio.create_task(
        run_sipp(tmp_path / "bob", "uas_headers", prepared.sip, user="bob", port=port, seconds=20)
    )
    await asyncio.sleep(0)
    try:
        await run_sipp(
            tmp_path / "alice", "uac_call", prepared.sip, "-key", "number", "841", "-d", "1000",
            password=prepared.access.phones["alice"], seconds=20,
        )  # fmt: skip
        await bob
    finally:
        bob.cancel()
    assert await variable(prepared, "PHONE") == "desk"
    assert await variable(prepared, "CALLED")
