"""The .conf grammar."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from server.base.errors import ConfigError
from server.config import ini
from server.config.ini import parse_file, parse_text
from server.config.objects import ConfigFile


def values(file: ConfigFile, section: str = "a") -> list[tuple[str, str]]:
    found = file.find(section)
    assert found is not None
    return [(option.name, option.value) for option in found.options]


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("x=1", ("x", "1")),
        ("x = 1", ("x", "1")),
        ("x => 1", ("x", "1")),
        ("  x\t=\t 1 \t\r", ("x", "1")),
        ("x = a = b", ("x", "a = b")),
        ("x =", ("x", "")),
        ("x = 1 ; comment", ("x", "1")),
        ("x = 1;comment", ("x", "1")),
        ("x = a\\;b", ("x", "a;b")),
        ("x = a\\;b;c", ("x", "a;b")),
        ("x = a\\\\;b", ("x", "a\\;b")),
        ("x = a;-- b --;c", ("x", "ac")),
        ("x = a;-- b --;c;-- d --;e", ("x", "ace")),
        ("x = a ;--- b", ("x", "a")),
        ("x = a --; b", ("x", "a --")),
        ("x = a;-- b ;-- c --; d --;e", ("x", "ae")),
        ("exten => 1,1,Set(a=b,c)", ("exten", "1,1,Set(a=b,c)")),
        ('x = "quoted"', ("x", '"quoted"')),
        ("x = é", ("x", "é")),
    ],
)
def test_option_lines(line: str, expected: tuple[str, str]) -> None:
    assert values(parse_text(f"[a]\n{line}\n")) == [expected]


def test_block_comment_spans_lines_and_hides_everything() -> None:
    text = "[a]\nx=1 ;-- begin\n[b]\ny=2 ; --\n#include nowhere\nz=3 --; w=4\nv=5"
    file = parse_text(text)
    assert [section.name for section in file.sections] == ["a"]
    assert values(file) == [("x", "1"), ("w", "4"), ("v", "5")]
    assert file.warnings == []


def test_start_of_a_block_comment_is_not_its_end() -> None:
    file = parse_text("[a]\n;--;\nx=1\n--;\ny=2")
    assert values(file) == [("y", "2")]


def test_unclosed_comment_is_reported_where_it_begins() -> None:
    file = parse_text("[a]\nx=1\n;-- begin\ny=2", path="f.conf")
    assert values(file) == [("x", "1")]
    assert [str(warning) for warning in file.warnings] == ["f.conf:3: comment is never closed"]


def test_comments_nested_without_end_are_refused() -> None:
    with pytest.raises(ConfigError, match=r"f\.conf:129: comments nested deeper than 128"):
        parse_text(";--\n" * 129, path="f.conf")


def test_byte_order_mark_is_skipped() -> None:
    assert values(parse_text("\ufeff[a]\nx=1")) == [("x", "1")]


def test_options_know_file_and_line() -> None:
    file = parse_text("\n[a]\n\nx=1\n", path="f.conf")
    (option,) = file.sections[0].options
    assert (option.path, option.line) == ("f.conf", 4)
    assert (file.sections[0].path, file.sections[0].line) == ("f.conf", 2)


def test_duplicates_keep_their_order() -> None:
    file = parse_text("[a]\nx=1\ny=2\nx=3\n[a]\nx=4")
    assert [section.name for section in file.sections] == ["a", "a"]
    first = file.sections[0]
    assert [option.value for option in first.find_all("X")] == ["1", "3"]
    assert first.get("x") == "3"


# templates


def test_template_is_inherited_and_not_listed() -> None:
    file = parse_text("[t](!)\nx=1\n[a](t)\ny=2")
    assert [section.name for section in file.sections] == ["a"]
    assert [section.name for section in file.templates] == ["t"]
    assert values(file) == [("x", "1"), ("y", "2")]
    assert file.sections[0].templates == ("t",)
    assert file.sections[0].options[0].line == 2


def test_several_templates_in_order_and_templates_of_templates() -> None:
    file = parse_text("[t](!)\nx=1\n[u](!,t)\ny=2\n[v](!)\nz=3\n[a](v,u)\n")
    assert values(file) == [("z", "3"), ("x", "1"), ("y", "2")]


def test_plain_sections_serve_as_templates() -> None:
    file = parse_text("[b]\nx=1\n[a](b)\n")
    assert values(file) == [("x", "1")]


def test_template_of_the_same_name_is_found() -> None:
    file = parse_text("[a](!)\nx=1\n[a](a)\ny=2")
    assert values(file) == [("x", "1"), ("y", "2")]


def test_inheriting_copies_what_is_there_at_that_line() -> None:
    file = parse_text("[t](!)\nx=1\n[a](t)\n[t](+)\ny=2")
    assert values(file) == [("x", "1")]
    assert [option.name for option in file.templates[0].options] == ["x", "y"]


def test_unknown_template_is_refused() -> None:
    reason = r"f\.conf:1: section \[a\] inherits from \[t\], which does not exist"
    with pytest.raises(ConfigError, match=reason):
        parse_text("[a](t)", path="f.conf")


def test_adding_to_a_section() -> None:
    file = parse_text("[a]\nx=1\n[b]\ny=2\n[a](+)\nz=3")
    assert values(file) == [("x", "1"), ("z", "3")]
    assert [section.name for section in file.sections] == ["a", "b"]


AOR_AND_ENDPOINT = "[a]\ntype=endpoint\n[a]\ntype=aor\ndefault_expiration=3600\n"


def test_adding_goes_to_the_first_of_several() -> None:
    file = parse_text(AOR_AND_ENDPOINT + "[a](+)\nx=1")
    assert file.sections[0].get("x") == "1"


@pytest.mark.parametrize(
    "condition", ["type=aor", "default_.*=36[0-9][0-9]", "type=aor&default_.*=36[0-9][0-9]"]
)
def test_adding_with_a_condition(condition: str) -> None:
    file = parse_text(AOR_AND_ENDPOINT + f"[a](+{condition})\nx=1")
    assert [section.get("x") for section in file.sections] == ["", "1"]


def test_adding_to_templates_when_asked() -> None:
    text = "[a](!)\nx=1\n[a]\nx=2\n[a](+TEMPLATES=restrict)\ny=3"
    file = parse_text(text)
    assert file.templates[0].get("y") == "3"
    assert file.sections[0].get("y") == ""


@pytest.mark.parametrize("modifier", ["+", "+type=auth", "+TEMPLATES=restrict"])
def test_adding_to_nothing_is_refused(modifier: str) -> None:
    text = "[b]\ntype=aor\n[a](+)" if modifier == "+" else f"[a]\ntype=aor\n[a]({modifier})"
    with pytest.raises(ConfigError, match=r"no section \[a\] to add to"):
        parse_text(text)


def test_bad_condition_is_refused() -> None:
    with pytest.raises(ConfigError, match=r":2: .*not a regular expression"):
        parse_text("[a]\n[a](+x=[)")


def test_appending_to_a_value() -> None:
    file = parse_text("[t](!)\nx=a\nx=b\n[a](t)\nx += c\ny += d", path="f.conf")
    assert values(file) == [("x", "a"), ("x", "bc"), ("y", "d")]
    assert file.sections[0].options[1].line == 5
    assert file.templates[0].get("x") == "b"


# what is wrong


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("x=1", "f:1: no section before 'x=1'"),
        ("[a", "f:1: section name without closing ']'"),
        ("\n[a](b", "f:2: section without closing ')'"),
    ],
)
def test_errors_name_file_and_line(text: str, error: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parse_text(text, path="f")
    assert str(caught.value) == error


@pytest.mark.parametrize(
    ("line", "warning"),
    [
        ("word", "f:2: no '=' in 'word'"),
        ("= x", "f:2: no option name before '='"),
        ("#frobnicate x", "f:2: unknown directive #frobnicate"),
        ("#include", "f:2: #include needs a name"),
        ("[b] (!)", "f:2: ignored after the section's name: '(!)'"),
        ("x=" + "y" * 8190, "f:2: line skipped: longer than 8190 characters"),
    ],
)
def test_what_asterisk_skips_is_a_warning(line: str, warning: str) -> None:
    file = parse_text(f"[a]\n{line}\nz=1", path="f")
    assert [str(found) for found in file.warnings] == [warning]
    assert file.sections[-1].get("z") == "1"


def test_options_multiplied_by_templates_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ini, "MAX_OPTIONS", 1000)
    doubling = "".join(f"[t{n + 1}](!,t{n},t{n})\n" for n in range(30))
    with pytest.raises(ConfigError, match="more than 1000 options"):
        parse_text("[t0](!)\nx=1\n" + doubling)


# includes


@pytest.fixture
def etc(tmp_path: Path) -> Path:
    (tmp_path / "sub").mkdir()
    (tmp_path / "one.conf").write_text("x=1\n")
    (tmp_path / "sub" / "a.conf").write_text("[sub-a]\ny=a\n")
    (tmp_path / "sub" / "b.conf").write_text("[sub-b]\ny=b\n")
    return tmp_path


def main(etc: Path, text: str) -> ConfigFile:
    (etc / "main.conf").write_text(text)
    return parse_file(str(etc / "main.conf"))


@pytest.mark.parametrize(
    "name", ["one.conf", '"one.conf"', "<one.conf>", "'one.conf'", "{none,one}.conf", "on?.conf"]
)
@pytest.mark.parametrize("directive", ["include", "tryinclude", "INCLUDE"])
def test_included_options_join_the_section(etc: Path, name: str, directive: str) -> None:
    file = main(etc, f"[a]\n#{directive} {name} ; why\nz=2\n")
    assert values(file) == [("x", "1"), ("z", "2")]
    assert file.sections[0].options[0].path == str(etc / "one.conf")
    assert file.files == [str(etc / "main.conf"), str(etc / "one.conf")]


def test_glob_includes_in_alphabetical_order_and_the_section_goes_on(etc: Path) -> None:
    file = main(etc, "[a]\n#include sub/*.conf\nz=2\n")
    assert [section.name for section in file.sections] == ["a", "sub-a", "sub-b"]
    assert values(file) == [("z", "2")]


def test_absolute_names_are_taken_as_they_are(etc: Path) -> None:
    file = parse_text(f"[a]\n#include {etc}/one.conf", config_dir="/nowhere")
    assert values(file) == [("x", "1")]


def test_names_are_relative_to_the_configuration_directory(etc: Path) -> None:
    (etc / "sub" / "main.conf").write_text("[a]\n#include one.conf")
    file = parse_file(str(etc / "sub" / "main.conf"), config_dir=str(etc))
    assert values(file) == [("x", "1")]


@pytest.mark.parametrize("name", ["none.conf", "none/*.conf", "sub"])
def test_missing_include_is_refused_and_missing_tryinclude_is_not(etc: Path, name: str) -> None:
    assert values(main(etc, f"[a]\n#tryinclude {name}\nz=1")) == [("z", "1")]
    with pytest.raises(ConfigError, match=f"main.conf:2: included file {name}".replace("*", ".")):
        main(etc, f"[a]\n#include {name}")


def test_include_loop_is_refused(etc: Path) -> None:
    (etc / "loop.conf").write_text("#include main.conf\n")
    with pytest.raises(ConfigError, match=r"loop\.conf:1: .*main\.conf includes itself"):
        main(etc, "#include loop.conf\n")


def test_include_depth_is_bounded(etc: Path) -> None:
    for number in range(12):
        (etc / f"{number}.conf").write_text(f"#include {number + 1}.conf\n")
    with pytest.raises(ConfigError, match="nested deeper than 10"):
        main(etc, "#include 0.conf\n")


def test_error_in_an_included_file_names_that_file(etc: Path) -> None:
    (etc / "bad.conf").write_text("\n[broken")
    with pytest.raises(ConfigError, match=r"bad\.conf:2"):
        main(etc, "#include bad.conf\n")


def test_too_many_brace_alternatives_are_refused(etc: Path) -> None:
    with pytest.raises(ConfigError, match="too many alternatives"):
        main(etc, "#include " + "{a,b}" * 12)


def test_missing_file_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"none\.conf: no such file"):
        parse_file(str(tmp_path / "none.conf"))


def test_latin_1_is_read_when_it_is_not_utf_8(tmp_path: Path) -> None:
    (tmp_path / "f.conf").write_bytes(b"[a]\nx=M\xfcller\n")
    assert values(parse_file(str(tmp_path / "f.conf"))) == [("x", "Müller")]


def test_exec_is_ignored_unless_allowed(tmp_path: Path) -> None:
    text = f"[a]\n#exec touch {tmp_path}/trace\n"
    file = parse_text(text, path="f")
    assert "f:2: #exec is ignored" in str(file.warnings[0])
    assert not (tmp_path / "trace").exists()


def test_exec_reads_the_output_when_allowed() -> None:
    file = parse_text("[a]\n#exec \"printf 'x=1\\n[b]\\ny=2\\n'\"\nz=3", may_exec=True)
    assert values(file) == [("x", "1"), ("z", "3")]
    assert values(file, "b") == [("y", "2")]


def test_a_file_that_has_been_through_everything_keeps_what_it_says(tmp_path: Path) -> None:
    path = tmp_path / "x.conf"
    lines = [
        b"\xef\xbb\xbf; from Windows",
        b"[a]\t",
        b"one = 1",
        b"name = Z\xfcrich",
        b"long = " + b"x" * 1_000_000,
        b"two = 2 ; last",
    ]
    path.write_bytes(b"\r\n".join(lines))
    file = parse_file(str(path))
    assert [(option.name, option.value) for option in file.sections[0].options][::2] == [
        ("one", "1"),
        ("two", "2"),
    ]
    [warning] = file.warnings
    assert str(warning) == f"{path}:5: line skipped: longer than 8190 characters"


def test_many_objects_take_time_in_proportion(tmp_path: Path) -> None:
    """Ten times the sections may not take more than twenty times as long."""

    def seconds(count: int) -> float:
        text = "[base](!)\ntype=endpoint\ncontext=a\nallow=ulaw\n"
        text += "".join(f"[p{number}](base)\nauth=p{number}\n" for number in range(count))
        began = time.process_time()
        assert len(parse_text(text).sections) == count
        return time.process_time() - began

    few = min(seconds(300) for _ in range(3))
    assert min(seconds(3000) for _ in range(2)) < 20 * few


def test_utf_16_is_refused_by_name(tmp_path: Path) -> None:
    path = tmp_path / "x.conf"
    path.write_text("[a]\nb=c\n", encoding="utf-16")
    with pytest.raises(ConfigError, match=r"x\.conf:1: expected UTF-8, but the file is UTF-16"):
        parse_file(str(path))
