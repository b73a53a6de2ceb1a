"""Modules, reloading and the log."""

from __future__ import annotations

from server.ami.registry import ActionError, Reply, Request, action, done, success
from server.base.errors import Conflict, NotFound, ServerError
from server.resources.modules import full_name

NO_MODULE = "No such module"
NO_RELOAD = "Module does not support reload"
# parts of Asterisk's core that LoadType: reload names without being modules, by what reads them
CORE_PARTS = {
    "cdr": "cdr",
    "cel": "cel",
    "dnsmgr": "",
    "dsp": "",
    "enum": "",
    "extconfig": "",
    "features": "features",
    "http": "http",
    "indications": "indications",
    "logger": "logger",
    "manager": "manager",
    "acl": "acl",
    "plc": "",
    "udptl": "",
}


@action("Reload", "system", "config", summary="Read the configuration again")
async def reload(request: Request) -> Reply:
    """Read the configuration again, all of it or one module's."""
    await _reload(request, request.get("Module"))
    return done("Module Reloaded")


async def _reload(request: Request, module: str) -> None:
    try:
        await request.context.lifecycle.reload(module or None)
    except NotFound:
        raise ActionError(NO_MODULE) from None
    except Conflict as error:
        is_unable = "support" in str(error)
        raise ActionError(NO_RELOAD if is_unable else str(error)) from None


@action("ModuleLoad", "system", summary="Load, unload or reload a module")
async def module_load(request: Request) -> Reply:
    """Load, unload, refresh or reload a module."""
    module, kind = request.get("Module"), request.get("LoadType").lower()
    if not kind or (not module and kind != "reload"):
        raise ActionError("Incomplete ModuleLoad action.")
    modules = request.context.modules
    if kind == "load":
        _try(modules.load, module, "Could not load module.")
        return done("Module loaded.")
    if kind == "unload":
        _try(modules.unload, module, "Could not unload module.")
        return done("Module unloaded.")
    if kind == "refresh":
        _try(modules.unload, module, "Could not refresh module.")
        _try(modules.load, module, "Could not refresh module.")
        return done("Module refreshed.")
    if kind != "reload":
        raise ActionError("Incomplete ModuleLoad action.")
    await _reload(request, module)
    return done("Module reloaded." if module else "All modules reloaded")


def _try(work: object, module: str, complaint: str) -> None:
    assert callable(work)
    try:
        work(module)
    except ServerError as error:
        raise ActionError(f"{complaint} {error}") from None


@action("ModuleCheck", "system", summary="Tell whether a module is there")
def module_check(request: Request) -> Reply:
    """Tell whether a module is loaded."""
    name = request.need("Module", "Module not specified")
    if request.context.modules.find(full_name(name)) is None:
        raise ActionError("Module not loaded")
    return success(("Version", ""))


@action(
    "LoggerRotate",
    "system",
    "reporting",
    summary="Begin new log files",
)
def logger_rotate(request: Request) -> Reply:
    """Move the log files out of the way and begin new ones."""
    log = request.context.log
    if log is None:
        raise ActionError("Failed to reload the logger and rotate log files")
    log.rotate()
    return done("Reloaded the logger and rotated log files")
