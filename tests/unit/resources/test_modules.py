"""Modules: what is loaded, what can be unloaded, and reloads one after the other."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from server.base.errors import ConfigError, Conflict, NotFound, Unavailable
from server.resources.modules import Module, Modules


class Part:
    """Something that comes and goes."""

    def __init__(self) -> None:
        self.is_there = True

    def load(self) -> None:
        self.is_there = True

    def unload(self) -> None:
        self.is_there = False


class Reloads:
    """Reloads that end when the test says so."""

    def __init__(self) -> None:
        self.begun: list[str] = []
        self.may_end = asyncio.Event()
        self.failure: Exception | None = None

    async def __call__(self, name: str) -> None:
        self.begun.append(name)
        await self.may_end.wait()
        if self.failure is not None:
            raise self.failure


@pytest.fixture
def uses() -> dict[str, int]:
    return {}


@pytest.fixture
def part() -> Part:
    return Part()


@pytest.fixture
async def modules(uses: dict[str, int], part: Part) -> AsyncIterator[Modules]:
    made = Modules(lambda: uses)
    made.add(Module("app_x.so", "X", load=part.load, unload=part.unload))
    made.add(Module("res_core.so", "Core"))
    made.add(Module("res_conf.so", "Conf", can_reload=True))
    yield made
    await made.scope.close()


async def test_modules_are_listed_by_name_with_their_use(
    modules: Modules, uses: dict[str, int]
) -> None:
    uses["app_x.so"] = 3
    listed = [(module.name, module.use_count, module.status) for module in modules.list()]
    assert listed == [
        ("app_x.so", 3, "Running"),
        ("res_conf.so", 0, "Running"),
        ("res_core.so", 0, "Running"),
    ]
    assert modules.get("app_x") == modules.get("app_x.so")
    assert modules.get("app_x").support_level == "core"


async def test_what_is_unloaded_is_gone_until_it_is_loaded(modules: Modules, part: Part) -> None:
    modules.unload("app_x")
    assert not part.is_there
    assert [module.name for module in modules] == ["res_conf.so", "res_core.so"]
    for verb in (modules.get, modules.unload):
        with pytest.raises(NotFound):
            verb("app_x.so")
    modules.load("app_x.so")
    assert part.is_there
    assert modules.find("app_x") is not None


async def test_what_is_in_use_stays(modules: Modules, uses: dict[str, int], part: Part) -> None:
    uses["app_x.so"] = 1
    with pytest.raises(Conflict, match="use count is 1"):
        modules.unload("app_x.so")
    assert part.is_there


async def test_what_the_server_needs_stays(modules: Modules) -> None:
    with pytest.raises(Conflict, match="can't do without"):
        modules.unload("res_core.so")


@pytest.mark.parametrize("name", ["app_x.so", "app_x", "res_core.so", "res_nothing.so", ""])
async def test_what_is_loaded_or_unknown_cant_be_loaded(modules: Modules, name: str) -> None:
    with pytest.raises(Conflict):
        modules.load(name)


async def test_a_name_is_taken_once(modules: Modules) -> None:
    with pytest.raises(Conflict):
        modules.add(Module("app_x.so", "again"))


async def test_use_that_cant_be_told_is_a_conflict() -> None:
    def fail() -> dict[str, int]:
        raise Unavailable("stopping")

    modules = Modules(fail)
    modules.add(Module("x.so", "X"))
    with pytest.raises(Conflict, match="stopping"):
        modules.get("x.so")


async def test_reload_reads_the_configuration_again(modules: Modules) -> None:
    reloads = Reloads()
    reloads.may_end.set()
    modules.set_reloader(reloads)
    assert await modules.reload("res_conf")
    assert reloads.begun == ["res_conf.so"]
    with pytest.raises(Conflict, match="support"):
        await modules.reload("res_core.so")
    with pytest.raises(NotFound):
        await modules.reload("res_nothing.so")
    reloads.failure = ConfigError("x.conf", 3, "wrong")
    with pytest.raises(Conflict, match=r"x\.conf:3"):
        await modules.reload("res_conf.so")


async def test_reloads_that_come_meanwhile_follow_once(modules: Modules) -> None:
    reloads = Reloads()
    modules.set_reloader(reloads)
    first = asyncio.create_task(modules.reload("res_conf.so"))
    await asyncio.sleep(0)
    assert not await modules.reload("res_conf.so")
    assert not await modules.reload("res_conf.so")
    assert reloads.begun == ["res_conf.so"]
    reloads.may_end.set()
    assert await first
    while len(modules.scope):
        await asyncio.sleep(0)
    assert reloads.begun == ["res_conf.so"] * 2


async def test_a_queued_reload_that_fails_is_logged(
    modules: Modules, caplog: pytest.LogCaptureFixture
) -> None:
    reloads = Reloads()
    modules.set_reloader(reloads)
    first = asyncio.create_task(modules.reload("res_conf.so"))
    await asyncio.sleep(0)
    await modules.reload("res_conf.so")
    reloads.failure = ConfigError("x.conf", 3, "wrong")
    reloads.may_end.set()
    with pytest.raises(Conflict):
        await first
    while len(modules.scope):
        await asyncio.sleep(0)
    assert "x.conf:3" in caplog.text
