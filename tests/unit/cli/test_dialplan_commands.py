"""``dialplan …``, hints and states, on a real dialplan."""

from __future__ import annotations

from pathlib import Path

import pytest

from server.base.errors import Conflict, InvalidArgument, ServerError
from server.cli.registry import CommandError
from server.config.ini import parse_text
from server.dialplan.loader import compile_plan

SHOWN = """\
[ Context 'default' created by 'pbx_config' ]
  '100' =>          hint: Custom:lamp,CustomPresence:alice        [extensions.conf:7]
                    1. Answer()                                   [extensions.conf:5]
     [again]        2. Echo(a,b)                                  [extensions.conf:6]
  Include =>        'other'                                       [pbx_config]
  Ignore pattern => '9'                                           [pbx_config]
  Alt. Switch =>    'Loopback/@other'                             [pbx_config]

[ Context 'other' created by 'pbx_config' ]
  '_X.' (CID match '200') => 1. Answer()                                   [extensions.conf:12]

-= 2 extensions (4 priorities) in 2 contexts. =-"""


async def test_show_has_asterisks_form(cli) -> None:
    assert (await cli.run("dialplan show")) == SHOWN


async def test_show_of_one_context_or_extension(cli) -> None:
    assert "_X." not in await cli.run("dialplan show default")
    output = await cli.run("dialplan show 100@default")
    assert "Include =>" not in output
    assert "[ Included context 'other' created by 'pbx_config' ]" in output
    assert output.endswith("-= 2 extensions (4 priorities) in 2 contexts. =-")
    with pytest.raises(CommandError, match="There is no existence of 'none' context"):
        await cli.run("dialplan show none")
    with pytest.raises(CommandError, match="There is no existence of x@default extension"):
        await cli.run("dialplan show x@default")


async def test_reload_reads_the_file_again(cli) -> None:
    path = Path(cli.dialplan.settings.path)
    path.write_text("[new]\nexten => 1,1,NoOp()\nfoo => bar\n")
    output = (await cli.run("dialplan reload")).splitlines()
    assert output[0].endswith(":3: unknown keyword 'foo' in context new")
    assert output[1:] == ["Dialplan reloaded."]
    assert list(cli.dialplan.plan.contexts) == ["new"]


async def test_a_broken_file_keeps_the_running_plan_and_says_why(cli) -> None:
    plan = cli.dialplan.plan
    Path(cli.dialplan.settings.path).write_text("[new\nexten => 1,1,NoOp()\n")
    with pytest.raises(ServerError, match=r"extensions\.conf:1"):
        await cli.run("dialplan reload")
    assert cli.dialplan.plan is plan


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (
            "dialplan add extension 5,1,NoOp(x) into fresh",
            (
                "Context 'fresh' did not exist prior to add extension"
                " - the context will be created.\n"
                "Extension '5,1,NoOp(x)' added into 'fresh' context"
            ),
        ),
        (
            "dialplan add extension 5/77,1,NoOp,x into other",
            "Extension '5,1,NoOp(x)' added into 'other' context",
        ),
        (
            "dialplan add extension 100,1,NoOp(x) into default replace",
            "Extension 100@default (1) replace by '100,1,NoOp(x)'",
        ),
        (
            "dialplan add extension 101,hint,Custom:a into default",
            "Extension '101,hint,Custom:a()' added into 'default' context",
        ),
        ("dialplan remove extension 100@default", "Whole extension 100@default removed"),
        (
            "dialplan remove extension 100@default 2",
            "Extension 100@default with priority 2 removed",
        ),
        (
            "dialplan remove extension _X./200@other 1",
            "Extension _X.@other with priority 1 removed",
        ),
        (
            "dialplan add include default into other",
            "Context 'default' included in 'other' context",
        ),
        (
            "dialplan remove include other from default",
            "We are not including 'other' into 'default' now",
        ),
        (
            "dialplan add ignorepat 8 into default",
            "Ignore pattern '8' added into 'default' context",
        ),
        (
            "dialplan remove ignorepat 9 from default",
            "Ignore pattern '9' removed from 'default' context",
        ),
        ("dialplan remove context other", "Removing context 'other'"),
    ],
)
async def test_changes_are_made_and_said(cli, line: str, expected: str) -> None:
    before = await cli.run("dialplan show")
    assert await cli.run(line) == expected
    assert await cli.run("dialplan show") != before


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("dialplan add extension 100,1,NoOp() into default", "already exists"),
        ("dialplan add extension 100,x,NoOp() into default", "'x' is not a valid priority"),
        ("dialplan add extension 100,1 into default", "Usage:"),
        ("dialplan add extension 100,1,NoOp() default", "Usage:"),
        ("dialplan remove extension 7@default", "Failed to remove extension 7@default"),
        ("dialplan remove extension 7", "Missing extension or context name"),
        ("dialplan add include other into default", "already included in 'default' context"),
        ("dialplan remove include x from default", "Failed to remove 'x' include"),
        ("dialplan add ignorepat 9 into default", "already included"),
        ("dialplan remove ignorepat 7 from default", "no existence of ignore pattern '7'"),
        ("dialplan remove context none", "no existence of 'none' context"),
        ("dialplan show chanvar none", "Channel 'none' not found"),
        ("dialplan set chanvar none a b", "Channel 'none' not found"),
        ("dialplan save /etc/passwd", "is not in"),
        ("dialplan save ../x.conf", "is not in"),
        ("devstate change PJSIP/alice INUSE", "can only be used to set 'Custom:'"),
        ("devstate change Custom:x purple", "Usage:"),
        ("presencestate change Other:x away", "can only be used to set 'CustomPresence:'"),
    ],
)
async def test_what_cannot_be_done_is_said_and_changes_nothing(
    cli, line: str, message: str
) -> None:
    before = await cli.run("dialplan show")
    with pytest.raises((CommandError, Conflict, InvalidArgument), match=message):
        await cli.run(line)
    assert await cli.run("dialplan show") == before


async def test_save_writes_what_loads_as_the_same_plan(cli) -> None:
    await cli.run("dialplan add extension 5,1,NoOp(a) into added")
    await cli.run("dialplan set global COLOUR blue;green")
    before = await cli.run("dialplan show")
    assert "successfully saved into" in await cli.run("dialplan save copy.conf")
    copy = Path(cli.dialplan.settings.path).with_name("copy.conf")
    plan = compile_plan(parse_text(copy.read_text(), path="extensions.conf"))
    assert plan.warnings == []
    assert plan.globals == {"COLOUR": "blue;green"}
    cli.dialplan.install(plan)
    after = await cli.run("dialplan show")
    assert _without_sources(after) == _without_sources(before)


def _without_sources(listing: str) -> list[str]:
    return [line.rpartition("[")[0] or line for line in listing.splitlines()]


async def test_save_needs_static_and_no_write_protection(cli) -> None:
    cli.dialplan.plan.is_write_protected = True
    with pytest.raises(CommandError, match="I can't save dialplan now"):
        await cli.run("dialplan save")


async def test_variables_are_set_and_shown(cli) -> None:
    assert await cli.run("dialplan set global A one") == (
        "\n    -- Global variable 'A' set to 'one'"
    )
    output = await cli.run("dialplan show globals")
    assert output == "   A=one\n\n    -- 1 variable(s)"
    channel = await cli.node.call()
    await cli.run(f"dialplan set chanvar {channel.name} B two")
    assert "B=two" in (await cli.run(f"dialplan show chanvar {channel.name}")).splitlines()


async def test_functions_are_evaluated(cli) -> None:
    assert await cli.run("dialplan eval function LEN(abc)") == (
        "Return Value: Success (0)\nResult: 3"
    )
    assert "Return Value: Failure (-1)" in await cli.run("dialplan eval function NONE(abc)")


async def test_debug_lists_extensions_in_the_order_of_the_search(cli) -> None:
    await cli.run("dialplan add extension 5,1,NoOp(a) into other")
    output = (await cli.run("dialplan debug other")).splitlines()
    assert output[-3].strip() == "Context-> other"
    assert [line.split()[1] for line in output[-2:]] == ["5", "_X./200"]


async def test_hints_are_shown_in_asterisks_form(cli) -> None:
    await cli.run("devstate change Custom:lamp INUSE")
    await cli.run("presencestate change CustomPresence:alice away")
    row = (
        "100@default                   : Custom:lamp,CustomPresence:alice"
        "                              State:InUse           Presence:away            Watchers  0"
    )
    output = (await cli.run("core show hints")).splitlines()
    assert output[1:] == [
        "    -= Registered Asterisk Dial Plan Hints =-",
        row,
        "----------------",
        "- 1 hints registered",
    ]
    assert (await cli.run("core show hint 100")).splitlines() == [
        row,
        "1 hint matching extension 100",
    ]
    assert await cli.run("core show hint 7") == "No hints matching extension 7"


async def test_custom_states_are_listed(cli) -> None:
    assert await cli.run("devstate change Custom:lamp RINGING") == "Changing lamp to RINGING"
    assert "--- Name: 'Custom:lamp'  State: 'RINGING'" in await cli.run("devstate list")
    await cli.run('presencestate change CustomPresence:bob "chat,home,at the door"')
    output = await cli.run("presencestate list")
    assert "--- Name: 'CustomPresence:bob'" in output
    assert "    --- Message: 'at the door'" in output


async def test_switches_are_listed(cli) -> None:
    assert "loopback: " in await cli.run("core show switches")
