"""Log channels that come and go while the server runs."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from server.base.errors import Conflict, InvalidArgument, NotFound
from server.base.log import LogService
from server.base.log_settings import LogChannel, LogSettings
from server.resources.logging_channels import LogChannels

CONFIGURED = LogSettings(channels=(LogChannel("messages", frozenset({"NOTICE", "ERROR"})),))
logger = logging.getLogger("server.tests")


@pytest.fixture
async def log(tmp_path: Path) -> AsyncIterator[LogService]:
    service = LogService(CONFIGURED, str(tmp_path))
    service.start()
    yield service
    service.close()


@pytest.fixture
def channels(log: LogService) -> LogChannels:
    return LogChannels(log)


def names(channels: LogChannels) -> list[str]:
    return [Path(channel.channel).name for channel in channels.list()]


async def test_channels_are_listed(channels: LogChannels, tmp_path: Path) -> None:
    (messages,) = channels.list()
    assert messages.channel == str(tmp_path / "messages")
    assert (messages.type, messages.status) == ("File", "Enabled")
    assert messages.configuration == "ERROR NOTICE"


async def test_what_is_added_is_written_to_at_once_until_it_is_deleted(
    channels: LogChannels, log: LogService, tmp_path: Path
) -> None:
    channels.add("extra", configuration="warning,error")
    logger.warning("one")
    channels.delete("extra")
    logger.warning("two")
    log.close()
    written = (tmp_path / "extra").read_text("utf-8")
    assert "one" in written
    assert "two" not in written
    assert names(channels) == ["messages"]


async def test_verbose_levels_and_formats_are_those_of_logger_conf(
    channels: LogChannels, log: LogService, tmp_path: Path
) -> None:
    channels.add("json", configuration="[json]verbose(2)")
    logger.info("a call")
    log.close()
    assert '"message": "a call"' in (tmp_path / "json").read_text("utf-8")


async def test_a_file_is_rotated_alone(
    channels: LogChannels, log: LogService, tmp_path: Path
) -> None:
    channels.add("extra", configuration="error")
    logger.error("before")
    channels.rotate(str(tmp_path / "extra"))
    logger.error("after")
    log.close()
    assert "before" in (tmp_path / "extra.0").read_text("utf-8")
    assert "after" in (tmp_path / "extra").read_text("utf-8")
    assert not (tmp_path / "messages.0").exists()


async def test_what_was_added_outlives_a_reload(channels: LogChannels, log: LogService) -> None:
    channels.add("extra", configuration="error")
    channels.delete("messages")
    log.reload(CONFIGURED)
    assert names(channels) == ["messages", "extra"]
    both = (*CONFIGURED.channels, LogChannel("extra", frozenset({"DEBUG"})))
    log.reload(LogSettings(channels=both))
    assert names(channels) == ["messages", "extra"]
    assert channels.list()[1].configuration == "DEBUG"


@pytest.mark.parametrize("name", ["messages", "{directory}/messages"])
async def test_a_name_is_taken_once(channels: LogChannels, tmp_path: Path, name: str) -> None:
    with pytest.raises(Conflict):
        channels.add(name.format(directory=tmp_path), configuration="error")


@pytest.mark.parametrize(
    "name",
    ["", ".", "..", "../x", "/etc/passwd", "a/../../x", "a\0b", "a\nb", "x" * 300, "/", "x/.."],
)
async def test_files_stay_below_the_log_directory(channels: LogChannels, name: str) -> None:
    with pytest.raises(InvalidArgument, match="logChannelName"):
        channels.add(name, configuration="error")


async def test_a_link_out_of_the_log_directory_is_refused(
    channels: LogChannels, tmp_path: Path
) -> None:
    (tmp_path / "way").symlink_to("/tmp")
    with pytest.raises(InvalidArgument, match="logChannelName"):
        channels.add("way/x", configuration="error")


@pytest.mark.parametrize("levels", ["", ",", "loud", "error,loud", "[xml]error"])
async def test_levels_are_checked(channels: LogChannels, levels: str) -> None:
    with pytest.raises(InvalidArgument, match="configuration"):
        channels.add("extra", configuration=levels)


async def test_there_may_be_no_console(channels: LogChannels) -> None:
    with pytest.raises(InvalidArgument, match="console"):
        channels.add("console", configuration="error")
    channels.add("syslog.local0", configuration="error")
    assert channels.list()[1].type == "Syslog"
    channels.rotate("syslog.local0")


async def test_what_is_not_there_is_not_found(channels: LogChannels) -> None:
    for verb in (channels.delete, channels.rotate):
        with pytest.raises(NotFound):
            verb("nothing")
