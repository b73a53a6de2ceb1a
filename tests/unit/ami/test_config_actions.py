"""The actions that read and change configuration files."""

from __future__ import annotations

import contextlib
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.ami.actions.config import read_condition
from server.ami.actions.config_updates import read_updates
from server.ami.protocol import Message
from server.ami.registry import ActionError
from server.base.errors import InvalidArgument
from server.config.objects import Section
from tests.support.ami import AmiUnderTest, Block, Client

TEXT = """\
; head
[general]
static=yes ; why
writeprotect=no

[phone](!)
type=endpoint

[alice](phone)
callerid=Alice
callerid=Al"ice
"""
NO_FILE = "Filename not specified"
OUTSIDE = "File requires escalated priveledges"


@pytest.fixture
def etc(ami: AmiUnderTest) -> Path:
    directory = Path(ami.configuration.directories.astetcdir)
    (directory / "test.conf").write_text(TEXT)
    return directory


async def update(client: Client, *updates: dict[str, str], **named: str) -> Block:
    """Send UpdateConfig; each update has its Action, Cat, Var and so on."""
    headers = [
        (f"{name}-{number:06}", value)
        for number, each in enumerate(updates)
        for name, value in each.items()
    ]
    named = {"SrcFilename": "test.conf", "DstFilename": "test.conf", **named}
    return (await client.ask_thread("UpdateConfig", *headers, **named))[0]


async def test_get_config_numbers_sections_and_their_lines(client: Client, etc: Path) -> None:
    await client.ask_thread("GetConfig", Filename="test.conf")
    assert client.text.split("\r\n")[1:-2] == [
        "Category-000000: general",
        "Line-000000-000000: static=yes",
        "Line-000000-000001: writeprotect=no",
        "Category-000001: alice",
        "Templates-000001: phone",
        "Line-000001-000000: type=endpoint",
        "Line-000001-000001: callerid=Alice",
        'Line-000001-000002: callerid=Al"ice',
    ]


async def test_a_filter_chooses_sections_and_shows_templates_if_it_says_so(
    client: Client, etc: Path
) -> None:
    async def names(**named: str) -> list[str]:
        block = (await client.ask_thread("GetConfig", Filename="test.conf", **named))[0]
        return [value for name, value in block.items() if name.startswith("Category-")]

    assert await names(Category="alice") == ["alice"]
    assert await names(Filter="type=^end") == ["alice"]
    assert await names(Filter="type=^end,TEMPLATES=include") == ["phone", "alice"]
    assert await names(Filter="TEMPLATES=restrict") == ["phone"]
    assert await names(Category="bob") == []
    assert "No categories found\r\n" in client.text
    assert "IsTemplate-000000: 1" not in client.text
    assert (await client.ask_thread("GetConfig", Filename="test.conf", Filter="a=("))[0][
        "Response"
    ] == ("Error")


async def test_get_config_json_is_json(client: Client, etc: Path) -> None:
    block = (await client.ask_thread("GetConfigJSON", Filename="test.conf"))[0]
    found = json.loads(block["JSON"], object_pairs_hook=list)
    assert found[0] == ("general", [("static", "yes"), ("writeprotect", "no")])
    assert found[1][1][0] == ("templates", "phone")
    assert found[1][1][-1] == ("callerid", 'Al"ice')


async def test_list_categories(client: Client, etc: Path) -> None:
    block = (await client.ask_thread("ListCategories", Filename="test.conf"))[0]
    assert (block["Category-000000"], block["Category-000001"]) == ("general", "alice")
    (etc / "empty.conf").write_text("; nothing\n")
    block = (await client.ask_thread("ListCategories", Filename="empty.conf"))[0]
    assert (block["Response"], block["Error"]) == ("Success", "no categories found")


@pytest.mark.parametrize("action", ["GetConfig", "GetConfigJSON", "ListCategories", "CreateConfig"])
async def test_only_files_of_the_configuration_directory_can_be_reached(
    client: Client, etc: Path, action: str, tmp_path: Path
) -> None:
    (tmp_path / "secret.conf").write_text("[a]\nx=1\n")
    (etc / "link.conf").symlink_to(tmp_path / "secret.conf")
    outside = ("../secret.conf", "/etc/passwd", "link.conf", ".", str(tmp_path / "secret.conf"))
    for name in outside:
        assert (await client.ask_thread(action, Filename=name))[0]["Message"] == OUTSIDE, name
    assert (await client.ask_thread(action))[0]["Message"] == NO_FILE


async def test_files_that_are_not_there_or_broken_are_told_apart(client: Client, etc: Path) -> None:
    (etc / "broken.conf").write_text("[a](nobody)\n")
    for name, message in (
        ("none.conf", "Config file not found"),
        ("broken.conf", "Config file has invalid format"),
    ):
        assert (await client.ask_thread("GetConfig", Filename=name))[0]["Message"] == message
        assert (await update(client, SrcFilename=name))["Message"] == message


async def test_a_new_file_is_made_once(client: Client, etc: Path) -> None:
    block = (await client.ask_thread("CreateConfig", Filename="new.conf"))[0]
    assert block["Message"] == "New configuration file created successfully"
    assert (etc / "new.conf").read_text() == ""
    assert (await client.ask_thread("CreateConfig", Filename="new.conf"))[0][
        "Message"
    ] == "File exists"


async def test_updates_change_what_they_name_and_keep_the_rest(client: Client, etc: Path) -> None:
    block = await update(
        client,
        {"Action": "Update", "Cat": "general", "Var": "static", "Value": "no"},
        {"Action": "Update", "Cat": "alice", "Var": "callerid", "Value": "A", "Match": "alice"},
        {"Action": "Append", "Cat": "alice", "Var": "context", "Value": ">inside"},
        {"Action": "Insert", "Cat": "general", "Var": "x", "Value": "1", "Line": "1"},
        {"Action": "Delete", "Cat": "alice", "Var": "callerid", "Match": 'Al"ice'},
        {"Action": "NewCat", "Cat": "bob", "Options": 'inherit="phone"'},
        {"Action": "NewCat", "Cat": "desk", "Options": "template", "Match": "alice"},
        {"Action": "Append", "Cat": "bob", "Var": "callerid", "Value": "Bob"},
    )
    assert block["Response"] == "Success"
    assert (etc / "test.conf").read_text() == (
        "; head\n[general]\nstatic=no ; why\nx = 1\nwriteprotect=no\n\n[phone](!)\n"
        "type=endpoint\n\n[desk](!)\n\n[alice](phone)\ncallerid=A\ncontext => inside\n\n"
        "[bob](phone)\ncallerid = Bob\n"
    )


async def test_sections_are_renamed_emptied_and_deleted(client: Client, etc: Path) -> None:
    block = await update(
        client,
        {"Action": "RenameCat", "Cat": "general", "Value": "globals"},
        {"Action": "EmptyCat", "Cat": "alice"},
        {"Action": "Delete", "Cat": "globals", "Line": "1"},
        {"Action": "DelCat", "Cat": "alice"},
    )
    assert block["Response"] == "Success"
    assert (etc / "test.conf").read_text() == (
        "; head\n[globals]\nstatic=yes ; why\n\n[phone](!)\ntype=endpoint\n"
    )


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"Action": "Fix", "Cat": "alice"}, "Unknown action command"),
        ({"Action": "DelCat"}, "Category not specified"),
        ({"Action": "DelCat", "Cat": "bob"}, "Given category does not exist"),
        ({"Action": "RenameCat", "Cat": "alice"},
         "Problem with category, value, or line (if required)"),
        ({"Action": "Update", "Cat": "alice", "Value": "1"},
         "Problem with category, value, or line (if required)"),
        ({"Action": "Insert", "Cat": "alice", "Var": "x", "Line": "one"},
         "Problem with category, value, or line (if required)"),
        ({"Action": "NewCat", "Cat": "alice"}, "Create category did not complete successfully"),
        ({"Action": "NewCat", "Cat": "bob", "Match": "carol"},
         "Create category did not complete successfully"),
        ({"Action": "NewCat", "Cat": "bob", "Options": "inherit=alice"},
         "Template category not found, or not a template"),
        ({"Action": "Update", "Cat": "alice", "Var": "x", "Value": "1"},
         "Update did not complete successfully"),
        ({"Action": "Delete", "Cat": "alice", "Var": "x"}, "Delete did not complete successfully"),
        ({"Action": "Delete", "Cat": "alice", "Line": "9"}, "Delete did not complete successfully"),
        ({"Action": "Append", "Cat": "alice", "Var": "[x", "Value": "1"},
         "Append did not complete successfully"),
        ({"Action": "Insert", "Cat": "alice", "Var": "x", "Value": "1", "Line": "9"},
         "Insert did not complete successfully"),
        ({"Action": "DelCat", "Cat": "phone"}, "Delete category did not complete successfully"),
    ],
)  # fmt: skip
async def test_one_update_that_fails_leaves_the_file_as_it_was(
    client: Client, etc: Path, wrong: dict[str, str], message: str
) -> None:
    right = {"Action": "Append", "Cat": "alice", "Var": "y", "Value": "2"}
    block = await update(client, right, wrong)
    assert (block["Response"], block["Message"]) == ("Error", message)
    assert (etc / "test.conf").read_text() == TEXT


async def test_changes_can_be_written_to_another_file(client: Client, etc: Path) -> None:
    right = {"Action": "Append", "Cat": "alice", "Var": "y", "Value": "2"}
    assert (await update(client, right, DstFilename="copy.conf"))["Response"] == "Success"
    assert (etc / "test.conf").read_text() == TEXT
    assert (etc / "copy.conf").read_text() == TEXT + "y = 2\n"
    assert (await update(client, right, DstFilename="../copy.conf"))["Message"] == OUTSIDE
    assert (await update(client, right, DstFilename=""))["Message"] == NO_FILE


async def test_a_file_outside_that_is_included_is_not_written(
    client: Client, etc: Path, tmp_path: Path
) -> None:
    (tmp_path / "more.conf").write_text("x=1\n")
    (etc / "main.conf").write_text("[a]\n#include ../more.conf\n")
    change = {"Action": "Update", "Cat": "a", "Var": "x", "Value": "2"}
    block = await update(client, change, SrcFilename="main.conf", DstFilename="main.conf")
    assert block["Message"] == OUTSIDE
    assert (tmp_path / "more.conf").read_text() == "x=1\n"


@given(st.text(max_size=60), st.text(max_size=60))
def test_any_options_and_filters_are_read_or_refused(options: str, condition: str) -> None:
    headers = [("Action-000000", "NewCat"), ("Cat-000000", "a"), ("Options-000000", options)]
    with contextlib.suppress(ActionError):
        (update,) = read_updates(Message(headers))
        assert all(name and name == name.lower() for name in update.options)
    with contextlib.suppress(ActionError, InvalidArgument):
        assert read_condition("b", condition)(Section("a", "x.conf", 1)) is False


@given(st.dictionaries(st.from_regex(r"[a-z]{1,8}", fullmatch=True), st.text("ab =,", max_size=9)))
def test_options_are_read_as_they_are_written(options: dict[str, str]) -> None:
    text = ", ".join(f'{name}="{value}"' for name, value in options.items())
    headers = [("Action-000000", "NewCat"), ("Cat-000000", "a"), ("Options-000000", text)]
    (update,) = read_updates(Message(headers))
    assert update.options == options


async def test_an_update_reloads_what_it_is_told_to(
    ami: AmiUnderTest, client: Client, etc: Path
) -> None:
    await update(client)
    await update(client, Reload="yes")
    await update(client, Reload="res_pjsip.so")
    assert ami.lifecycle.reloaded == [None, "res_pjsip.so"]
