"""The command as a whole, on a configuration of its own."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest
from first_config import Ports, write_config

from server.__main__ import main
from tests.support.server_process import free_port


@pytest.fixture
def etc(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr("server.cli.doctor.machine.SAMPLE_S", 0.0)
    write_config(tmp_path, ports=Ports(free_port(), free_port(), 21300, 21399))
    return tmp_path / "etc"


def test_a_server_that_does_not_run_is_no_error(
    etc: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["doctor", str(etc)]) == 0
    output = capsys.readouterr().out
    assert "warning: server: none runs: " in output
    assert " is free for http.conf\n" in output
    assert output.splitlines()[-1].endswith("warnings")


def test_a_taken_port_and_a_broken_file_are_told_at_once(
    etc: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    http = etc / "http.conf"
    port = next(line for line in http.read_text().splitlines() if line.startswith("bindport"))
    with socket.create_server(("127.0.0.1", int(port.partition("=")[2]))):
        assert main(["doctor", "-q", str(etc)]) == 1
    output = capsys.readouterr().out
    assert "Address already in use" in output
    assert "ok:" not in output
    (etc / "rtp.conf").write_text("[general]\nrtpstart=10\n")
    assert main(["doctor", str(etc)]) == 1
    assert "error:   config: " in capsys.readouterr().out


def test_a_socket_without_an_answer_is_an_error(
    etc: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("server.cli.client.CONNECT_TIMEOUT", 0.05)
    path = etc.parent / "run/asterisk.ctl"
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as mute:
        mute.bind(str(path))
        mute.listen()
        assert main(["doctor", str(etc)]) == 1
    assert "error:   server: " in capsys.readouterr().out


def test_too_many_words_are_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["doctor", "a", "b"]) == 2
    assert main(["doctor", "-z"]) == 2
    assert "Usage: arion doctor" in capsys.readouterr().err
