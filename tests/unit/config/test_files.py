"""Configuration files are replaced whole or not at all."""

from __future__ import annotations

from pathlib import Path

import pytest

from server.config.files import create_file, replace_files


def test_a_file_keeps_its_mode_when_it_is_replaced(tmp_path: Path) -> None:
    path = tmp_path / "a.conf"
    path.write_text("old")
    path.chmod(0o604)
    replace_files({str(path): "new é"})
    assert path.read_text("utf-8") == "new é"
    assert path.stat().st_mode & 0o777 == 0o604
    assert [each.name for each in tmp_path.iterdir()] == ["a.conf"]


def test_a_new_file_is_not_for_everybody(tmp_path: Path) -> None:
    replace_files({str(tmp_path / "a.conf"): "x"})
    create_file(str(tmp_path / "b.conf"))
    assert [path.stat().st_mode & 0o007 for path in tmp_path.iterdir()] == [0, 0]


def test_nothing_is_replaced_if_one_file_can_not_be_written(tmp_path: Path) -> None:
    first = tmp_path / "a.conf"
    first.write_text("old")
    with pytest.raises(OSError, match="No such file"):
        replace_files({str(first): "new", str(tmp_path / "none" / "b.conf"): "x"})
    assert first.read_text() == "old"
    assert [each.name for each in tmp_path.iterdir()] == ["a.conf"]


def test_a_file_that_exists_is_not_created_again(tmp_path: Path) -> None:
    path = tmp_path / "a.conf"
    path.write_text("kept")
    with pytest.raises(FileExistsError):
        create_file(str(path))
    assert path.read_text() == "kept"
