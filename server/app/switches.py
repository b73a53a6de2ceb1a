"""Parts of the server that can be left out, or taken out while it runs, as modules.

Each is a pair of functions for :class:`server.resources.modules.Module`. What modules.conf does
not load is taken out before the server starts.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from server.app.settings import define_music
from server.tech.base import Technology

if TYPE_CHECKING:
    from server.app.server import Server

DIALPLAN_SOURCES = frozenset({"pbx_ael", "pbx_config", "pbx_lua"})
TECHNOLOGIES = {
    "chan_audiosocket": "AudioSocket",
    "chan_pjsip": "PJSIP",
    "chan_rtp": "UnicastRTP",
    "chan_websocket": "WebSocket",
}
# Asked for when the server starts; once it runs they stay as they are.
ONLY_AT_START = frozenset({"chan_pjsip", "pbx_spool", "res_pjsip"})


@dataclass(frozen=True, slots=True)
class Switch:
    """How a part comes and goes."""

    load: Callable[[], None]
    unload: Callable[[], None]


def make_switches(server: Server) -> dict[str, Switch]:
    """Return the switch of each part that can go while the server runs, by its module's name."""
    made = {
        "res_ari": Switch(
            partial(server.http.set_ari, is_enabled=True),
            partial(server.http.set_ari, is_enabled=False),
        ),
        "res_musiconhold": Switch(
            lambda: define_music(server.configuration, server.engine),
            lambda: _forget_music(server),
        ),
    }
    for name in DIALPLAN_SOURCES:  # the others are read again, with or without it
        made[name] = Switch(server.reread_dialplan, server.reread_dialplan)
    for name, word in TECHNOLOGIES.items():
        technology = server.dialer.technology(word)
        if technology is not None and name not in ONLY_AT_START:
            made[name] = _technology(server, technology)
    return made


def _technology(server: Server, technology: Technology) -> Switch:
    dialer = server.dialer
    return Switch(
        partial(dialer.add_technology, technology), partial(dialer.remove_technology, technology)
    )


def _forget_music(server: Server) -> None:
    for name in server.configuration.musiconhold.classes:
        server.engine.define_music(name, ())
