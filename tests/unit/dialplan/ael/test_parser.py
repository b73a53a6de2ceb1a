"""What AEL's grammar refuses, and where it says that the mistake is."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from server.dialplan.ael.compiler import compile_ael
from server.dialplan.ael.nodes import AelError, ApplicationCall, Extension
from server.dialplan.ael.parser import parse_ael, parse_ael_file
from server.dialplan.ael.statement_parser import MAX_CHAIN

SAMPLE = (Path(__file__).parents[3] / "vectors/ael/statements.ael").read_text("utf-8")
WORDS = ["context", "a", "{", "}", "(", ")", "=>", ";", "if", "else", "while", "for", "switch",
         "case", ":", "default", "pattern", "goto", "jump", "macro", "&", "=", "1", "s", "x",
         "includes", "hint", "regexten", "globals", "local", "catch", "break", "return", "|", ",",
         "@", "${x}", "$[1]", "\"", "//", "/*", "*/", "\n", " ", "\\", "_X.", "[", "]"]  # fmt: skip


@pytest.mark.parametrize(
    ("source", "error"),
    [
        ("context a { s => Answer() }", "x.ael:1:27: expected ';' after 'Answer', not '}'"),
        ("context a {\n s => {\n  NoOp(a;\n }\n}", "x.ael:4:2: unexpected '}' in the argum"),
        ("nonsense { }", "x.ael:1:1: expected 'context', 'macro' or 'globals', not 'nonsense'"),
        ("context { }", "x.ael:1:9: expected the name of a context, not '{ }'"),
        ("context a { s Answer(); }", "x.ael:1:15: expected '=>' after extension 's'"),
        ("context a { s => { goto ; } }", "x.ael:1:20: goto '' is not a place to go to"),
        ("context a { s => if () NoOp(); }", "x.ael:1:21: if has an empty test"),
        ("context a { s => switch (x) { foo: } }", "x.ael:1:31: expected 'case', 'pattern'"),
        ("context a { s => switch (x) { case : NoOp(); } }", "x.ael:1:31: case without a value"),
        ("context a { s => x=); }", "x.ael:1:20: unexpected ')' in the value of x"),
        ("context a { s => { /* never closed", "x.ael:1:20: comment is never closed"),
        ("context a { s => ", "x.ael:1:18: expected a statement, not the end of the file"),
        ("macro m(a,,b) { }", "x.ael:1:1: macro m has a parameter without a name"),
        ("abstract abstract context a { }", "x.ael:1:1: expected 'context', not 'abstract'"),
        ("context a { s => NoOp(a\x01b); }", "x.ael:1:23: control character"),
        ('#include "missing.ael"', "x.ael:1:1: included file 'missing.ael' does not exist"),
        ("context a { s => " + "{" * 70, "x.ael:1:78: statements nested deeper than 60"),
    ],
)  # fmt: skip
def test_a_mistake_is_named_with_its_place(source: str, error: str) -> None:
    with pytest.raises(AelError) as caught:
        parse_ael(source, path="x.ael", directory="/nowhere")
    assert str(caught.value).startswith(error)


@pytest.mark.parametrize(
    ("call", "arguments"),
    [
        ("NoOp", ""),
        ("NoOp()", ""),
        ("NoOp(a, (b,c) ,d)", "a, (b,c) ,d"),
        ('NoOp("a;b" // no comment)', '"a;b" // no comment'),
        (r"NoOp(a\;b\)c)", r"a;b\)c"),
        ("NoOp(${A(b,${C})}[1])", "${A(b,${C})}[1]"),
        ("Dial(PJSIP/a&\n      PJSIP/b,\n  20)", "PJSIP/a&PJSIP/b,20"),
        ("NoOp /* here */ (x)", "x"),
    ],
)
def test_arguments_stay_as_they_are_written(call: str, arguments: str) -> None:
    program = parse_ael(f"context a {{ s => {call}; }}")
    extension = program.contexts[0].elements[0]
    assert isinstance(extension, Extension)
    assert isinstance(extension.body, ApplicationCall)
    assert extension.body.arguments == arguments


def test_files_are_included_anywhere(tmp_path: Path) -> None:
    (tmp_path / "main.ael").write_text(
        'context a {\n#include "parts/*.ael"\n}\n#include <last.ael>;\n'
    )
    (tmp_path / "parts").mkdir()
    (tmp_path / "parts/1.ael").write_text('1 => { #include "body.inc"\n }')
    (tmp_path / "parts/2.ael").write_text("2 => NoOp();")
    (tmp_path / "body.inc").write_text("NoOp(body);")
    (tmp_path / "last.ael").write_text("context b { 3 => NoOp(); }")
    program = parse_ael_file(str(tmp_path / "main.ael"))
    assert [each.name for each in program.contexts[0].elements] == ["1", "2"]  # type: ignore[union-attr]
    assert program.contexts[1].name == "b"
    assert len(program.files) == 5


def test_a_file_that_includes_itself_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "main.ael"
    path.write_text('\n#include "main.ael"')
    with pytest.raises(AelError, match=r"main.ael:2:1: .*main.ael includes itself"):
        parse_ael_file(str(path))


def test_a_missing_file_is_said_to_be_missing(tmp_path: Path) -> None:
    with pytest.raises(AelError, match="can't be read"):
        parse_ael_file(str(tmp_path / "none.ael"))


def test_a_long_chain_of_else_if_is_no_nesting() -> None:
    chain = " else ".join(f"if (${{x}} = {i}) NoOp({i});" for i in range(MAX_CHAIN - 1))
    compiled = compile_ael(parse_ael(f"context a {{ s => {chain} }}"))
    assert sum("GotoIf" in option.value for option in compiled.sections[0].options) == MAX_CHAIN - 1


@settings(max_examples=150, deadline=None)
@given(st.lists(st.sampled_from(WORDS), max_size=60).map(" ".join) | st.text(max_size=60))
def test_any_text_is_a_program_or_an_error(text: str) -> None:
    assert_is_program_or_error(text)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 600), st.integers(0, 40), st.sampled_from(WORDS))
def test_a_program_with_a_cut_in_it_is_a_program_or_an_error(
    begin: int, length: int, word: str
) -> None:
    text = SAMPLE[:begin] + word + SAMPLE[begin + length :]
    assert_is_program_or_error(text)


def assert_is_program_or_error(text: str) -> None:
    found = ""
    try:
        compile_ael(parse_ael(text, directory="/nowhere"))
    except AelError as error:
        found = str(error)
    assert not found or found.startswith("<text>:")
