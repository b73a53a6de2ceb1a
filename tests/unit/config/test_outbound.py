"""ari.conf and websocket_client.conf have to agree; what does not is reported with its line."""

from __future__ import annotations

from pathlib import Path

import pytest

from server.base.errors import ConfigError
from server.config.loader import load_configuration
from server.config.sections.webhook import Webhook

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


WEBHOOK = {"url": "https://h/x", "apps": "a", "secret": "s", "local_ari_user": "me"}


def webhook(tmp_path: Path, name: str = "hook", **options: str) -> tuple[Webhook, list[str]]:
    rows = "\n".join(f"{key} = {value}" for key, value in {**WEBHOOK, **options}.items() if value)
    (tmp_path / "asterisk.conf").write_text(f"[directories]\nastetcdir => {tmp_path}\n")
    (tmp_path / "ari.conf").write_text(
        f"[general]\n[me]\ntype = user\npassword = x\n[{name}]\ntype = webhook\n{rows}\n"
    )
    loaded = load_configuration(str(tmp_path / "asterisk.conf"))
    found = [str(warning) for warning in loaded.warnings if "is ignored" in str(warning)]
    return loaded.ari.webhooks[name], found


def test_a_webhook_is_read(tmp_path: Path) -> None:
    read, warned = webhook(tmp_path, apps="a, b", subscribe_all="yes", verify_server_cert="no")
    assert warned == []
    assert (read.url, read.apps, read.secret) == ("https://h/x", ("a", "b"), "s")
    assert read.subscribe_all
    assert (read.verify_server_cert, read.verify_server_hostname) == (False, True)
    assert (read.timeout, read.max_attempts, read.line) == (5000, 10, 5)


@pytest.mark.parametrize(
    ("name", "option", "value", "word"),
    [
        ("hook", "url", "", "url is missing"),
        ("hook", "secret", "", "secret is missing"),
        ("hook", "apps", "", "apps is missing"),
        ("hook", "local_ari_user", "nobody", "nobody"),
        ("hook", "local_ari_user", "", "is no user"),
        ("hook", "local_ari_token", "t", "exclude each other"),
        ("../hook", "apps", "a", "a name is needed"),
        (".hook", "apps", "a", "a name is needed"),
    ],
)
def test_a_webhook_that_can_not_be_used_is_reported(
    tmp_path: Path, name: str, option: str, value: str, word: str
) -> None:
    _, (warning,) = webhook(tmp_path, name, **{option: value})
    assert warning.startswith(f"{tmp_path}/ari.conf:5: [{name}] is ignored: ")
    assert word in warning


def test_a_webhook_may_have_a_token_of_ari_conf(tmp_path: Path) -> None:
    _, (warning,) = webhook(tmp_path, local_ari_user="", local_ari_token="t")
    assert "is no token" in warning
    token = "\n[t]\ntype = token\ntoken = 0123456789abcdef"
    _, warned = webhook(tmp_path, local_ari_user="", local_ari_token=f"t{token}")
    assert warned == []


@pytest.mark.parametrize(
    "url", ["ws://h/", "http:///x", "http://h:x/", "http://h/#f", "http://me:pw@h/", "http://h/ x"]
)
def test_a_url_that_is_none_is_an_error(tmp_path: Path, url: str) -> None:
    with pytest.raises(ConfigError, match="expected http") as refusal:
        webhook(tmp_path, url=url)
    assert "pw" not in str(refusal.value)


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
