"""The generated model: in sync with api-spec, complete, and as the wire wants it."""

from __future__ import annotations

import inspect
import subprocess
import sys
from pathlib import Path

import orjson

from server import model
from server.model import events
from tests.support.web import document, validate

ROOT = Path(__file__).parents[3]
CALLER = model.CallerID(name="Alice", number="1001")
CHANNEL = model.Channel(
    id="1.1",
    protocol_id="",
    name="PJSIP/alice-00000001",
    state="Up",
    caller=CALLER,
    connected=CALLER,
    accountcode="",
    dialplan=model.DialplanCEP(context="c", exten="e", priority=1, app_name="", app_data=""),
    creationtime="2026-01-31T23:59:59.123+0000",
    language="en",
)


def test_generated_files_are_in_sync() -> None:
    command = [sys.executable, "tools/generate.py", "--check"]
    checked = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert checked.returncode == 0, checked.stdout


def test_optional_members_are_left_out() -> None:
    wire = CHANNEL.to_wire()
    assert "channelvars" not in wire
    assert "caller_rdnis" not in wire
    validate({"$ref": "#/components/schemas/Channel"}, wire)


def test_snapshots_are_spliced() -> None:
    encoded = model.snapshot(CHANNEL)
    event = events.stasis_start(args=["a"], channel=encoded)
    assert list(event.fields) == ["args", "channel"]
    assert orjson.loads(orjson.dumps(event.fields))["channel"] == CHANNEL.to_wire()


def test_names_that_python_reserves_keep_their_wire_form() -> None:
    message = model.TextMessage(from_="sip:a", to="sip:b", body="hi")
    assert message.to_wire() == {"from": "sip:a", "to": "sip:b", "body": "hi"}


def test_every_event_has_a_constructor() -> None:
    schemas = document()["components"]["schemas"]
    named = {schema["x-python-name"] for schema in schemas.values() if "x-python-name" in schema}
    for name in named:
        returns = inspect.signature(getattr(events, name)).return_annotation
        assert returns == "Event", name


def test_values_are_frozen() -> None:
    for cls in (model.Channel, model.Bridge, model.Application):
        assert cls.__dataclass_params__.frozen
        assert not hasattr(cls, "__dict__") or "__slots__" in vars(cls)
