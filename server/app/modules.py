"""The server's parts under the names of the Asterisk modules that they stand for.

Applications and functions of the dialplan, the families of REST operations, and what
:mod:`server.app.switches` lists can be unloaded and loaded while the server runs; everything else
is there for good. modules.conf says what is there from the start.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Iterable, Mapping
from functools import cache, partial
from importlib import resources
from typing import TYPE_CHECKING, TypeVar

import orjson

from server.app.reloads import RELOADABLE
from server.app.switches import ONLY_AT_START, TECHNOLOGIES, make_switches
from server.base.errors import Unavailable
from server.resources.modules import SUFFIX, Module

if TYPE_CHECKING:
    from server.app.server import Server
    from server.dialplan.registry import Application, Function, Registry

logger = logging.getLogger(__name__)

T = TypeVar("T")

PARTS = {
    "bridge_holding": "Holding bridge module",
    "bridge_native_rtp": "Relay between two phones of one codec",
    "bridge_simple": "Simple two channel bridging module",
    "bridge_softmix": "Multi-party software based channel mixing",
    "chan_audiosocket": "AudioSocket Channel",
    "chan_pjsip": "PJSIP Channel Driver",
    "chan_rtp": "RTP Media Channel",
    "chan_websocket": "WebSocket Channel Driver",
    "codec_alaw": "A-law Coder/Decoder",
    "codec_resample": "SLIN Resampling Codec",
    "codec_ulaw": "mu-Law Coder/Decoder",
    "features": "Call Features",
    "format_gsm": "Raw GSM data",
    "format_pcm": "Raw uLaw and aLaw",
    "format_sln": "Raw Signed Linear Audio support",
    "format_wav": "Microsoft WAV format",
    "format_wav_gsm": "Microsoft WAV format with GSM",
    "pbx_ael": "Asterisk Extension Language Compiler",
    "pbx_config": "Text Extension Configuration",
    "pbx_lua": "Lua PBX Switch",
    "pbx_spool": "Outgoing Spool Support",
    "pbx_realtime": "Realtime Switch",
    "res_ari": "Asterisk RESTful Interface",
    "res_config_odbc": "Realtime ODBC configuration",
    "res_config_pgsql": "PostgreSQL RealTime Configuration Driver",
    "res_config_sqlite3": "SQLite 3 realtime config engine",
    "res_http_websocket": "HTTP WebSocket Support",
    "res_musiconhold": "Music On Hold Resource",
    "res_mwi_external": "Core external MWI resource",
    "res_odbc": "ODBC resource",
    "res_pjsip": "Basic SIP resource",
    "res_pjsip_acl": "PJSIP ACL Resource",
    "res_pjsip_authenticator_digest": "PJSIP authentication resource",
    "res_pjsip_caller_id": "PJSIP Caller ID Support",
    "res_pjsip_dtmf_info": "PJSIP DTMF INFO Support",
    "res_pjsip_endpoint_identifier_anonymous": "PJSIP Anonymous endpoint identifier",
    "res_pjsip_endpoint_identifier_ip": "PJSIP IP endpoint identifier",
    "res_pjsip_endpoint_identifier_user": "PJSIP username endpoint identifier",
    "res_pjsip_logger": "PJSIP Packet Logger",
    "res_pjsip_messaging": "PJSIP Messaging Support",
    "res_pjsip_nat": "PJSIP NAT Support",
    "res_pjsip_outbound_authenticator_digest": "PJSIP authentication resource",
    "res_pjsip_refer": "PJSIP Blind and Attended Transfer Support",
    "res_pjsip_registrar": "PJSIP Registrar Support",
    "res_pjsip_sdp_rtp": "PJSIP SDP RTP/AVP stream handler",
    "res_pjsip_session": "PJSIP Session resource",
    "res_prometheus": "Asterisk Prometheus Module",
    "res_rtp_asterisk": "Asterisk RTP Stack",
    "res_sorcery_astdb": "Sorcery Astdb Object Wizard",
    "res_sorcery_config": "Sorcery Configuration File Object Wizard",
    "res_sorcery_memory": "Sorcery In-Memory Object Wizard",
    "res_sorcery_memory_cache": "Sorcery Memory Cache Object Wizard",
    "res_sorcery_realtime": "Sorcery Realtime Object Wizard",
    "res_statsd": "Statsd client support",
    "res_stasis": "Stasis application support",
    "res_stasis_answer": "Stasis application answer support",
    "res_stasis_device_state": "Stasis application device state support",
    "res_stasis_mailbox": "Stasis application mailbox support",
    "res_stasis_playback": "Stasis application playback support",
    "res_stasis_recording": "Stasis application recording support",
    "res_stasis_snoop": "Stasis application snoop support",
    "res_timing_pthread": "Timing interface, which the media engine has itself",
    "res_timing_timerfd": "Timing interface, which the media engine has itself",
    "res_websocket_client": "WebSocket Client Support",
}
REST_FAMILIES = {
    "applications": "res_ari_applications",
    "asterisk": "res_ari_asterisk",
    "bridges": "res_ari_bridges",
    "channels": "res_ari_channels",
    "deviceStates": "res_ari_device_states",
    "endpoints": "res_ari_endpoints",
    "events": "res_ari_events",
    "mailboxes": "res_ari_mailboxes",
    "playbacks": "res_ari_playbacks",
    "recordings": "res_ari_recordings",
    "sounds": "res_ari_sounds",
}
MODULES_OWN_FAMILY = "asterisk"  # without it nothing could be loaded again
NEEDS = {"chan_pjsip": "res_pjsip", **dict.fromkeys(REST_FAMILIES.values(), "res_ari")}
_BY_TECHNOLOGY = {word: name for name, word in TECHNOLOGIES.items()}


class RequiredModuleError(Unavailable):
    """A module that modules.conf requires can't be loaded: the server must not start."""


def register_modules(server: Server) -> None:
    """Register every part of a server that is built."""
    modules = server.modules
    parts = dialplan_parts(server.dialplan.registry)
    switches = make_switches(server)
    for name in sorted(PARTS.keys() | parts.keys()):
        switch = switches.get(name) or (None if name in PARTS else parts[name])
        modules.add(
            Module(
                name + SUFFIX,
                PARTS.get(name) or _description(parts.get(name)),
                load=switch.load if switch is not None else None,
                unload=switch.unload if switch is not None else None,
                can_reload=name in RELOADABLE,
            )
        )
    for family, name in REST_FAMILIES.items():
        can_unload = family != MODULES_OWN_FAMILY
        switch_family = server.http.set_family
        modules.add(
            Module(
                name + SUFFIX,
                f"RESTful API module - {family[0].upper()}{family[1:]} resources",
                load=partial(switch_family, family, is_enabled=True) if can_unload else None,
                unload=partial(switch_family, family, is_enabled=False) if can_unload else None,
            )
        )


def apply_modules_conf(server: Server) -> None:
    """Take out what modules.conf does not want, before the server starts.

    :raises RequiredModuleError: there is no such module as one that the file requires.
    """
    conf = server.configuration.modules
    wanted = {name for name in server.modules.names() if conf.wants(name)}
    wanted |= {NEEDS[name] for name in wanted & NEEDS.keys()} - set(conf.noload)
    for name in sorted(set(server.modules.names()) - wanted):
        if server.modules.can_leave_out(name) or name in ONLY_AT_START:
            server.modules.leave_out(name)
        elif name in conf.noload:
            logger.warning("modules.conf: %s is built in, so it stays", name)
    for name in [each for each, needed in NEEDS.items() if each in wanted]:
        if not server.modules.is_loaded(NEEDS[name]):
            server.modules.leave_out(name)
    for name, option in conf.asked_for():
        if server.modules.is_loaded(name):
            continue
        where = f"{option.path}:{option.line}"
        if name in conf.required:
            raise RequiredModuleError(f"{where}: {name} is required, but can't be loaded")
        logger.warning("%s: there is no module %s here", where, name)
    for name in sorted(conf.required & set(conf.noload)):
        raise RequiredModuleError(f"modules.conf: {name} is required, but must not be loaded")


class DialplanPart:
    """Applications and functions that come and go together."""

    def __init__(self, registry: Registry) -> None:
        self._registry = registry
        self._applications: dict[str, Application] = {}
        self._functions: dict[str, Function] = {}

    def __len__(self) -> int:
        return len(self._applications) + len(self._functions)

    @property
    def application_names(self) -> list[str]:
        """The applications, as the dialplan calls them."""
        return [application.name for application in self._applications.values()]

    @property
    def names(self) -> list[str]:
        """Everything in it, as the dialplan calls it."""
        return [*self.application_names, *self._functions]

    def claim(self, applications: list[str], functions: list[str]) -> None:
        """Take what there is of these names as its own."""
        self._applications = _present(self._registry.applications, map(str.lower, applications))
        self._functions = _present(self._registry.functions, functions)

    def unload(self) -> None:
        """Leave the dialplan without them."""
        for name in self._applications:
            del self._registry.applications[name]
        for name in self._functions:
            del self._registry.functions[name]

    def load(self) -> None:
        """Give them to the dialplan again."""
        self._registry.applications.update(self._applications)
        self._registry.functions.update(self._functions)


def count_uses(server: Server) -> Mapping[str, int]:
    """Count how often each module is used now."""
    counts: Counter[str] = Counter()
    by_application = _modules_of_applications()
    for channel in server.registry:
        counts[_BY_TECHNOLOGY.get(channel.endpoint[0], "")] += 1
        counts[by_application.get(channel.app_name.lower(), "")] += 1
    counts["res_http_websocket"] = counts["res_ari_events"] = server.http.websocket_count
    counts["res_stasis"] = len(server.applications.list())
    for module in server.modules:
        for family in ("res_ari", "res_pjsip"):
            counts[family] += module.name.startswith(f"{family}_")
    return {name + SUFFIX: count for name, count in counts.items()}


@cache
def _table() -> dict[str, dict[str, list[str]]]:
    """Return the applications and functions of each of Asterisk's modules."""
    text = resources.files("server.app").joinpath("modules.json").read_bytes()
    table: dict[str, dict[str, list[str]]] = orjson.loads(text)
    return table


@cache
def _modules_of_applications() -> dict[str, str]:
    return {
        application.lower(): name
        for name, row in _table().items()
        for application in row.get("applications", ())
    }


def dialplan_parts(registry: Registry) -> dict[str, DialplanPart]:
    """Return what the dialplan has, by the module that has it in Asterisk."""
    parts: dict[str, DialplanPart] = {}
    for name, row in _table().items():
        part = DialplanPart(registry)
        part.claim(row.get("applications", []), row.get("functions", []))
        if part:
            parts[name] = part
    return parts


def _present(found: Mapping[str, T], names: Iterable[str]) -> dict[str, T]:
    return {name: found[name] for name in names if name in found}


def _description(part: DialplanPart | None) -> str:
    assert part is not None
    return f"Dialplan: {', '.join(part.names)}"
