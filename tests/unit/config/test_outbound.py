"""ari.conf and websocket_client.conf have to agree; what does not is reported with its line."""

from __future__ import annotations

from pathlib import Path

import pytest

from server.config.loader import load_configuration

CLIENTS = """
[peer]
type = websocket_client
uri = ws://h/
connection_type = persistent
[vague]
type = websocket_client
uri = ws://h/
"""
GOOD = {"websocket_client_id": "peer", "apps": "a,b", "local_ari_user": "me"}


def warnings(tmp_path: Path, **options: str) -> list[str]:
    given = {**GOOD, **options}
    rows = "\n".join(f"{name} = {value}" for name, value in given.items())
    (tmp_path / "asterisk.conf").write_text(f"[directories]\nastetcdir => {tmp_path}\n")
    (tmp_path / "websocket_client.conf").write_text(CLIENTS)
    (tmp_path / "ari.conf").write_text(
        f"[general]\n[me]\ntype = user\npassword = x\n[link]\ntype = outbound_websocket\n{rows}\n"
    )
    loaded = load_configuration(str(tmp_path / "asterisk.conf"))
    assert loaded.ari.outbound_websockets["link"].line == 5
    return [str(warning) for warning in loaded.warnings if "link" in str(warning)]


def test_a_complete_section_is_accepted(tmp_path: Path) -> None:
    assert warnings(tmp_path) == []


@pytest.mark.parametrize(
    ("option", "value", "word"),
    [
        ("websocket_client_id", "other", "no [other]"),
        ("websocket_client_id", "vague", "connection_type"),
        ("apps", "", "apps"),
        ("local_ari_user", "nobody", "nobody"),
    ],
)
def test_what_does_not_fit_is_reported(tmp_path: Path, option: str, value: str, word: str) -> None:
    (warning,) = warnings(tmp_path, **{option: value})
    assert warning.startswith(f"{tmp_path}/ari.conf:5: [link] is ignored")
    assert word in warning
