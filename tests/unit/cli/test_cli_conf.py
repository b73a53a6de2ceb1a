"""cli.conf, cli_aliases.conf and cli_permissions.conf."""

from __future__ import annotations

import grp
import os
import pwd
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.config.loader import Configuration, load_configuration
from server.config.sections.cli import Cli, Permissions, Rule

USER = pwd.getpwuid(os.getuid())
GROUP = grp.getgrgid(os.getgid())


def load(directory: Path, **files: str) -> Configuration:
    conf = directory / "asterisk.conf"
    conf.write_text(f"[directories]\nastetcdir => {directory}\n")
    for name, text in files.items():
        (directory / f"{name}.conf").write_text(text)
    return load_configuration(str(conf))


def test_without_files_nothing_is_run_short_or_forbidden(tmp_path: Path) -> None:
    cli = load(tmp_path).cli
    assert (cli.startup, cli.aliases) == ((), {})
    assert cli.permissions.allows(1, 1, "core stop now")


def test_startup_commands_that_are_to_run_early_come_first(tmp_path: Path) -> None:
    found = load(
        tmp_path,
        cli=(
            "[startup_commands]\ncore set verbose 3 = yes\nmodule reload = fully-booted\n"
            "core set debug 1 = pre-init\nlogger rotate = no\n"
        ),
    )
    assert found.cli.startup == ("core set debug 1", "core set verbose 3", "module reload")


def test_a_section_that_nothing_reads_is_named(tmp_path: Path) -> None:
    found = load(tmp_path, cli="[startup]\nx = yes\n")
    assert [str(each) for each in found.warnings] == [
        f"{tmp_path}/cli.conf:1: unknown section [startup]"
    ]


def test_aliases_are_those_of_the_templates_that_are_chosen(tmp_path: Path) -> None:
    found = load(
        tmp_path,
        cli_aliases=(
            "[general]\ntemplate = friendly\ntemplate = gone\n"
            "[friendly]\nhangup request = channel request hangup\nHelp = core show help\n"
            "[other]\nx = core show version\n"
        ),
    )
    assert found.cli.aliases == {
        "hangup request": "channel request hangup",
        "help": "core show help",
    }
    assert "there is no such template" in str(found.warnings[0])


@pytest.mark.parametrize(
    ("words", "expanded"),
    [
        (["a", "b", "c"], ["core", "show", "c"]),
        (["A", "x"], ["bridge", "x"]),
        (["x", "a"], ["x", "a"]),
        ([], []),
    ],
)
def test_the_longest_alias_counts(words: list[str], expanded: list[str]) -> None:
    cli = Cli(aliases={"a": "bridge", "a b": "core show"})
    assert cli.expand_alias(words) == expanded


def test_permissions_are_read_for_users_and_groups(tmp_path: Path) -> None:
    found = load(
        tmp_path,
        cli_permissions=(
            f"[general]\ndefault_perm = deny\n[{USER.pw_name}]\npermit = all\n"
            f"deny = core  stop\n[@{GROUP.gr_name}]\npermit = core show\nallow = x\n[nobody-here]\n"
        ),
    )
    permissions = found.cli.permissions
    assert permissions.allows(USER.pw_uid, -1, "core show channels")
    assert not permissions.allows(USER.pw_uid, -1, "core stop now")
    assert permissions.allows(-1, GROUP.gr_gid, "Core Show channels")
    assert not permissions.allows(-1, GROUP.gr_gid, "core stop now")
    assert not permissions.allows(-1, -1, "core show channels")
    assert [str(each).partition(": ")[2] for each in found.warnings] == [
        "unknown option 'allow'",
        "[nobody-here]: the system has no such user or group",
    ]


RULES = st.lists(st.builds(Rule, st.sampled_from(["all", "core", "core show"]), st.booleans()))


@given(RULES, RULES, st.booleans(), st.sampled_from(["core show x", "core stop", "ari"]))
def test_the_last_rule_of_the_user_decides(
    users: list[Rule], groups: list[Rule], default: bool, line: str
) -> None:
    permissions = Permissions(default, {1: users}, {2: groups})
    said = [rule.is_permitted for rule in (*groups, *users) if rule.covers(line)]
    assert permissions.allows(1, 2, line) == (said[-1] if said else default)


def test_types_of_notify_are_headers_and_lines(tmp_path: Path) -> None:
    found = load(
        tmp_path,
        pjsip_notify=(
            "[clear-mwi]\nEvent=>message-summary\nContent-type=>text/plain\nContent=>one\n"
            "Content=>two\nCall-ID=>mine\n"
        ),
    )
    assert found.notify_types == {
        "clear-mwi": (
            ("Event", "message-summary"),
            ("Content-type", "text/plain"),
            ("Content", "one"),
            ("Content", "two"),
        )
    }
    assert "Call-ID can't be set" in str(found.warnings[0])
