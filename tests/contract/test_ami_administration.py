"""The real server, administered over the manager interface alone."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from arion.testing import CallFailed, Phone

from tests.contract.test_ami import Wire
from tests.support.ami import Block
from tests.support.server_process import ServerProcess, free_port

MANAGER = """
[general]
enabled = yes
bindaddr = 127.0.0.1
port = {port}

[admin]
secret = s3cret
read = all
write = all
"""


class Admin:
    """One session that acts, and another that listens."""

    def __init__(self, acting: Wire, hearing: Wire) -> None:
        self.acting = acting
        self.hearing = hearing

    async def ask(self, action: str, **headers: str) -> Block:
        return await self.acting.ask(_frame(action, headers))

    async def list(self, action: str, **headers: str) -> list[Block]:
        """Return the events of a list, without what ends it."""
        answer = await self.ask(action, **headers)
        assert answer["EventList"] == "start", answer
        blocks: list[Block] = []
        while (block := await self.acting.block()).get("EventList") != "Complete":
            blocks.append(block)
        return blocks

    async def event(self, name: str) -> Block:
        while (block := await self.hearing.block()).get("Event") != name:
            pass
        return block


def _frame(action: str, headers: dict[str, str]) -> str:
    lines = [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return "\r\n".join([f"Action: {action}", *lines, "", ""])


def update(number: int, action: str, section: str, **parts: str) -> dict[str, str]:
    """Return the headers of one update of UpdateConfig."""
    parts = {"Action": action, "Cat": section, **parts}
    return {f"{name}-{number:06}": value for name, value in parts.items()}


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[ServerProcess]:
    made = ServerProcess(tmp_path / "var")
    (tmp_path / "var/etc/manager.conf").write_text(MANAGER.format(port=free_port()), "utf-8")
    await made.start()
    try:
        yield made
        assert await made.leftovers() == []
        assert await made.stop() == 0
    finally:
        if made.process and made.process.returncode is None:
            await made.kill()


@pytest.fixture
async def admin(server: ServerProcess) -> AsyncIterator[Admin]:
    text = (server.var / "etc/manager.conf").read_text("utf-8")
    port = int(text.partition("port = ")[2].split()[0])
    wires = [await Wire.connect(("127.0.0.1", port)) for _ in range(2)]
    await wires[0].log_in()
    await wires[1].log_in(events="on")
    yield Admin(*wires)
    for wire in wires:
        await wire.close()


DORA = (
    ("NewCat", {"Options": 'inherit="phone"'}),
    ("Append", {"Var": "auth", "Value": "dora", "Options": 'catfilter="type=endpoint"'}),
    ("Append", {"Var": "aors", "Value": "dora", "Options": 'catfilter="type=endpoint"'}),
    ("NewCat", {"Options": 'allowdups,inherit="credentials"'}),
    ("Append", {"Var": "username", "Value": "dora", "Options": 'catfilter="type=auth"'}),
    ("Append", {"Var": "password", "Value": "wonder", "Options": 'catfilter="type=auth"'}),
    ("NewCat", {"Options": 'allowdups,inherit="place"'}),
)


async def test_a_phone_is_added_and_put_under_maintenance(
    server: ServerProcess, admin: Admin
) -> None:
    path = server.var / "etc/pjsip.conf"
    before = path.read_text("utf-8")
    added: dict[str, str] = {}
    for number, (kind, parts) in enumerate(DORA):
        added |= update(number, kind, "dora", **parts)
    answer = await admin.ask(
        "UpdateConfig", SrcFilename="pjsip.conf", DstFilename="pjsip.conf", Reload="res_pjsip",
        **added,
    )  # fmt: skip
    assert answer == {"Response": "Success"}
    assert path.read_text("utf-8") == (
        before + "\n[dora](phone)\nauth = dora\naors = dora\n"
        "\n[dora](credentials)\nusername = dora\npassword = wonder\n\n[dora](place)\n"
    )
    async with Phone("dora", "wonder", server=server.sip) as phone:
        assert await phone.register() == 200
        parts = await admin.list("PJSIPShowEndpoint", Endpoint="dora")
        assert [part["Event"] for part in parts] == [
            "EndpointDetail", "AorDetail", "AuthDetail", "ContactStatusDetail",
        ]  # fmt: skip
        call = await phone.call("700")
        await admin.ask("PJSIPSetMaintenance", Endpoint="dora", State="on")
        told = await admin.event("PJSIPMaintenanceStatus")
        assert (told["Endpoint"], told["Status"]) == ("dora", "enabled")
        await call.hangup()
        with pytest.raises(CallFailed) as refused:
            await phone.call("700")
        assert refused.value.status == 503
        await admin.ask("PJSIPSetMaintenance", Endpoint="dora", State="off")
        await (await phone.call("700")).hangup()


async def test_a_call_is_recorded_and_its_number_changed_while_it_lasts(
    server: ServerProcess, admin: Admin
) -> None:
    step = {"Context": "phones", "Extension": "799", "Priority": "1", "Application": "Goto"}
    answer = await admin.ask("DialplanExtensionAdd", **step, ApplicationData="700,1")
    assert answer["Message"] == "Added requested extension"
    shown = await admin.list("ShowDialPlan", Context="phones", Extension="799")
    assert [(row["Application"], row["AppData"]) for row in shown] == [("Goto", "700,1")]
    async with Phone("alice", server.access.phones["alice"], server=server.sip) as phone:
        await phone.register()
        call = await phone.call("799")
        channel = (await admin.list("CoreShowChannels"))[0]["Channel"]
        begun = await admin.ask("MixMonitor", Channel=channel, File="talk.wav")
        await admin.event("MixMonitorStart")
        await admin.ask("MixMonitorMute", Channel=channel, Direction="read", State="1")
        assert (await admin.event("MixMonitorMute"))["State"] == "1"
        stop = {"Channel": channel, "MixMonitorID": begun["MixMonitorID"]}
        assert await admin.ask("StopMixMonitor", **stop) == {"Response": "Success"}
        await admin.event("MixMonitorStop")
        assert (server.var / "spool/monitor/talk.wav").read_bytes()[:4] == b"RIFF"
        await call.hangup()
    assert (await admin.ask("LoggerRotate"))["Response"] == "Success"
    checked = await admin.ask("ModuleCheck", Module="res_pjsip")
    assert checked["Response"] == "Success"
    assert (await admin.ask("ModuleLoad", LoadType="reload"))["Message"] == "All modules reloaded"
    assert (await admin.ask("ShowDialPlan", Extension="799"))["Response"] == "Error"
