"""Functions on the machine and on this server."""

from __future__ import annotations

import asyncio
import os
import platform
import uuid
from pathlib import Path

from server import __version__
from server.base.errors import InvalidArgument, Unavailable
from server.dialplan.arguments import argument, split_arguments
from server.dialplan.encoding import decode_text
from server.dialplan.processes import run_shell
from server.dialplan.registry import function
from server.dialplan.scope import Scope

COMPATIBLE_VERSION = "230100"  # of Asterisk, whose dialplan this is

_MEMORY = {
    "totalram": "MemTotal",
    "freeram": "MemFree",
    "bufferram": "Buffers",
    "totalswap": "SwapTotal",
    "freeswap": "SwapFree",
}


@function("SHELL", escalates=True)
async def shell(scope: Scope, data: str) -> str:
    """SHELL(command): run it by the system's shell, and be what it writes, line ends included."""
    _status, output = await run_shell(data, keeps_output=True)
    return decode_text(output).replace("\0", "")


@function("SYSINFO")
async def system_information(scope: Scope, data: str) -> str:
    """SYSINFO(item): loadavg, numcalls, uptime in hours, numprocs, and memory in KiB."""
    item = data.strip().lower()
    if item == "loadavg":
        return f"{os.getloadavg()[0]:f}"
    if item == "numcalls":
        return str(len(scope.dialplan.node.registry))
    if item not in ("uptime", "numprocs", *_MEMORY):
        raise InvalidArgument("parameter", f"{data!r} is not known")
    return await asyncio.to_thread(_read_proc, item)


def _read_proc(item: str) -> str:
    proc = Path("/proc")
    if item == "uptime":
        return str(int(float(proc.joinpath("uptime").read_text().split()[0]) // 3600))
    if item == "numprocs":
        return str(sum(1 for name in os.listdir(proc) if name.isdigit()))  # noqa: PTH208 - faster
    lines = proc.joinpath("meminfo").read_text().splitlines()
    values = dict(line.split(":", 1) for line in lines if ":" in line)
    return values[_MEMORY[item]].split()[0]


@function("VERSION")
def version(scope: Scope, data: str) -> str:
    """VERSION(item): this server's, and what the build is known by.

    ``ASTERISK_VERSION_NUM`` is the version of Asterisk whose dialplan is understood.
    """
    item = data.strip().upper()
    if not item:
        return __version__
    system = platform.uname()
    items = {
        "ASTERISK_VERSION_NUM": COMPATIBLE_VERSION,
        "BUILD_USER": "",
        "BUILD_HOSTNAME": system.node,
        "BUILD_MACHINE": system.machine,
        "BUILD_KERNEL": system.release,
        "BUILD_OS": system.system,
        "BUILD_DATE": "",
    }
    if item not in items:
        raise InvalidArgument("info", f"{data!r} is not known")
    return items[item]


@function("UUID")
def new_uuid(scope: Scope, data: str) -> str:
    """UUID(): a new random one."""
    return str(uuid.uuid4())


@function("IFMODULE")
def is_module_loaded(scope: Scope, data: str) -> str:
    """IFMODULE(module.so): 1 if the part of the server of this name is loaded, else 0."""
    modules = scope.dialplan.modules
    return "1" if modules is not None and modules.find(data.strip()) is not None else "0"


@function("AST_SORCERY")
def read_object(scope: Scope, data: str) -> str:
    """AST_SORCERY(module,type,id,field,method,details): a field of a configuration object.

    Of several values, ``concat`` joins all with *details*, a comma by default; ``single`` takes
    the one of that number, from 1, or from the end if negative.
    """
    arguments = split_arguments(data, 6)
    if len(arguments) < 4:
        raise InvalidArgument("AST_SORCERY", "expected module, type, id and field")
    objects = scope.dialplan.dynamic_config
    if objects is None:
        raise Unavailable("there are no configuration objects")
    found = objects.get(arguments[0].removesuffix(".so"), arguments[1], arguments[2])
    values = [each.value for each in found if each.attribute == arguments[3]]
    method, details = argument(arguments, 4, "concat").lower(), argument(arguments, 5)
    if method == "concat":
        return (details or ",").join(values)
    if method != "single":
        raise InvalidArgument("retrieval_method", f"{method!r} is neither concat nor single")
    index = _index(details)
    return values[index] if -len(values) <= index < len(values) else ""


def _index(text: str) -> int:
    try:
        number = int(text[:10] or "1")
    except ValueError:
        raise InvalidArgument("retrieval_details", f"{text!r} is not a number") from None
    return number - 1 if number > 0 else number
