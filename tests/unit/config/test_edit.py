"""Changes to .conf files: exactly what was asked for, and nothing else."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.base.errors import ConfigError
from server.config.edit import ConfigEditor
from server.config.edit_lines import EditError
from server.config.objects import Section

TEXT = """\
; The phones of the first floor.

[phone](!)       ; a template
type=endpoint
allow = ulaw     ; the usual one

; Alice sits by the window.
[alice](phone)
callerid => Alice <100>
; she wants it quiet
mailboxes=100@default

[bob](phone)
callerid => Bob <101>
"""


def editor(text: str = TEXT) -> ConfigEditor:
    return ConfigEditor("pjsip.conf", text, ".")


def section(edit: ConfigEditor, name: str) -> Section:
    return next(each for each in edit.file.everything if each.name == name)


def text_of(edit: ConfigEditor) -> str:
    return edit.changed["pjsip.conf"]


def pairs(edit: ConfigEditor, name: str) -> list[tuple[str, str]]:
    return [(option.name, option.value) for option in section(edit, name).options]


def test_a_new_value_keeps_sign_blanks_and_comment_of_its_line() -> None:
    edit = editor()
    phone = section(edit, "phone")
    edit.set_option(phone, phone.options[1], "alaw", arrow=False)
    assert text_of(edit) == TEXT.replace("allow = ulaw     ;", "allow = alaw     ;")
    alice = section(edit, "alice")
    edit.set_option(alice, alice.options[2], "Alice; <200>", arrow=False)
    assert "callerid => Alice\\; <200>\n" in text_of(edit)
    assert ("callerid", "Alice; <200>") in pairs(edit, "alice")


def test_a_templates_option_is_overridden_where_it_is_set() -> None:
    edit = editor()
    alice = section(edit, "alice")
    edit.set_option(alice, alice.options[1], "g722", arrow=False)
    assert text_of(edit) == TEXT.replace("=100@default\n", "=100@default\nallow = g722\n")
    assert section(edit, "alice").get("allow") == "g722"
    assert section(edit, "bob").get("allow") == "ulaw"


def test_options_are_appended_behind_the_last_and_inserted_before_their_index() -> None:
    edit = editor()
    edit.append_option(section(edit, "bob"), "context", "inside", arrow=False)
    edit.insert_option(section(edit, "alice"), 3, "context", "outside", arrow=True)
    assert text_of(edit).endswith("callerid => Bob <101>\ncontext = inside\n")
    assert "; she wants it quiet\ncontext => outside\nmailboxes" in text_of(edit)
    with pytest.raises(EditError):
        edit.insert_option(section(edit, "alice"), 9, "context", "outside", arrow=True)


def test_the_first_option_of_an_empty_section_follows_its_header() -> None:
    edit = editor("[a]\n\n; of b\n[b]\n")
    edit.insert_option(section(edit, "a"), 0, "x", "1", arrow=False)
    assert text_of(edit) == "[a]\nx = 1\n\n; of b\n[b]\n"


def test_a_section_goes_with_the_comments_that_are_its_own() -> None:
    edit = editor()
    edit.remove_section(section(edit, "alice"))
    start = TEXT.index("; Alice sits")
    assert text_of(edit) == TEXT[:start] + TEXT[TEXT.index("[bob]") :]


def test_the_comment_at_the_head_of_the_file_stays() -> None:
    edit = editor("; generated for us\n[a]\nx=1\n[b]\n")
    edit.remove_section(section(edit, "a"))
    assert text_of(edit) == "; generated for us\n[b]\n"


def test_a_template_that_is_needed_can_be_neither_removed_nor_renamed() -> None:
    edit = editor()
    with pytest.raises(EditError):
        edit.remove_section(section(edit, "phone"))
    with pytest.raises(EditError):
        edit.rename_section(section(edit, "phone"), "desk")
    assert text_of(edit) == TEXT


def test_a_renamed_section_keeps_its_templates_and_additions() -> None:
    edit = editor("[a](!)\n[b](a) ; why\nx=1\n[b](+)\ny=2\n")
    edit.rename_section(section(edit, "b"), "c")
    assert text_of(edit) == "[a](!)\n[c](a) ; why\nx=1\n[c](+)\ny=2\n"
    edit.remove_section(section(edit, "c"))
    assert text_of(edit) == "[a](!)\n"


def test_new_sections_stand_at_the_end_or_before_another() -> None:
    edit = editor("[a](!)\n\n; of b\n[b]\nx=1")
    edit.add_section("c", templates=["a"], before=section(edit, "b"))
    edit.add_section("d", is_template=True)
    assert text_of(edit) == "[a](!)\n\n[c](a)\n\n; of b\n[b]\nx=1\n\n[d](!)\n"


def test_emptied_sections_keep_their_header_and_other_comments() -> None:
    edit = editor("[a]\nx=1\n; why\ny=2\n[b]\nz=3\n")
    edit.empty_section(section(edit, "a"))
    assert text_of(edit) == "[a]\n; why\n[b]\nz=3\n"


def test_removed_options_are_gone_and_those_of_templates_refused() -> None:
    edit = editor()
    alice = section(edit, "alice")
    with pytest.raises(EditError):
        edit.remove_options(alice, [alice.options[0]])
    edit.remove_options(alice, [alice.options[2], alice.options[3]])
    assert pairs(edit, "alice") == [("type", "endpoint"), ("allow", "ulaw")]
    assert "; she wants it quiet" in text_of(edit)


def test_line_ends_stay_what_they_are() -> None:
    edit = editor("[a]\r\nx=1\r\n")
    edit.set_option(section(edit, "a"), section(edit, "a").options[0], "2", arrow=False)
    edit.append_option(section(edit, "a"), "y", "3", arrow=False)
    edit.add_section("b")
    assert text_of(edit) == "[a]\r\nx=2\r\ny = 3\r\n\r\n[b]\r\n"


def test_what_would_fall_into_a_block_comment_is_refused() -> None:
    text = "[a]\nx=1 ;-- from here\ny=2\nto here --;\n"
    edit = editor(text)
    with pytest.raises(EditError):
        edit.append_option(section(edit, "a"), "z", "3", arrow=False)
    assert text_of(edit) == text


@pytest.mark.parametrize(
    ("name", "value"),
    [("x\ny", "1"), ("x", "1\n[b]"), ("[x", "1"), ("", "1"), ("#include", "1"),
     (";x", "1"), ("a=b", "1"), ("x", "v" * 9000)],
)  # fmt: skip
def test_what_can_not_be_written_is_refused(name: str, value: str) -> None:
    edit = editor("[a]\nx=1\n")
    with pytest.raises(EditError):
        edit.append_option(section(edit, "a"), name, value, arrow=False)
    assert text_of(edit) == "[a]\nx=1\n"


def test_a_value_that_was_added_to_is_left_alone() -> None:
    edit = editor("[a]\nx=1\nx+=2\n")
    with pytest.raises(EditError):
        edit.set_option(section(edit, "a"), section(edit, "a").options[0], "3", arrow=False)


def test_options_of_included_files_are_changed_in_these(tmp_path: Path) -> None:
    (tmp_path / "more.conf").write_text("; more\ny=2\n")
    edit = ConfigEditor("main.conf", "[a]\nx=1\n#include more.conf\n", str(tmp_path))
    found = section(edit, "a")
    edit.set_option(found, found.options[1], "3", arrow=False)
    more = str(tmp_path / "more.conf")
    assert edit.changed == {"main.conf": "[a]\nx=1\n#include more.conf\n", more: "; more\ny=3\n"}
    assert pairs(edit, "a") == [("x", "1"), ("y", "3")]
    assert (tmp_path / "more.conf").read_text() == "; more\ny=2\n"


def test_a_broken_file_can_not_be_edited() -> None:
    with pytest.raises(ConfigError):
        editor("[a](nobody)\n")


# any file, any change

WORDS = st.sampled_from(["a", "b", "c", "x", "y", "zz"])
VALUES = st.text(st.characters(codec="latin-1", categories=["L", "N", "P", "S", "Zs"]), max_size=12)
LINES = st.one_of(
    st.builds("[{}]".format, WORDS),
    st.builds("[{}](!)".format, WORDS),
    st.builds("[{}]({})".format, WORDS, WORDS),
    st.builds("[{}](+)".format, WORDS),
    st.builds("{}{}{}".format, WORDS, st.sampled_from(["=", " = ", "=>", " => ", "+="]), VALUES),
    st.builds("{} = {} ; {}".format, WORDS, VALUES, VALUES),
    st.builds("; {}".format, VALUES),
    st.sampled_from(["", " ", ";--", "--;", "x=1 ;-- y --;"]),
)
FILES = st.builds(
    lambda lines, end: end.join(["[a]", *lines]),
    st.lists(LINES, max_size=14),
    st.sampled_from(["\n", "\r\n"]),
)
KINDS = st.sampled_from(["set", "append", "insert", "delete", "rename", "remove", "empty", "add"])


def change(edit: ConfigEditor, kind: str, number: int, name: str, value: str) -> None:
    found = edit.file.everything[number % len(edit.file.everything)]
    index = number % max(1, len(found.options))
    match kind:
        case "append":
            edit.append_option(found, name, value, arrow=bool(number % 2))
        case "insert":
            edit.insert_option(found, index, name, value, arrow=bool(number % 2))
        case "rename":
            edit.rename_section(found, name)
        case "remove":
            edit.remove_section(found)
        case "empty":
            edit.empty_section(found)
        case "add":
            edit.add_section(name, before=found if number % 2 else None)
        case "set" if found.options:
            edit.set_option(found, found.options[index], value, arrow=False)
        case "delete" if found.options:
            edit.remove_options(found, [found.options[index]])


def remarks(text: str) -> list[str]:
    return [line for line in text.splitlines() if line.strip() and "=" not in line]


@given(FILES, KINDS, st.integers(0, 40), WORDS, VALUES)
def test_a_change_is_made_as_asked_for_or_not_at_all(
    text: str, kind: str, number: int, name: str, value: str
) -> None:
    try:
        edit = editor(text)
    except ConfigError:
        return
    before = [(each.name, len(each.options)) for each in edit.file.everything]
    try:
        change(edit, kind, number, name, value)
    except EditError:
        assert text_of(edit) == text
        return
    again = editor(text_of(edit))
    after = [(each.name, len(each.options)) for each in again.file.everything]
    assert after == [(each.name, len(each.options)) for each in edit.file.everything]
    assert len(after) - len(before) == {"add": 1, "remove": -1}.get(kind, 0)
    if kind in ("set", "append", "insert", "delete", "add"):
        kept = iter(remarks(text_of(edit)))
        assert all(line in kept for line in remarks(text)), "a line that nobody named is gone"
