"""What the process does to itself before it serves."""

from __future__ import annotations

import grp
import os
import pwd
import resource
from pathlib import Path
from typing import Any

import pytest

from server.app import process
from server.base.errors import Unavailable
from server.cli.options import Options
from server.config.loader import Configuration, load_configuration

Calls = list[tuple[Any, ...]]


@pytest.fixture
def configuration(tmp_path: Path) -> Configuration:
    conf = tmp_path / "asterisk.conf"
    names = ("astrundir", "astlogdir", "astdbdir", "astspooldir")
    lines = [f"{name} = {tmp_path / name}" for name in names]
    conf.write_text("[directories]\n" + "\n".join(lines) + "\n[options]\nmaxfiles = 5000\n")
    return load_configuration(str(conf))


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> Calls:
    """Record what would change the process of the tests."""
    made: Calls = []

    def record(place: Any, name: str) -> None:
        monkeypatch.setattr(place, name, lambda *given: made.append((name, *given)))

    for name in ("chown", "setgid", "setuid", "initgroups", "sched_setscheduler"):
        record(os, name)
    record(resource, "setrlimit")
    return made


def test_privileges_are_given_up_last_and_groups_before_the_user(
    configuration: Configuration, calls: Calls
) -> None:
    nobody = pwd.getpwnam("nobody")
    group = grp.getgrnam("daemon")
    process.prepare(Options(user="nobody", group="daemon", realtime=True), configuration)
    names = [call[0] for call in calls]
    assert names[-3:] == ["setgid", "initgroups", "setuid"]
    assert calls[-3] == ("setgid", group.gr_gid)
    assert calls[-1] == ("setuid", nobody.pw_uid)
    assert ("setrlimit", resource.RLIMIT_NOFILE, (5000, 5000)) in calls
    assert names.index("sched_setscheduler") < names.index("setgid")


def test_directories_are_made_for_the_user_who_will_write_there(
    configuration: Configuration, calls: Calls, tmp_path: Path
) -> None:
    process.prepare(Options(user="nobody"), configuration)
    nobody = pwd.getpwnam("nobody")
    given = {call[1]: call[2:] for call in calls if call[0] == "chown"}
    assert tmp_path / "astlogdir" in given
    assert set(given.values()) == {(nobody.pw_uid, nobody.pw_gid)}
    assert ("setgid", nobody.pw_gid) in calls
    calls.clear()
    process.prepare(Options(user="nobody"), configuration)
    assert not [call for call in calls if call[0] == "chown"]


@pytest.mark.parametrize("options", [Options(user="no-such-user"), Options(group="no-such-group")])
def test_an_unknown_user_is_a_clear_error(
    configuration: Configuration, calls: Calls, options: Options
) -> None:
    with pytest.raises(Unavailable, match="no-such"):
        process.prepare(options, configuration)
    assert not [call for call in calls if call[0] == "setuid"]


def test_what_the_system_refuses_is_a_clear_error(
    configuration: Configuration, calls: Calls, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_given: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "sched_setscheduler", refuse)
    with pytest.raises(Unavailable, match="Operation not permitted"):
        process.prepare(Options(realtime=True), configuration)


def test_the_process_id_is_in_the_run_directory_while_it_serves(tmp_path: Path) -> None:
    with process.pid_file(str(tmp_path)):
        assert (tmp_path / "asterisk.pid").read_text() == f"{os.getpid()}\n"
    assert not (tmp_path / "asterisk.pid").exists()
