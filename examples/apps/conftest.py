"""One server for the tests of all example applications."""

from __future__ import annotations

from pathlib import Path

import pytest
from arion.testing import ServerConfig
from arion.testing.plugin import arion_client as arion_client
from arion.testing.plugin import arion_server as arion_server
from arion.testing.plugin import phone as phone
from arion.testing.plugin import pytest_runtest_makereport as pytest_runtest_makereport
from arion.testing.plugin import run_app as run_app

NUMBERS = {
    "1100": "Stasis(ivr)",
    "1200": "Stasis(voicemail,200)",
    "1201": "Stasis(voicemail,200,owner)",
    "1300": "Stasis(queue)",
    "1301": "Stasis(queue,login,PJSIP/bob)",
    "1302": "Stasis(queue,logout,PJSIP/bob)",
    "1400": "Stasis(recording,PJSIP/bob)",
    "1500": "Stasis(followme,PJSIP/bob,PJSIP/carol)",
    "1501": "Stasis(followme,PJSIP/bob&PJSIP/carol)",
    "1600": "Stasis(voiceagent)",
    "3000": "Stasis(conference,room)",
    "3001": "Stasis(conference,room,moderator)",
}
PROMPTS = (
    "agent-loggedoff",
    "agent-loginok",
    "auth-thankyou",
    "conf-locked",
    "conf-lockednow",
    "conf-muted",
    "conf-onlyperson",
    "conf-unlockednow",
    "conf-unmuted",
    "confbridge-join",
    "confbridge-leave",
    "digits/1",
    "followme/options",
    "hello-world",
    "pbx-invalid",
    "queue-thereare",
    "vm-advopts",
    "vm-changeto",
    "vm-deleted",
    "vm-goodbye",
    "vm-instructions",
    "vm-intro",
    "vm-msgsaved",
    "vm-nobodyavail",
    "vm-nomore",
    "vm-options",
    "vm-tocallback",
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Repeat what was not heard: a phone that got no CPU for a moment speaks late."""
    for item in items:
        if item.path.is_relative_to(Path(__file__).parent):
            item.add_marker(pytest.mark.flaky(reruns=2, only_rerun="NotHeard"))


@pytest.fixture(scope="session")
def arion_config() -> ServerConfig:
    """What can be dialled, and the prompts that are played."""
    return ServerConfig(dialplan=NUMBERS, prompts=PROMPTS)
