"""Operations of the tag ``bridges``."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from server.base.suspension import attempt
from server.http.services import Services


def _add_channel(services: Services) -> Callable[..., None]:
    def call(*, inhibit_connected_line_updates: bool = False, **options: Any) -> None:
        # Joining a bridge tells nobody who they are connected to, so there is nothing to inhibit.
        services.bridges.add_channel(**options)

    return call


BINDINGS: Mapping[str, Callable[[Services], Callable[..., Any]]] = {
    "bridges.list": lambda services: services.bridges.list,
    "bridges.create": lambda services: services.bridges.create,
    "bridges.createWithId": lambda services: services.bridges.create,
    "bridges.get": lambda services: services.bridges.get,
    "bridges.destroy": lambda services: services.bridges.destroy,
    "bridges.addChannel": _add_channel,
    "bridges.removeChannel": lambda services: services.bridges.remove_channel,
    "bridges.startMoh": lambda services: services.bridges.start_moh,
    "bridges.stopMoh": lambda services: services.bridges.stop_moh,
    "bridges.play": lambda services: services.bridges.play,
    "bridges.playWithId": lambda services: services.bridges.play,
    "bridges.record": lambda services: services.bridges.record,
    "bridges.setVideoSource": lambda services: services.bridges.set_video_source,
    "bridges.clearVideoSource": lambda services: services.bridges.clear_video_source,
    "bridges.getBridgeVar": lambda services: partial(attempt, services.bridges.get_variable),
    "bridges.setBridgeVar": lambda services: partial(attempt, services.bridges.set_variable),
    "bridges.getBridgeVars": lambda services: partial(attempt, services.bridges.get_variables),
    "bridges.setBridgeVars": lambda services: partial(attempt, services.bridges.set_variables),
}
