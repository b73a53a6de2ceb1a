"""Operations of the tag ``asterisk``."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Mapping
from functools import partial
from typing import Any

from server.base.suspension import attempt
from server.http.messages import Response
from server.http.services import Services


def _reload_module(services: Services) -> Callable[..., Coroutine[Any, Any, Response]]:
    async def call(module_name: str) -> Response:
        is_done = await services.modules.reload(module_name)
        return Response(204 if is_done else 202)

    return call


BINDINGS: Mapping[str, Callable[[Services], Callable[..., Any]]] = {
    "asterisk.getInfo": lambda services: services.asterisk.info,
    "asterisk.ping": lambda services: services.asterisk.ping,
    "asterisk.getGlobalVar": lambda services: partial(attempt, services.asterisk.get_global_var),
    "asterisk.setGlobalVar": lambda services: partial(attempt, services.asterisk.set_global_var),
    "asterisk.getObject": lambda services: services.dynamic_config.get,
    "asterisk.updateObject": lambda services: services.dynamic_config.update,
    "asterisk.deleteObject": lambda services: services.dynamic_config.delete,
    "asterisk.listModules": lambda services: services.modules.list,
    "asterisk.getModule": lambda services: services.modules.get,
    "asterisk.loadModule": lambda services: services.modules.load,
    "asterisk.unloadModule": lambda services: services.modules.unload,
    "asterisk.reloadModule": _reload_module,
    "asterisk.listLogChannels": lambda services: services.log_channels.list,
    "asterisk.addLog": lambda services: services.log_channels.add,
    "asterisk.deleteLog": lambda services: services.log_channels.delete,
    "asterisk.rotateLog": lambda services: services.log_channels.rotate,
}
