"""Event filters."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.ami.filters import MAX_FILTERS, Filters, read_filter
from server.base.errors import InvalidArgument

NEW = "Event: Newchannel\r\nPrivilege: call,all\r\nChannel: PJSIP/alice-1\r\n\r\n"
VAR = "Event: VarSet\r\nPrivilege: dialplan,all\r\nVariable: FOO\r\nValue: 1\r\n\r\n"


@pytest.mark.parametrize(
    ("criteria", "pattern", "hears_new", "hears_var"),
    [
        ("", "Event: Newchannel", True, False),
        ("", "!Event: Newchannel", False, True),
        ("", "Channel: PJSIP/(alice|bob)-[[:digit:]]", True, False),
        ("(name(VarSet))", "", False, True),
        ("(action(exclude),name(VarSet))", "", True, False),
        ("(name(VarSet),header(Variable),method(exact))", "FOO", False, True),
        ("(name(VarSet),header(Variable),method(exact))", "FO", False, False),
        ("(header(Channel),method(starts_with))", "PJSIP/", True, False),
        ("(header(Channel),method(ends_with))", "-1", True, False),
        ("(header(Value:),method(contains))", "1", False, True),
        ("(method(regex))", "^Event: Var", False, True),
        ("(action(exclude), header(Channel), method(regex))", "alice", False, True),
    ],
)
def test_a_filter_lets_through(
    criteria: str, pattern: str, hears_new: bool, hears_var: bool
) -> None:
    filters = Filters([read_filter(criteria, pattern)])
    assert filters.lets_through("Newchannel", NEW) is hears_new
    assert filters.lets_through("VarSet", VAR) is hears_var


def test_what_is_excluded_stays_away_though_it_is_included() -> None:
    filters = Filters([read_filter("", "Channel: "), read_filter("", "!alice")])
    assert not filters.lets_through("Newchannel", NEW)
    assert filters.lets_through("Newchannel", NEW.replace("alice", "bob"))


@pytest.mark.parametrize(
    ("criteria", "pattern"),
    [
        ("(name(VarSet)", "x"),
        ("name(VarSet)", ""),
        ("(colour(red))", ""),
        ("(name(VarSet),method(none))", "x"),
        ("(name(VarSet),method(exact))", ""),
        ("(method(none))", ""),
        ("(name(VarSet),method(guess))", "x"),
        ("(action(maybe),name(VarSet))", ""),
        ("", "a("),
        ("", "x" * 2000),
    ],
)
def test_a_filter_that_cannot_be_read_is_refused(criteria: str, pattern: str) -> None:
    with pytest.raises(InvalidArgument):
        read_filter(criteria, pattern)


def test_a_session_has_a_bounded_number_of_filters() -> None:
    filters = Filters([read_filter("", "a")] * MAX_FILTERS)
    with pytest.raises(InvalidArgument):
        filters.add(read_filter("", "b"))


@given(st.text(max_size=60), st.text(max_size=60))
def test_any_filter_is_read_or_refused(criteria: str, pattern: str) -> None:
    try:
        made = read_filter(criteria, pattern)
    except InvalidArgument:
        return
    assert isinstance(made.matches("Newchannel", NEW), bool)
