"""The server's parts under the names of the Asterisk modules that they stand for.

Applications and functions of the dialplan, and the families of REST operations, can be unloaded
and loaded while the server runs; everything else is there for good.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from functools import cache, partial
from importlib import resources
from typing import TYPE_CHECKING, TypeVar

import orjson

from server.resources.modules import SUFFIX, Module

if TYPE_CHECKING:
    from server.app.server import Server
    from server.dialplan.registry import Application, Function, Registry

T = TypeVar("T")

PARTS = {
    "bridge_holding": "Holding bridge module",
    "bridge_native_rtp": "Relay between two phones of one codec",
    "bridge_simple": "Simple two channel bridging module",
    "bridge_softmix": "Multi-party software based channel mixing",
    "chan_pjsip": "PJSIP Channel Driver",
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
    "res_pjsip_authenticator_digest": "PJSIP authentication resource",
    "res_pjsip_caller_id": "PJSIP Caller ID Support",
    "res_pjsip_dtmf_info": "PJSIP DTMF INFO Support",
    "res_pjsip_endpoint_identifier_anonymous": "PJSIP Anonymous endpoint identifier",
    "res_pjsip_endpoint_identifier_ip": "PJSIP IP endpoint identifier",
    "res_pjsip_endpoint_identifier_user": "PJSIP username endpoint identifier",
    "res_pjsip_logger": "PJSIP Packet Logger",
    "res_pjsip_nat": "PJSIP NAT Support",
    "res_pjsip_outbound_authenticator_digest": "PJSIP authentication resource",
    "res_pjsip_registrar": "PJSIP Registrar Support",
    "res_pjsip_sdp_rtp": "PJSIP SDP RTP/AVP stream handler",
    "res_pjsip_session": "PJSIP Session resource",
    "res_prometheus": "Asterisk Prometheus Module",
    "res_rtp_asterisk": "Asterisk RTP Stack",
    "res_sorcery_astdb": "Sorcery Astdb Object Wizard",
    "res_sorcery_config": "Sorcery Configuration File Object Wizard",
    "res_sorcery_memory_cache": "Sorcery Memory Cache Object Wizard",
    "res_sorcery_realtime": "Sorcery Realtime Object Wizard",
    "res_statsd": "Statsd client support",
    "res_stasis": "Stasis application support",
    "res_stasis_answer": "Stasis application answer support",
    "res_stasis_device_state": "Stasis application device state support",
    "res_stasis_mailbox": "Stasis application mailbox support",
    "res_stasis_playback": "Stasis application playback support",
    "res_stasis_recording": "Stasis application recording support",
    "res_websocket_client": "WebSocket Client Support",
}
DIALPLAN_MODULES = frozenset({"pbx_ael", "pbx_config", "pbx_lua"})  # reloaded together
DATABASE_MODULES = frozenset({"func_odbc", "res_odbc"})  # reloaded together
METRICS_MODULES = frozenset({"res_prometheus", "res_statsd"})
RELOADABLE = (
    DIALPLAN_MODULES
    | DATABASE_MODULES
    | METRICS_MODULES
    | {"features", "res_ari", "res_musiconhold", "res_pjsip"}
)
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
TECHNOLOGIES = {"PJSIP": "chan_pjsip"}


def register_modules(server: Server) -> None:
    """Register every part of a server that is built."""
    modules = server.modules
    parts = _dialplan_parts(server.dialplan.registry)
    for name in sorted(PARTS.keys() | parts.keys()):
        added = parts.get(name)
        can_unload = added is not None and name not in PARTS
        modules.add(
            Module(
                name + SUFFIX,
                PARTS.get(name) or _description(added),
                load=added.put_back if added is not None and can_unload else None,
                unload=added.take_out if added is not None and can_unload else None,
                can_reload=name in RELOADABLE,
            )
        )
    for family, name in REST_FAMILIES.items():
        can_unload = family != MODULES_OWN_FAMILY
        switch = server.http.set_family
        modules.add(
            Module(
                name + SUFFIX,
                f"RESTful API module - {family[0].upper()}{family[1:]} resources",
                load=partial(switch, family, is_enabled=True) if can_unload else None,
                unload=partial(switch, family, is_enabled=False) if can_unload else None,
            )
        )


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

    def take_out(self) -> None:
        """Leave the dialplan without them."""
        for name in self._applications:
            del self._registry.applications[name]
        for name in self._functions:
            del self._registry.functions[name]

    def put_back(self) -> None:
        """Give them to the dialplan again."""
        self._registry.applications.update(self._applications)
        self._registry.functions.update(self._functions)


def count_uses(server: Server) -> Mapping[str, int]:
    """Count how often each module is used now."""
    counts: Counter[str] = Counter()
    by_application = _modules_of_applications()
    for channel in server.registry:
        counts[TECHNOLOGIES.get(channel.endpoint[0], "")] += 1
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


def _dialplan_parts(registry: Registry) -> dict[str, DialplanPart]:
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
