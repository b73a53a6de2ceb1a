"""Every action and event of Asterisk's is here, or it is said why it is not.

tests/data/ami holds what is published of them.
"""

from __future__ import annotations

import json
import re
from functools import cache
from pathlib import Path

import pytest

from server.ami.actions import load_actions
from server.ami.events.classes import CLASSES
from server.ami.permissions import NAMES, mask_of

DATA = Path(__file__).parents[2] / "data/ami"
ACTIONS = json.loads((DATA / "actions.json").read_text())
EVENTS = json.loads((DATA / "events.json").read_text())
SERVER = Path(__file__).parents[3] / "server"

NO_HARDWARE = "needs telephony cards"
NO_FAX = "there is no fax"
SERVICES = "belongs to a service that is not part of this server yet"
REPLACED = "a protocol that is not served"

# actions that are not offered, by what their names begin with
EXCLUDED_ACTIONS = {
    r"DAHDI|PRI": NO_HARDWARE,
    r"FAX": NO_FAX,
    r"AOC": "there is no advice of charge",
    r"IAX|Jabber|Meetme": REPLACED,
    r"Agent|Queue|Voicemail|Confbridge|Park": SERVICES,
}
# events that nothing here can cause, by pattern
EXCLUDED_EVENTS = {
    r"DAHDI|Alarm|SpanAlarm|DNDState|MCID|Wink|PRI|MobileStatus|Flash": NO_HARDWARE,
    r".*FAX": NO_FAX,
    r"Jabber|Meetme|Peer(Entry|list)|Registr(ationsComplete|yEntry)": REPLACED,
    r"Agent|Queue|Voicemail|Confbridge|Park|UnPark|MiniVoiceMail": SERVICES,
    r"CC[A-Z]|AOC-": "there is no call completion, nor advice of charge",
}


def excluded(name: str, patterns: dict[str, str]) -> str:
    """Return why a name is left out, empty if it is not."""
    return next((why for pattern, why in patterns.items() if re.match(pattern, name)), "")


@pytest.mark.parametrize("name", sorted(ACTIONS))
def test_an_action_is_there_with_its_classes(name: str) -> None:
    found = load_actions().find(name)
    if excluded(name, EXCLUDED_ACTIONS):
        assert found is None or found.name == name
        return
    assert found is not None, f"{name} is missing"
    assert found.name == name
    assert found.classes == mask_of(ACTIONS[name]["privileges"])


def test_no_action_is_made_up() -> None:
    assert {each.name for each in load_actions()} <= ACTIONS.keys()


def test_the_classes_of_events_are_asterisks() -> None:
    for name, known in EVENTS.items():
        if known["class"] in NAMES:
            assert CLASSES[name] == NAMES[known["class"]], name


@pytest.mark.parametrize("name", sorted(CLASSES))
def test_an_event_is_told_somewhere(name: str) -> None:
    if excluded(name, EXCLUDED_EVENTS) or name in NOT_CAUSED:
        return
    assert name in _told(), f"nothing tells {name}"


# events without a cause here, each with its reason
NOT_CAUSED = {
    "AuthMethodNotAllowed": "all methods are allowed",
    "InvalidTransport": "all transports are allowed",
    "LoadAverageLimit": "logins don't depend on the load",
    "MemoryLimit": "logins don't depend on memory",
    "UnexpectedAddress": "addresses of sessions don't change",
    "BridgeMerge": "bridges never merge",
    "BridgeInfoComplete": "told under this name by the action itself",
    "CEL": "there are no channel event logs yet",
    "Cdr": "there are no call detail records yet",
    "CloseSession": "only told by Asterisk's own HTTP client",
    "DeadlockStart": "there are no locks",
    "DialState": "made by the same function as DialEnd",
    "LogChannel": "log channels are not announced",
    "RTCPReceived": "the media engine keeps sums, not reports",
    "RTCPSent": "the media engine keeps sums, not reports",
    "Registry": "this server does not register elsewhere yet",
    "InboundSubscriptionDetail": "there are no SIP subscriptions yet",
    "OutboundSubscriptionDetail": "there are no SIP subscriptions yet",
    "ResourceListDetail": "there are no SIP subscriptions yet",
    "OutboundRegistrationDetail": "this server does not register elsewhere yet",
    "Rename": "channels keep their names",
    "TestEvent": "only for tests of Asterisk itself",
}


@cache
def _told() -> set[str]:
    """Return every name in quotes in the sources, which is where events are told by name."""
    sources = [path.read_text() for path in SERVER.rglob("*.py") if path.name != "classes.py"]
    words = set(re.findall(r'"([A-Za-z][A-Za-z-]*)"', "\n".join(sources)))
    words |= {f"{kind}ListComplete" for kind in ("Aor", "Auth", "Contact", "Endpoint")}
    return words | {f"HangupHandler{part}" for part in ("Push", "Pop", "Run")}
