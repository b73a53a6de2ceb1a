"""Directories that can't be written, users that do not exist, secrets that everybody can read."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest

from server.cli.doctor import files
from server.cli.doctor.files import Account, examine_directories, examine_secrets
from server.cli.doctor.findings import Level
from server.config.sections.asterisk import AsteriskConf, Directories, Options

NOBODY = Account("nobody", 65534, [65534])


def conf(folder: Path, **options: str) -> AsteriskConf:
    places = Directories(
        astetcdir=str(folder),
        astrundir=str(folder / "run"),
        astlogdir=str(folder / "log"),
        astdbdir=str(folder / "db"),
        astspooldir=str(folder / "spool"),
    )
    return AsteriskConf(directories=places, options=replace(Options(), **options))


def test_a_directory_that_can_be_made_is_well(tmp_path: Path) -> None:
    (found,) = examine_directories(conf(tmp_path))
    assert found.level is Level.OK


def test_a_directory_of_somebody_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "account_of", lambda _asterisk: NOBODY)
    for name in ("run", "log", "db"):
        (tmp_path / name).mkdir()
        (tmp_path / name).chmod(0o777)
    (tmp_path / "log").chmod(0o755)
    tmp_path.chmod(0o755)
    log, spool = examine_directories(conf(tmp_path))
    assert log.text == f"nobody can't write to {tmp_path}/log"
    assert log.remedy == f"chown nobody {tmp_path}/log"
    assert spool.text == f"{tmp_path}/spool is not there and can't be made"
    assert {log.level, spool.level} == {Level.ERROR}


def test_a_file_in_the_place_of_a_directory(tmp_path: Path) -> None:
    (tmp_path / "spool").write_text("")
    (found,) = examine_directories(conf(tmp_path))
    assert found.text == f"{tmp_path}/spool is no directory"


def test_a_user_that_does_not_exist(tmp_path: Path) -> None:
    (found,) = examine_directories(conf(tmp_path, runuser="no-such-user"))
    assert found.level is Level.ERROR
    assert "no-such-user" in found.text


@pytest.mark.parametrize(
    ("uid", "groups", "mode", "may"),
    [
        (0, [], 0o000, True),
        (os.getuid() or 4711, [], 0o700, None),
        (4711, [os.getgid()], 0o770, True),
        (4711, [os.getgid()], 0o750, False),
        (4711, [4711], 0o707, True),
        (4711, [4711], 0o770, False),
    ],
)
def test_rights_are_those_of_owner_group_or_others(
    tmp_path: Path, uid: int, groups: list[int], mode: int, may: bool | None
) -> None:
    tmp_path.chmod(mode)
    is_owner = tmp_path.stat().st_uid == uid
    expected = is_owner if may is None else may
    try:
        assert Account("somebody", uid, groups).may_write(tmp_path) is expected
    finally:
        tmp_path.chmod(0o700)


def test_secrets_that_everybody_can_read(tmp_path: Path) -> None:
    for name, mode in (("ari.conf", 0o644), ("pjsip.conf", 0o640), ("http.conf", 0o644)):
        (tmp_path / name).write_text("")
        (tmp_path / name).chmod(mode)
    (found,) = examine_secrets(conf(tmp_path))
    assert found.text == "everybody can read the passwords in ari.conf"
    assert found.remedy == f"chmod o-r {tmp_path}/ari.conf"
    (tmp_path / "ari.conf").chmod(0o600)
    assert list(examine_secrets(conf(tmp_path))) == []
