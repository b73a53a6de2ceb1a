"""``arion config check``."""

from __future__ import annotations

from pathlib import Path

import pytest

from server.__main__ import main
from server.app.offline import offline_registry
from server.cli import check
from server.cli.check import FILES_READ, Report, check_configuration
from server.config import loader
from server.config.objects import Remark

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


def texts(report: Report, kind: Remark) -> list[str]:
    return [str(warning) for warning in report.of(kind)]


def test_every_file_is_read_and_nothing_is_hidden_by_an_error(etc: Path) -> None:
    report = check_configuration(str(etc / "asterisk.conf"), offline_registry())
    assert [str(error) for error in report.errors] == [
        f"{etc}/http.conf:2: bindport: expected a whole number from 0 to 65535, not 'many'",
        f"{etc}/rtp.conf:2: rtpstart: expected a whole number from 1024 to 65535, not '10'",
    ]
    assert f"{etc}/asterisk.conf:3: lockmode has no effect: " in texts(report, Remark.NO_EFFECT)[0]
    assert texts(report, Remark.UNKNOWN) == [f"{etc}/ari.conf:5: unknown option 'bogus'"]
    assert texts(report, Remark.OTHER) == [f"{etc}/pjsip.conf:1: [x] is ignored: it has no type"]
    assert report.remarks == [f"{etc}/extensions.conf:3: no application 'Frobnicate'"]
    assert report.unread == ["queues.conf"]


def test_each_file_says_how_many_of_its_options_work(etc: Path) -> None:
    report = check_configuration(str(etc), offline_registry(), is_verbose=True)
    lines = report.lines
    at = lines.index("ari.conf: 3 options work, 0 without effect, 1 unknown")
    assert lines[at + 1] == "  type, password, acl"
    assert "asterisk.conf: 1 option works, 1 without effect, 0 unknown" in lines
    assert lines[-1] == (
        "2 errors, 0 references to nothing, 1 unknown option, 1 option without effect, "
        "2 remarks, 1 file not read"
    )


REFERENCES = """\
[alice]
type=endpoint
auth=alica
aors=alice,bob
transport=udp
context=phone
message_context=nowhere
outbound_auth=x
[alice]
type=auth
username=a
password=p
[alice]
type=aor
[in]
type=identify
endpoint=bob
match=192.0.2.1
"""


def test_references_that_point_nowhere_have_their_nearest_name(tmp_path: Path) -> None:
    (tmp_path / "asterisk.conf").write_text("")
    (tmp_path / "pjsip.conf").write_text(REFERENCES)
    (tmp_path / "extensions.conf").write_text("[phones]\nexten => 1,1,NoOp()\n")
    report = check_configuration(str(tmp_path), offline_registry())
    found = [f"{each.line}: {each.message}" for each in report.warnings]
    assert found == [
        "3: auth: there is no auth [alica]; did you mean [alice]?",
        "4: aors: there is no aor [bob]",
        "5: transport: there is no transport [udp]",
        "6: context: the dialplan has no context [phone]; did you mean [phones]?",
        "7: message_context: the dialplan has no context [nowhere]",
        "8: outbound_auth: there is no auth [x]",
        "17: endpoint: there is no endpoint [bob]",
    ]
    # without these two the server would not start
    assert [(error.line, error.reason[:6]) for error in report.errors] == [
        (3, "auth: "),
        (15, "endpoi"),
    ]


def test_what_a_database_may_hold_is_no_missing_reference(tmp_path: Path) -> None:
    (tmp_path / "asterisk.conf").write_text("")
    (tmp_path / "pjsip.conf").write_text("[a]\ntype=endpoint\naors=in-the-database\n")
    sorcery = "[res_pjsip]\naor/cache=memory_cache\naor=realtime,ps_aors\n"
    (tmp_path / "sorcery.conf").write_text(sorcery)
    report = check_configuration(str(tmp_path), offline_registry())
    assert not [each for each in report.warnings if "in-the-database" in each.message]


def test_unknown_access_lists_are_errors_with_their_place(tmp_path: Path) -> None:
    (tmp_path / "asterisk.conf").write_text("")
    (tmp_path / "ari.conf").write_text("[a]\ntype=user\npassword=x\nacl=office\n")
    report = check_configuration(str(tmp_path), offline_registry())
    [error] = report.errors
    assert str(error) == f"{tmp_path}/ari.conf:4: acl: acl.conf has no section [office]"


def test_a_directory_will_do_and_the_exit_code_tells(
    etc: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["config", "check", str(etc)]) == 1
    output = capsys.readouterr().out.splitlines()
    assert output[0].startswith("error:     ")
    assert output[-1].startswith("2 errors, ")
    (etc / "http.conf").unlink()
    (etc / "rtp.conf").unlink()
    assert main(["config", "check", str(etc)]) == 0


def test_a_directory_without_asterisk_conf(tmp_path: Path) -> None:
    report = check_configuration(str(tmp_path), offline_registry())
    assert [str(each) for each in report.errors] == [f"{tmp_path}/asterisk.conf: no such file"]


def test_what_the_server_reads_is_not_called_unread(etc: Path) -> None:
    for name in FILES_READ:
        (etc / name).touch()
    assert check_configuration(str(etc), offline_registry()).unread == ["queues.conf"]


def test_whatever_the_server_loads_is_checked() -> None:
    source = Path(check.__file__).read_text("utf-8")
    loads = [name for name in vars(loader) if name.startswith("load_")]
    assert len(loads) > 15
    unchecked = [name for name in loads if f"{name}(" not in source]
    assert unchecked == ["load_configuration", "load_websocket_clients"]  # in load_outbound
