"""Operations of the tag ``bridges``."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from server.http.services import Services
from server.model import Snapshot


def _add_channel(services: Services) -> Callable[..., None]:
    def call(*, inhibit_connected_line_updates: bool = False, **options: Any) -> None:
        # Joining a bridge tells nobody who they are connected to, so there is nothing to inhibit.
        services.bridges.add_channel(**options)

    return call


def _play(services: Services) -> Callable[..., Snapshot]:
    def call(*, announcer_format: str | None = None, **options: Any) -> Snapshot:
        # The bridge plays at the mixer's own rate: no announcer channel has a format to choose.
        return services.bridges.play(**options)

    return call


def _record(services: Services) -> Callable[..., Awaitable[Snapshot]]:
    def call(*, recorder_format: str | None = None, **options: Any) -> Awaitable[Snapshot]:
        # The mix is recorded at the mixer's own rate: no recorder channel has a format to choose.
        return services.bridges.record(**options)

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
    "bridges.play": _play,
    "bridges.playWithId": _play,
    "bridges.record": _record,
}
