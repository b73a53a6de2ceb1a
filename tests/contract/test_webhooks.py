"""The real server POSTs to an application, which answers a call in its reply."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.support.server_process import ServerProcess
from tests.support.webhook_receiver import Receiver, running_receiver

DIALPLAN = """
[phones](+)
exten => 740,1,Stasis(hooked,one,two)
 same => n,Set(GLOBAL(RESULT)=${STASISSTATUS})
"""
ARI = """
[crm]
type = webhook
url = {url}
apps = hooked
secret = s3cret
local_ari_user = arion
retry_interval = 20
max_attempts = 2
"""


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    async with running_receiver() as made:
        yield made


@pytest.fixture
async def server(tmp_path: Path, receiver: Receiver) -> AsyncIterator[ServerProcess]:
    made = ServerProcess(tmp_path / "var")
    etc = made.var / "etc"
    with (etc / "extensions.conf").open("a") as file:
        file.write(DIALPLAN)
    with (etc / "ari.conf").open("a") as file:
        file.write(ARI.format(url=receiver.url))
    await made.start()
    try:
        yield made
        assert await made.stop() == 0
        assert not re.findall(r"(?m)^.*(?:Traceback|\bERROR\b).*$", made.log)
    finally:
        if made.process and made.process.returncode is None:
            await made.kill()


async def test_a_call_is_controlled_by_replies(server: ServerProcess, receiver: Receiver) -> None:
    await receiver.until("ApplicationRegistered")
    receiver.is_open.clear()
    await server.post("/channels", endpoint="Local/740@phones/n", extension="700", context="phones")
    started = await receiver.until("StasisStart")
    assert started["args"] == ["one", "two"]
    receiver.command(
        {"method": "POST", "uri": f"channels/{started['channel']['id']}/answer"},
        {"method": "POST", "uri": f"channels/{started['channel']['id']}/continue"},
    )
    receiver.is_open.set()
    await receiver.until("StasisEnd")
    shown = (await server.cli("ari show webhooks")).splitlines()
    assert shown[2].split()[:2] == ["crm", "hooked"]
    assert int(shown[2].split()[3]) >= 2


async def test_what_is_refused_is_written_to_the_spool_folder(
    server: ServerProcess, receiver: Receiver
) -> None:
    await receiver.until("ApplicationRegistered")
    receiver.answers.extend([(500, b"")] * 2)
    await server.post("/events/user/hello", application="hooked")
    await receiver.until("ChannelUserevent")
    await receiver.until("ChannelUserevent")
    await server.cli("module reload res_ari")
    assert await server.stop() == 0
    (path,) = server.var.rglob("crm.dead")
    assert path.parent.name == "webhooks"
    (letter,) = [json.loads(line) for line in path.read_text().splitlines()]
    assert letter["events"][0]["eventname"] == "hello"
    assert letter["attempts"] == 2
