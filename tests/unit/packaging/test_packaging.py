"""The files that install a server: checked by the programs that read them, or for what they say."""

from __future__ import annotations

import configparser
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from server.app.offline import offline_registry
from server.cli.check import check_configuration
from server.config.loader import load_configuration

ROOT = Path(__file__).parents[3]
PACKAGING = ROOT / "packaging"
ETC = PACKAGING / "docker/etc"
DOCKERFILE = (ROOT / "Dockerfile").read_text("utf-8")


def instructions() -> list[tuple[str, str]]:
    """Return the Dockerfile's instructions with their arguments, lines joined."""
    text = re.sub(r"^\s*#.*\n", "", DOCKERFILE, flags=re.MULTILINE).replace("\\\n", " ")
    return [(line.split(None, 1)[0], line.split(None, 1)[1]) for line in text.splitlines() if line]


def compose() -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load((ROOT / "compose.yaml").read_text("utf-8"))
    service: dict[str, Any] = loaded["services"]["arion"]
    return service


def unit() -> configparser.SectionProxy:
    parser = configparser.ConfigParser(strict=False, interpolation=None)
    parser.optionxform = str  # type: ignore[assignment, method-assign]
    parser.read(PACKAGING / "arion.service")
    return parser["Service"]


@pytest.fixture
def installed_unit(tmp_path: Path) -> Path:
    """Return the unit as if the server was installed on this machine."""
    arion = str(Path(sys.executable).with_name("arion"))
    text = (PACKAGING / "arion.service").read_text("utf-8").replace("/opt/arion/bin/arion", arion)
    path = tmp_path / "arion.service"
    path.write_text(text.replace("User=arion", "User=root").replace("Group=arion", "Group=root"))
    return path


def analyze(*arguments: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["systemd-analyze", *map(str, arguments)], capture_output=True, text=True, check=False
    )


def test_systemd_understands_the_unit(installed_unit: Path) -> None:
    result = analyze("verify", "--man=no", installed_unit)
    mine = [line for line in result.stderr.splitlines() if "arion" in line]
    assert (result.returncode, mine) == (0, [])


def test_systemd_calls_the_unit_well_protected(installed_unit: Path) -> None:
    result = analyze("security", "--offline=true", "--threshold=25", "--no-pager", installed_unit)
    assert result.returncode == 0, result.stdout.splitlines()[-2:]


def test_the_unit_waits_for_news_and_for_signs_of_life() -> None:
    service = unit()
    assert service["Type"] == "notify"
    assert int(service["WatchdogSec"]) >= 10
    assert service["Restart"] == "on-failure"
    assert service["ExecStart"].endswith(" -f")
    assert service["User"] != "root"


def test_the_unit_can_write_what_the_defaults_name() -> None:
    service = unit()
    assert service["ProtectSystem"] == "strict"
    for kind in ("State", "Logs", "Runtime"):
        assert service[f"{kind}Directory"] == "asterisk"
    assert service["ReadWritePaths"] == "/var/spool/asterisk"
    tmpfiles = (PACKAGING / "arion.tmpfiles").read_text("utf-8")
    assert "d /var/spool/asterisk 0750 arion arion" in tmpfiles


def test_logs_are_reopened_after_they_were_moved() -> None:
    text = (PACKAGING / "arion.logrotate").read_text("utf-8")
    assert "/var/log/asterisk/*.log" in text
    assert '-rx "logger reload"' in text
    assert text.count("{") == text.count("}") == 1


def test_the_image_runs_as_nobody_special_and_in_the_foreground() -> None:
    final = instructions()[max(i for i, (name, _) in enumerate(instructions()) if name == "FROM") :]
    names = [name for name, _ in final]
    assert dict(final)["USER"] == "arion"
    assert names.index("USER") < names.index("ENTRYPOINT")
    assert '"-f"' in dict(final)["ENTRYPOINT"]
    assert "HEALTHCHECK" in names


def test_what_the_image_copies_exists_and_is_let_through() -> None:
    allowed = [
        line[1:]
        for line in (ROOT / ".dockerignore").read_text("utf-8").splitlines()
        if line.startswith("!")
    ]
    for name, arguments in instructions():
        if name != "COPY" or "--from" in arguments:
            continue
        for source in arguments.split()[:-1]:
            assert (ROOT / source).exists(), source
            assert any(source == each or source.startswith(f"{each}/") for each in allowed), source


def test_the_image_has_the_libraries_of_the_media_engine() -> None:
    wanted = (ROOT / "tools/packages/build.txt").read_text("utf-8").split()
    for package in wanted:
        if package.startswith("lib") and package.endswith("-dev") and package != "libc6-dev":
            assert f"{package.removesuffix('-dev')}" in DOCKERFILE
        if package.startswith("asterisk-"):
            assert f"        {package} \\\n" in DOCKERFILE


def test_every_base_image_is_pinned_to_a_release() -> None:
    for name, arguments in instructions():
        if name == "FROM":
            assert re.match(r"debian:[a-z]+-slim\b", arguments)


def test_rtp_ports_agree_in_image_composition_and_configuration() -> None:
    configuration = load_configuration(str(ETC / "asterisk.conf"))
    rtp = configuration.rtp
    assert rtp.rtpend - rtp.rtpstart + 1 == 2 * configuration.options.maxcalls
    ports = f"{rtp.rtpstart}-{rtp.rtpend}"
    assert f"{ports}/udp" in dict(instructions())["EXPOSE"].split()
    assert f"{ports}:{ports}/udp" in compose()["ports"]
    assert ports in (ROOT / "docs/operations.md").read_text("utf-8")


def test_the_containers_configuration_is_understood_and_opens_to_nobody() -> None:
    report = check_configuration(str(ETC), offline_registry())
    assert (report.errors, report.remarks, report.unread) == ([], [], [])
    configuration = load_configuration(str(ETC / "asterisk.conf"))
    assert configuration.ari.users == {}
    assert configuration.prometheus.enabled
    assert configuration.directories.astrundir == "/run/asterisk"


def test_the_composition_keeps_what_has_to_be_kept() -> None:
    service = compose()
    kept = [volume.partition(":")[2] for volume in service["volumes"]]
    volumes = dict(instructions())["VOLUME"]
    assert all(path in volumes for path in kept if not path.startswith("/etc"))
    assert service["read_only"]
    assert service["cap_drop"] == ["ALL"]
    assert any(port.startswith("127.0.0.1:8088:") for port in service["ports"])
