"""Endpoints, aors and auths of a database: when they are fetched, and what comes of it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from server.base.errors import Forbidden
from server.base.tasks import TaskScope
from server.config.ini import parse_text
from server.config.objects import ConfigObject, Option
from server.config.sections.sorcery import Sorcery, build_sorcery
from server.realtime import sip_objects
from server.realtime.sip_objects import KEEP_S, SipRealtime, without_mapped_types
from server.sip.settings import SipSettings
from server.sip.sorcery import SipObjects
from tests.support.families import Families
from tests.support.node import MemoryStore, settle

MAPPED = """
[res_pjsip]
endpoint=realtime,endpoints
auth=realtime,auths
aor=realtime,aors
"""
BOTH = "endpoint=config,pjsip.conf,criteria=type=endpoint\n"
CACHED = MAPPED + (
    "endpoint/cache=memory_cache,object_lifetime_stale=60,object_lifetime_maximum=100\n"
)


def sorcery(source: str) -> Sorcery:
    return build_sorcery(parse_text(source), [])


class World:
    def __init__(self) -> None:
        self.families = Families(
            endpoints=[
                {"id": "dora", "auth": "dora", "aors": "dora", "context": "x", "empty": ""},
                {"id": "bad", "aors": "dora", "rtp_timeout": "soon"},
            ],
            auths=[{"id": "dora", "password": "one"}],
            aors=[{"id": "dora", "max_contacts": "1", "unknown_column": "x"}],
        )
        self.now = 1000.0
        self.applied: list[SipSettings] = []
        self.scope = TaskScope("test")
        self.objects = SipObjects(
            MemoryStore(),
            apply=self.applied.append,
            contacts=tuple,
            remove_contact=lambda _contact: None,
        )
        self.objects.configure([], named_acls={}, language="en")
        self.sip = SipRealtime(self.families, self.objects, self.scope, lambda: self.now)
        self.sip.configure(sorcery(MAPPED))

    @property
    def settings(self) -> SipSettings:
        return self.objects.settings


@pytest.fixture
async def world() -> AsyncIterator[World]:
    made = World()
    yield made
    made.sip.close()
    await made.scope.close()


async def test_everything_is_loaded_at_once(world: World) -> None:
    await world.sip.load()
    assert list(world.settings.endpoints) == ["dora"]  # "bad" is reported and left out
    assert world.settings.endpoints["dora"].context == "x"
    assert world.settings.auths["dora"].password == "one"
    assert world.settings.aors["dora"].max_contacts == 1
    assert len(world.applied) == 1
    await world.sip.load()
    assert len(world.applied) == 1  # nothing is new


async def test_an_endpoint_is_fetched_with_what_it_names(world: World) -> None:
    assert world.sip.wants(["dora"])
    await world.sip.fetch(["dora"])
    assert world.families.queries == [("endpoints", "dora"), ("auths", "dora"), ("aors", "dora")]
    assert world.settings.auths["dora"].password == "one"
    assert not world.sip.wants(["dora"])


async def test_without_a_cache_it_is_fetched_for_each_use(world: World) -> None:
    await world.sip.fetch(["dora"])
    world.families.rows["auths"][0]["password"] = "two"
    world.now += KEEP_S
    assert world.sip.wants(["dora"])
    await world.sip.fetch(["dora"])
    assert world.settings.auths["dora"].password == "two"


async def test_with_a_cache_it_is_refreshed_meanwhile_and_waited_for_when_it_is_too_old(
    world: World,
) -> None:
    world.sip.configure(sorcery(CACHED))
    await world.sip.load()
    world.families.queries.clear()
    world.now += 59
    assert not world.sip.wants(["dora"])
    assert world.families.queries == []
    world.now += 1
    assert not world.sip.wants(["dora"])
    await settle()
    assert ("endpoints", "dora") in world.families.queries
    world.now += 100
    assert world.sip.wants(["dora"])


async def test_who_asks_at_the_same_time_gets_the_same_answer(world: World) -> None:
    world.families.gate.clear()
    asking = [asyncio.ensure_future(world.sip.fetch(["dora"])) for _ in range(5)]
    await settle()
    world.families.gate.set()
    await asyncio.gather(*asking)
    assert [query for query in world.families.queries if query[0] == "endpoints"] == [
        ("endpoints", "dora")
    ]


async def test_what_is_deleted_is_gone_and_a_stranger_is_asked_for_now_and_then(
    world: World,
) -> None:
    await world.sip.fetch(["dora", "nobody"])
    assert not world.sip.wants(["nobody"])
    del world.families.rows["endpoints"][0]
    world.now += KEEP_S
    assert world.sip.wants(["nobody"])
    await world.sip.fetch(["dora"])
    assert "dora" not in world.settings.endpoints


async def test_a_database_that_is_gone_leaves_what_is_known(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    await world.sip.load()
    world.families.is_dead = True
    world.now += KEEP_S
    await world.sip.fetch(["dora"])
    await world.sip.load()
    assert "dora" in world.settings.endpoints
    assert "the database is gone" in caplog.text


async def test_objects_of_a_database_can_not_be_changed_here_nor_replace_those_of_files(
    world: World,
) -> None:
    option = [Option("context", "file", "pjsip.conf", 1)]
    item = ConfigObject("endpoint", "dora", option, "pjsip.conf", 1)
    await world.sip.load()
    with pytest.raises(Forbidden, match="is in a database"):
        world.objects.put("endpoint", "dora", [("context", "y")])
    assert dict(world.objects.get("aor", "dora") or ())["max_contacts"] == "1"
    world.objects.configure([item], named_acls={}, language="en")
    await world.sip.load()
    assert world.settings.endpoints["dora"].context == "file"
    world.now += KEEP_S
    assert not world.sip.wants(["dora@example.com", "dora"])


async def test_what_no_request_names_is_looked_at_again_and_again(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sip_objects, "REFRESH_S", 0.0)
    world.families.rows["aliases"] = [{"id": "a.example", "domain": "example.com"}]
    world.families.rows["identifies"] = []
    more = "identify=realtime,identifies\ndomain_alias=realtime,aliases\n"
    world.sip.configure(sorcery(MAPPED + more))
    await world.sip.load()
    assert world.settings.domain_aliases["a.example"].domain == "example.com"
    row = {"id": "x", "endpoint": "dora", "match": "192.0.2.0/24,198.51.100.7"}
    world.families.rows["identifies"].append(row)
    world.families.rows["aliases"].clear()
    while not world.settings.identifies:
        await asyncio.sleep(0)
    assert len(world.settings.identifies[0].networks) == 2
    assert world.settings.domain_aliases == {}


async def test_many_changes_are_applied_at_once(world: World) -> None:
    world.families.rows["endpoints"] += [{"id": f"e{n}"} for n in range(50)]
    await world.sip.load()
    assert len(world.settings.endpoints) == 51
    assert len(world.applied) == 1


async def test_an_endpoint_of_the_file_may_have_its_auth_in_the_database(world: World) -> None:
    option = [Option("auth", "dora", "pjsip.conf", 2)]
    item = ConfigObject("endpoint", "filed", option, "pjsip.conf", 1)
    items, _warnings = without_mapped_types([item], sorcery(MAPPED + BOTH))
    world.objects.configure(items, named_acls={}, language="en")
    await world.sip.load()
    assert world.settings.endpoints["filed"].auth == ("dora",)
    assert world.settings.auths["dora"].password == "one"


def test_types_that_are_only_elsewhere_are_not_taken_from_the_file() -> None:
    items = [ConfigObject(kind, "a", [], "pjsip.conf", 3) for kind in ("endpoint", "transport")]
    kept, warnings = without_mapped_types(items, sorcery(MAPPED))
    assert [item.type for item in kept] == ["transport"]
    assert warnings == ["pjsip.conf:3: [a] is left out: sorcery.conf has endpoint in realtime only"]
    both = MAPPED + "endpoint=config,pjsip.conf,criteria=type=endpoint\n"
    assert len(without_mapped_types(items, sorcery(both))[0]) == 2


async def test_a_cache_forgets_what_it_is_told_to(world: World) -> None:
    world.sip.configure(sorcery(CACHED))
    assert world.sip.caches == {"res_pjsip/endpoint": "endpoint"}
    await world.sip.load()
    assert not world.sip.wants(["dora"])
    assert world.sip.expire("endpoint", "dora")
    assert world.sip.wants(["dora"])
    assert not world.sip.expire("endpoint", "dora")
    await world.sip.fetch(["dora"])
    assert world.sip.expire("aor", "dora")  # which comes with the endpoint that names it
    assert not world.sip.expire("aor", "nobody")
    await world.sip.fetch(["dora"])
    assert world.sip.expire("endpoint")
    assert world.sip.wants(["dora"])


async def test_what_is_marked_stale_is_used_and_read_again(world: World) -> None:
    world.sip.configure(sorcery(CACHED))
    await world.sip.load()
    world.families.rows["endpoints"][0]["context"] = "y"
    assert world.sip.mark_stale("endpoint", "dora")
    assert not world.sip.wants(["dora"])
    await settle()
    assert world.settings.endpoints["dora"].context == "y"
    world.families.rows["endpoints"][0]["context"] = "z"
    assert world.sip.mark_stale("auth", "dora", reads_now=True)
    await settle()
    assert world.settings.endpoints["dora"].context == "z"


def test_a_cache_may_have_a_name() -> None:
    named = sorcery(MAPPED + "endpoint/cache=memory_cache,name=phones\n")
    assert named.caches() == {"phones": "endpoint"}
