"""``arion config check``."""

from __future__ import annotations

from pathlib import Path

import pytest

from server.__main__ import main
from server.app.offline import offline_registry
from server.cli.check import FILES_READ, check_configuration

FILES = {
    "asterisk.conf": "[options]\nverbose=3\nlockmode=flock\n",
    "http.conf": "[general]\nbindport=many\n",
    "rtp.conf": "[general]\nrtpstart=10\n",
    "acl.conf": "[local]\npermit=127.0.0.1\n",
    "ari.conf": "[a]\ntype=user\npassword=x\nacl=local\nbogus=1\n",
    "pjsip.conf": "[x]\na=b\n[alice]\ntype=endpoint\nallow=ulaw\n",
    "extensions.conf": "[default]\nexten => 1,1,Answer()\n same => n,Frobnicate(x)\n",
    "queues.conf": "[general]\n",
}


@pytest.fixture
def etc(tmp_path: Path) -> Path:
    for name, text in FILES.items():
        (tmp_path / name).write_text(text)
    return tmp_path


def test_every_file_is_read_and_nothing_is_hidden_by_an_error(etc: Path) -> None:
    report = check_configuration(str(etc / "asterisk.conf"), offline_registry())
    assert report.errors == [
        f"{etc}/http.conf:2: bindport: expected a whole number from 0 to 65535, not 'many'",
        f"{etc}/rtp.conf:2: rtpstart: expected a whole number from 1024 to 65535, not '10'",
    ]
    assert f"{etc}/asterisk.conf:3: lockmode has no effect: " in report.remarks[0]
    assert f"{etc}/ari.conf:5: unknown option 'bogus'" in report.remarks
    assert f"{etc}/pjsip.conf:1: [x] is ignored: it has no type" in report.remarks
    assert f"{etc}/extensions.conf:3: no application 'Frobnicate'" in report.remarks
    assert report.unread == ["queues.conf"]


def test_a_directory_will_do_and_the_exit_code_tells(
    etc: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["config", "check", str(etc)]) == 1
    output = capsys.readouterr().out.splitlines()
    assert output[0].startswith("error:   ")
    assert output[-1].startswith("2 errors, ")
    (etc / "http.conf").unlink()
    (etc / "rtp.conf").unlink()
    assert main(["config", "check", str(etc)]) == 0


def test_a_directory_without_asterisk_conf(tmp_path: Path) -> None:
    report = check_configuration(str(tmp_path), offline_registry())
    assert report.errors == [f"{tmp_path}/asterisk.conf: no such file"]


def test_what_the_server_reads_is_not_called_unread(etc: Path) -> None:
    for name in FILES_READ:
        (etc / name).touch()
    assert check_configuration(str(etc), offline_registry()).unread == ["queues.conf"]
