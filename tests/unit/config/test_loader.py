"""Reading a configuration directory."""

from __future__ import annotations

from pathlib import Path

import pytest

from server.base.errors import ConfigError
from server.config.loader import load_asterisk, load_configuration, load_logger


@pytest.fixture
def etc(tmp_path: Path) -> Path:
    (tmp_path / "asterisk.conf").write_text("[options]\nverbose=3\n")
    return tmp_path


def test_an_empty_directory_leaves_everything_off(etc: Path) -> None:
    configuration = load_configuration(str(etc / "asterisk.conf"))
    assert configuration.directories.astetcdir == str(etc)
    assert configuration.options.verbose == 3
    assert not configuration.http.enabled
    assert not configuration.ari.enabled
    assert configuration.pjsip == ()
    assert configuration.warnings == ()
    assert configuration.read_file("extensions.conf") is None


def test_astetcdir_names_the_directory_of_the_rest(etc: Path) -> None:
    (etc / "other").mkdir()
    (etc / "asterisk.conf").write_text(f"[directories]\nastetcdir => {etc}/other\n")
    (etc / "other" / "rtp.conf").write_text("[general]\nrtpstart=20000\nbogus=1\n")
    configuration = load_configuration(str(etc / "asterisk.conf"))
    assert configuration.rtp.rtpstart == 20000
    assert [str(warning) for warning in configuration.warnings] == [
        f"{etc}/other/rtp.conf:3: unknown option 'bogus'"
    ]


def test_named_access_lists_are_shared(etc: Path) -> None:
    (etc / "acl.conf").write_text("[local]\ndeny=0.0.0.0/0\npermit=127.0.0.1\n")
    (etc / "ari.conf").write_text("[alice]\ntype=user\npassword=x\nacl=local\n")
    (etc / "rtp.conf").write_text("[general]\nice_acl=local\nstun_acl=local\n")
    configuration = load_configuration(str(etc / "asterisk.conf"))
    assert not configuration.ari.users["alice"].acl.permits("192.0.2.1")
    assert not configuration.rtp.ice_acl.permits("192.0.2.1")


def test_acl_conf_knows_permit_and_deny_only(etc: Path) -> None:
    (etc / "acl.conf").write_text("[a]\ndeny=0.0.0.0/0\n[b]\nacl=a\n")
    configuration = load_configuration(str(etc / "asterisk.conf"))
    assert not configuration.acls["a"].permits("192.0.2.1")
    assert configuration.acls["b"].permits("192.0.2.1")
    messages = [str(warning) for warning in configuration.warnings]
    assert messages == [f"{etc}/acl.conf:4: unknown option 'acl'"]


def test_exec_follows_execincludes(etc: Path) -> None:
    (etc / "rtp.conf").write_text("[general]\n#exec echo rtpstart=20000\n")
    assert load_configuration(str(etc / "asterisk.conf")).rtp.rtpstart == 5000
    (etc / "asterisk.conf").write_text("[options]\nexecincludes=yes\n")
    assert load_configuration(str(etc / "asterisk.conf")).rtp.rtpstart == 20000


def test_extensions_keep_their_lines_verbatim(etc: Path) -> None:
    (etc / "extensions.conf").write_text(
        "[general]\nstatic=yes\n[globals]\nX=1\n[default]\nexten => 1,1,NoOp(a\\;b)\nsame => n,X\n"
    )
    file = load_configuration(str(etc / "asterisk.conf")).read_file("extensions.conf")
    assert file is not None
    assert [section.name for section in file.sections] == ["general", "globals", "default"]
    lines = [(option.name, option.value) for option in file.sections[2].options]
    assert lines == [("exten", "1,1,NoOp(a;b)"), ("same", "n,X")]


def test_missing_asterisk_conf_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"none\.conf: no such file"):
        load_configuration(str(tmp_path / "none.conf"))


def test_without_a_file_there_are_built_in_defaults() -> None:
    assert load_asterisk(None, []).directories.astetcdir == "/etc/asterisk"


def test_one_file_can_be_read_again(etc: Path) -> None:
    asterisk = load_asterisk(str(etc / "asterisk.conf"), [])
    (etc / "logger.conf").write_text("[logfiles]\nx => error\n")
    assert load_logger(asterisk, []).channels[0].name == "x"


def test_rereading_keeps_to_how_it_was_read(etc: Path) -> None:
    (etc / "rtp.conf").write_text("[general]\n#exec echo rtpstart=20000\n")
    first = load_configuration(str(etc / "asterisk.conf"), may_exec=True)
    assert first.rtp.rtpstart == 20000
    (etc / "rtp.conf").write_text("[general]\n#exec echo rtpstart=22000\n")
    assert first.reread().rtp.rtpstart == 22000
    (etc / "rtp.conf").write_text("[general\n")
    with pytest.raises(ConfigError, match=r"rtp\.conf:1"):
        first.reread()
    defaults = load_configuration(None)
    assert not defaults.has_file
    assert defaults.reread().directories == defaults.directories
