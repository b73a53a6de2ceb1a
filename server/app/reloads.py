"""What a reload does to each part: one step for each, under the names that reload it.

A step hands what the files say now to a part that runs. Calls and connections go on. What a part
can only take at its start is named in the answer.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING

from server.app.observability import configure_metrics
from server.app.settings import (
    define_music,
    dialplan_settings,
    journal_limits,
    node_settings,
    sip_sources,
)
from server.config.loader import Configuration
from server.config.objects import Remark

if TYPE_CHECKING:
    from server.app.server import Server

DIALPLAN_MODULES = frozenset({"pbx_ael", "pbx_config", "pbx_lua"})  # reloaded together
METRICS_MODULES = frozenset({"res_prometheus", "res_statsd"})
# For these, reading the files again is all there is to do.
CONSOLE_MODULES = frozenset({"cli", "cli_permissions", "res_clialiases", "res_pjsip_notify"})
DATABASE_MODULES = frozenset({"func_odbc", "res_odbc"})  # reloaded together
ACL = "acl"  # no module of Asterisk's, but reloaded like one; so are http, indications, logger

Apply = Callable[["Server", Configuration], Awaitable[Sequence[str]]]


@dataclass(frozen=True, slots=True)
class Step:
    """One part's share of a reload.

    :param names: modules whose reload includes it, besides a reload of everything.
    :param apply: returns lines for the user.
    """

    names: frozenset[str]
    apply: Apply


async def _databases(server: Server, fresh: Configuration) -> Sequence[str]:
    return await server.data.reload(fresh)


async def _features(server: Server, fresh: Configuration) -> Sequence[str]:
    server.dialplan.settings = replace(server.dialplan.settings, features=fresh.features)
    return ()


async def _dialplan(server: Server, fresh: Configuration) -> Sequence[str]:
    server.dialplan.settings = dialplan_settings(fresh, server.has_module)
    return await server.load_dialplan()


async def _sip(server: Server, fresh: Configuration) -> Sequence[str]:
    settings = server.sip_objects.configure(**sip_sources(fresh))
    server.sip.reload(settings)
    lines = [str(each) for each in settings.warnings if each.kind is not Remark.NO_EFFECT]
    lines += (
        f"pjsip.conf: a restart is needed for transport [{name}], without allow_reload"
        for name in server.sip.transports_needing_restart()
    )
    return lines


async def _http(server: Server, fresh: Configuration) -> Sequence[str]:
    return await server.http.configure(fresh.http)


async def _ari(server: Server, fresh: Configuration) -> Sequence[str]:
    server.http.configure_ari(fresh.ari)
    server.journals.limits = journal_limits(fresh)
    server.webhooks.configure(fresh.ari)
    return ()


async def _node(server: Server, fresh: Configuration) -> Sequence[str]:
    server.node.settings = node_settings(fresh, server.options)
    return ()


async def _outbound(server: Server, fresh: Configuration) -> Sequence[str]:
    server.outbound.configure(fresh.ari, fresh.websocket_clients)
    return ()


async def _music(server: Server, fresh: Configuration) -> Sequence[str]:
    if server.has_module("res_musiconhold"):
        former = server.configuration.musiconhold.classes
        for name in former.keys() - fresh.musiconhold.classes.keys():
            server.engine.define_music(name, ())
        define_music(fresh, server.engine)
    return ()


async def _log(server: Server, fresh: Configuration) -> Sequence[str]:
    server.log.reload(fresh.logger)
    server.dialplan.settings = replace(server.dialplan.settings, queue_log=server.log.queue_log)
    return ()


async def _metrics(server: Server, fresh: Configuration) -> Sequence[str]:
    await configure_metrics(server, fresh)
    return ()


async def _nothing(_server: Server, _fresh: Configuration) -> Sequence[str]:
    return ()


# In this order: what the dialplan and SIP may be stored in, then what is likeliest to be broken.
STEPS = (
    Step(DATABASE_MODULES | {"res_pjsip"}, _databases),
    Step(DIALPLAN_MODULES | {"app_amd"}, _dialplan),
    Step(frozenset({"features"}), _features),
    Step(frozenset({"res_pjsip", ACL}), _sip),
    Step(frozenset({"http", ACL}), _http),
    Step(frozenset({"res_ari", ACL}), _ari),
    Step(frozenset({"res_ari", "indications"}), _node),
    Step(frozenset({"res_ari", "res_websocket_client"}), _outbound),
    Step(frozenset({"res_musiconhold"}), _music),
    Step(METRICS_MODULES, _metrics),
    Step(frozenset({"logger"}), _log),
    Step(CONSOLE_MODULES, _nothing),
)
RELOADABLE = frozenset().union(*(step.names for step in STEPS))


async def apply(server: Server, fresh: Configuration, name: str | None) -> list[str]:
    """Hand a configuration to the parts that are meant.

    :param name: one of :data:`RELOADABLE`, ``None`` for all of them.
    :return: lines for the user.
    :raises ConfigError: it can't be used; nothing was changed.
    """
    server.sip_objects.check(**sip_sources(fresh))
    lines: list[str] = []
    for step in STEPS:
        if name is None or name in step.names:
            lines += await step.apply(server, fresh)
    return lines


def needs_restart(started: Configuration, fresh: Configuration) -> Iterator[str]:
    """Yield a line for each file with options that count only from the next start on.

    :param started: what the server was started with.
    """
    for section in ("directories", "options", "files"):
        changed = _changes(getattr(started.asterisk, section), getattr(fresh.asterisk, section))
        if changed:
            yield _line("asterisk.conf", changed)
    if changed := _changes(started.rtp, fresh.rtp):
        yield _line("rtp.conf", changed)
    timeline = {name for name in _changes(started.ari, fresh.ari) if name.startswith("timeline")}
    if timeline:
        yield _line("ari.conf", sorted(timeline))
    if started.http.http3 != fresh.http.http3:
        yield _line("http.conf", ["http3"])
    if started.modules != fresh.modules:
        yield "modules.conf counts from the next start on; module load and unload work now"


def _changes(former: object, latter: object) -> list[str]:
    """Return the fields in which two settings of one kind differ."""
    names = (field.name for field in fields(former))  # type: ignore[arg-type]
    return [name for name in names if getattr(former, name) != getattr(latter, name)]


def _line(file: str, options: Sequence[str]) -> str:
    return f"{file}: a restart is needed for {', '.join(options)}"
