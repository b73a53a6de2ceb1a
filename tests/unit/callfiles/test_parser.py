"""What a call file says."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.callfiles.parser import (
    ANSWERED,
    END,
    START,
    InvalidCallFile,
    note,
    parse_call_file,
    without_notes,
)

LEAST = "Channel: PJSIP/alice\nExtension: 100\n"


def test_every_keyword() -> None:
    call = parse_call_file(
        """
        # a comment
        channel: PJSIP/alice@trunk   ; another
        CallerID: "Bob" <200>
        WaitTime: 20
        MaxRetries: 3
        RetryTime: 60
        Account: sales
        Context: ctx
        Extension: 100
        Priority: 2
        Setvar: A=1
        Set: B=x=y
        Codecs: !all,ulaw, alaw
        Early_Media: yes
        Archive: yes
        AlwaysDelete: no
        Application: Playback
        Data: hello\\;world
        """,
        "x.call",
    )
    assert call.warnings == []
    assert call.endpoint == "PJSIP/alice@trunk"
    assert call.caller_id == '"Bob" <200>'
    assert (call.wait_time, call.max_retries, call.retry_time) == (20, 3, 60)
    assert (call.account, call.context, call.extension, call.priority) == ("sales", "ctx", "100", 2)
    assert call.variables == [("A", "1"), ("B", "x=y")]
    assert call.codecs == ["ulaw", "alaw"]
    assert call.is_early_media
    assert call.is_archived
    assert not call.always_delete
    assert (call.application, call.data) == ("Playback", "hello;world")


def test_the_defaults_are_asterisks() -> None:
    call = parse_call_file(LEAST, "x.call")
    assert (call.wait_time, call.max_retries, call.retry_time, call.priority) == (45, 0, 300, 1)
    assert call.always_delete
    assert not call.is_archived


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("nothing", "x.call:3: syntax error: 'nothing'"),
        ("Colour: red", "x.call:3: unknown keyword 'Colour'"),
        ("WaitTime: soon", "x.call:3: WaitTime: 'soon' is not a number of 1 or more"),
        ("MaxRetries: -1", "x.call:3: MaxRetries: '-1' is not a number of 0 or more"),
        ("Setvar: =1", "x.call:3: Setvar: a variable without a name"),
    ],
)
def test_what_is_wrong_is_reported_with_its_line(line: str, problem: str) -> None:
    assert parse_call_file(f"{LEAST}{line}\n", "x.call").warnings == [problem]


@pytest.mark.parametrize(
    "text", ["", "Channel: PJSIP/a", "Extension: 1", "Channel: alice\nExtension: 1"]
)
def test_without_a_destination_or_something_to_do_it_is_no_call(text: str) -> None:
    with pytest.raises(InvalidCallFile, match=r"x\.call"):
        parse_call_file(text, "x.call")


def test_attempts_are_counted_in_the_file() -> None:
    text = LEAST + note(START, 7, 1, 1000.5) + note(END, 7, 1, 1001)
    assert note(START, 7, 1, 1000.5) == "\nStartRetry: 7 1 (1000)\n"
    call = parse_call_file(text, "x.call")
    assert (call.retries, call.calling_pid, call.was_answered) == (1, 0, False)
    call = parse_call_file(text + note(START, 7, 2, 1002), "x.call")
    assert (call.retries, call.calling_pid, call.was_answered) == (1, 7, False)
    call = parse_call_file(text + note(START, 7, 2, 2) + note(ANSWERED, 7, 2, 3), "x.call")
    assert call.was_answered
    assert without_notes(text + note(ANSWERED, 7, 2, 3)) == LEAST


@given(st.text(max_size=400))
def test_any_text_is_a_call_or_is_refused(text: str) -> None:
    try:
        call = parse_call_file(text, "x.call")
    except InvalidCallFile:
        return
    assert call.technology
    assert call.resource


@given(
    st.lists(
        st.sampled_from([START, END, ANSWERED, "Archive", "Channel", "x", "#", ";"]).flatmap(
            lambda key: st.text(max_size=10).map(lambda value: f"{key}: {value}")
        ),
        max_size=20,
    )
)
def test_notes_never_break_a_file(lines: list[str]) -> None:
    call = parse_call_file("\n".join(line.replace("\n", "") for line in lines) + "\n" + LEAST, "x")
    assert call.retries >= 0
