"""Codecs, formats, technologies, music, tones, tasks and the machine."""

from __future__ import annotations

import logging
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.base.errors import NotFound
from server.base.log import Console
from server.cli.commands.core_describe import read_help
from server.cli.registry import CommandError


async def test_codecs(cli) -> None:
    rows = (await cli.run("core show codecs")).splitlines()
    assert rows[2].split() == ["ID", "TYPE", "NAME", "FORMAT", "DESCRIPTION"]
    assert rows[4].split(None, 4) == ["1", "audio", "ulaw", "ulaw", "(G.711 u-law)"]
    assert len((await cli.run("core show codecs video")).splitlines()) == 4
    assert await cli.run("core show codec 1") == "          1 ulaw (G.711 u-law)"
    assert await cli.run("core show codec 99") == "Codec 99 not found"


async def test_translations(cli) -> None:
    table = (await cli.run("core show translation")).splitlines()
    assert table[3].split() == ["ulaw", "alaw", "slin", "slin16"]
    assert table[4].split() == ["ulaw", "-", "24000", "9000", "26000"]
    paths = await cli.run("core show translation paths ulaw")
    assert "To slin16:16000    : (ulaw@8000)->(slin@8000)->(slin16@16000)" in paths
    assert "not found" in await cli.run("core show translation paths none")


async def test_formats(cli) -> None:
    rows = (await cli.run("core show file formats")).splitlines()
    assert rows[0].split() == ["Format", "Name", "Extensions"]
    assert ["ulaw", "ulaw", "ulaw|ul|mu|ulw|pcm"] in [row.split() for row in rows]
    assert rows[-1] == f"{len(rows) - 3} file formats registered."
    assert (await cli.run("core show image formats")).endswith("0 image formats registered.")


async def test_channel_types(cli) -> None:
    rows = (await cli.run("core show channeltypes")).splitlines()
    assert rows[0].split() == [
        "Type",
        "Description",
        "Devicestate",
        "Presencestat",
        "Indications",
        "Transfer",
    ]
    assert rows[-1] == f"{len(rows) - 4} channel drivers registered."
    name = rows[2].split()[0]
    assert f"-- Info about channel driver: {name} --" in await cli.run(
        f"core show channeltype {name}"
    )
    with pytest.raises(CommandError, match="not a registered channel driver"):
        await cli.run("core show channeltype none")


async def test_sounds(cli) -> None:
    assert (await cli.run("core show sounds")).startswith("Available audio files:")
    with pytest.raises(NotFound, match="not found in media index"):
        await cli.run("core show sound none")


async def test_music(cli) -> None:
    assert await cli.run("moh show classes") == "Class: default\n\tMode: files\n\tDirectory: moh"
    assert (await cli.run("moh show files")).startswith("Class: default")
    await cli.run("moh reload")
    assert cli.lifecycle.reloads == ["res_musiconhold"]


async def test_tones(cli) -> None:
    rows = (await cli.run("indication show")).splitlines()
    assert rows[0] == "Country Description"
    assert any(row.startswith("us      ") for row in rows)
    output = await cli.run("indication show us")
    assert re.search(r"^us +<ringcadence> +2000,4000$", output, re.MULTILINE)
    assert re.search(r"^us +busy +480\+620/500,0/500$", output, re.MULTILINE)
    with pytest.raises(CommandError, match="'zz' has no tones"):
        await cli.run("indication show zz")


async def test_how_numbers_are_said(cli) -> None:
    assert await cli.run("say load") == "say mode is [old]"
    with pytest.raises(CommandError, match=r"say\.conf has no rules"):
        await cli.run("say load new")
    assert await cli.run("say load old") == "setting say mode from old to old"


async def test_tasks_and_threads(cli) -> None:
    rows = (await cli.run("core show taskprocessors")).splitlines()
    assert rows[1].split() == ["Processor", "Processed", "In", "Queue"]
    assert rows[-1] == "1 taskprocessors"
    assert "0 taskprocessors" in await cli.run("core show taskprocessors like none")
    assert "ping time: " in await cli.run("core ping taskprocessor calls")
    assert (await cli.run("core show taskprocessor name calls")).endswith("1 taskprocessors")
    with pytest.raises(NotFound, match="'none' not found"):
        await cli.run("core ping taskprocessor none")
    assert re.search(r"\d+ threads listed\.$", await cli.run("core show threads"))


async def test_the_machine(cli) -> None:
    output = await cli.run("core show sysinfo")
    assert re.search(r"Total RAM: +\d+ KiB\n", output)
    assert "Apache License" in await cli.run("core show license")
    assert "without warranties" in await cli.run("core show warranty")


async def test_levels_of_a_console(cli) -> None:
    console = Console(lambda _line: None)
    await cli.registry.execute(cli.context, "logger set level debug on", console)
    assert "DEBUG" in console.levels
    output = await cli.registry.execute(cli.context, "logger set level WARNING off", console)
    assert output == "Logger status for 'WARNING' has been set to 'off'."
    assert "WARNING" not in console.levels
    assert "  NOTICE" in await cli.run("logger show levels")


async def test_module_refresh_needs_a_registry(cli) -> None:
    with pytest.raises(CommandError, match="modules can't be changed"):
        await cli.run("module refresh res_x")


async def test_debug_of_one_module(cli) -> None:
    seen: list[str] = []
    console = Console(lambda line: seen.append(line.message))
    cli.log.add_console(console)
    output = await cli.run("core set debug 3 res_pjsip.so")
    assert output == "Core debug was OFF and has been set to 3 for 'res_pjsip'."
    logging.getLogger("server.sip.stack").debug("wanted")
    logging.getLogger("server.sipping").debug("unwanted")
    logging.getLogger("server.http").debug("unwanted")
    assert await cli.run("core set debug off res_pjsip") == (
        "Core debug was 3 and has been set to OFF for 'res_pjsip'."
    )
    logging.getLogger("server.sip.stack").debug("unwanted")
    assert seen == ["wanted"]
    with pytest.raises(CommandError, match="'chan_dahdi' has no debug messages"):
        await cli.run("core set debug 1 chan_dahdi")


async def test_levels_are_told_as_asterisk_does(cli) -> None:
    assert await cli.run("core set verbose 3") == "Console verbose was OFF and is now 3."
    assert await cli.run("core set verbose atleast 2") == "Console verbose is still 3."
    assert await cli.run("core set verbose off") == "Console verbose was 3 and is now OFF."
    assert await cli.run("core set verbose 4 silent") == ""


@given(st.text(max_size=120))
def test_any_docstring_gives_help(text: str) -> None:
    found = read_help("Name", text)
    assert found.syntax
    assert found.synopsis == found.synopsis.strip()


def test_a_docstring_is_taken_apart() -> None:
    text = """Echo(a,
    b): hear ``yourself``
    again.

    Options::

        a  one
    """
    found = read_help("Echo", text)
    assert found.syntax == "Echo(a, b)"
    assert found.synopsis == "Hear yourself again."
    assert found.description == "Options:\n\n    a  one"
