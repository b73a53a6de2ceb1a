"""The server itself: what it tells of itself, and its global variables."""

from __future__ import annotations

import pytest

from server.base.errors import InvalidArgument
from server.resources.asterisk import Asterisk, SystemFacts
from tests.support.node import NodeUnderTest


async def test_info_is_complete_or_as_asked(node: NodeUnderTest) -> None:
    info = node.asterisk.info()
    assert info.system is not None
    assert info.system.entity_id == "test-node"
    only = node.asterisk.info(only=["status"])
    assert only.status is not None
    assert (only.build, only.system, only.config) == (None, None, None)
    with pytest.raises(InvalidArgument, match="only"):
        node.asterisk.info(only=["mood"])
    assert node.asterisk.ping().ping == "pong"


async def test_info_tells_who_built_and_runs_the_server(node: NodeUnderTest) -> None:
    facts = SystemFacts(
        started=0.0,
        reloaded=0.0,
        system_name="here",
        user="arion",
        group="calls",
        max_load=2.5,
        built=86_400.0,
        builder="smith",
    )
    asterisk = Asterisk(node.node, facts)
    asterisk.reloaded(60.0)
    info = asterisk.info()
    assert info.build is not None
    assert (info.build.date, info.build.user) == ("1970-01-02 00:00:00 UTC", "smith")
    assert info.build.os
    assert info.build.kernel
    assert info.build.machine
    assert info.config is not None
    assert (info.config.name, info.config.max_load) == ("here", 2.5)
    assert (info.config.setid.user, info.config.setid.group) == ("arion", "calls")
    assert info.status is not None
    assert info.status.startup_time.startswith("1970-01-01T00:00:00")
    assert info.status.last_reload_time.startswith("1970-01-01T00:01:00")


async def test_global_variables(node: NodeUnderTest) -> None:
    node.asterisk.set_global_var(variable="A", value="1")
    assert node.asterisk.get_global_var(variable="A").value == "1"
    with pytest.raises(InvalidArgument):
        node.asterisk.get_global_var(variable="")
    with pytest.raises(InvalidArgument):
        node.asterisk.set_global_var(variable="")


async def test_a_global_variable_that_is_not_set_is_empty(node: NodeUnderTest) -> None:
    assert node.asterisk.get_global_var(variable="NOTHING").value == ""
    node.asterisk.set_global_var(variable="A")
    assert node.asterisk.get_global_var(variable="A").value == ""
