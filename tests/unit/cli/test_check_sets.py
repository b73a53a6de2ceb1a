"""``arion config check`` on whole configurations: each has the mistakes that people make.

What is expected stands beside the files. What merely has no effect yet is left out of it, since
that shrinks as the server grows.
"""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from server.app.offline import offline_modules, offline_registry
from server.cli.check import FILES_READ, check_configuration
from server.config.ini import parse_file
from server.config.objects import Remark

SETS = Path(__file__).parents[2] / "data" / "config" / "sets"
NAMES = sorted(path.name for path in SETS.iterdir())


@pytest.mark.parametrize("name", NAMES)
def test_the_mistakes_of_a_configuration_are_found_and_nothing_else(
    name: str, tmp_path: Path
) -> None:
    etc = shutil.copytree(SETS / name, tmp_path / name)
    report = check_configuration(str(etc), offline_registry(), modules=offline_modules())
    found = [f"error: {error}" for error in report.errors]
    for kind in (Remark.REFERENCE, Remark.UNKNOWN, Remark.OTHER):
        found += (f"{kind.value}: {warning}" for warning in report.of(kind))
    found += (f"dialplan: {remark}" for remark in report.remarks)
    expected = (etc / "expected.txt").read_text("utf-8").splitlines()
    assert [line.replace(f"{etc}/", "") for line in found] == expected


@pytest.mark.parametrize("name", NAMES)
def test_every_option_of_a_configuration_is_accounted_for(name: str) -> None:
    report = check_configuration(str(SETS / name), offline_registry())
    for file in report.files:
        parsed = parse_file(str(SETS / name / file.name))
        lines = {
            (option.path, option.line)
            for section in (*parsed.templates, *parsed.sections)
            for option in section.options
        }
        wrong = sum(error.path.endswith(file.name) for error in report.errors)
        counted = file.working_count + file.ineffective + file.unknown + wrong
        assert counted == len(lines), file.line


def test_the_sets_use_files_that_are_read() -> None:
    used = {path.name for path in SETS.glob("*/*.conf")}
    assert len(used & FILES_READ) >= 11
