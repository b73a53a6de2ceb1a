"""``module …``: parts of the server under the names of Asterisk's modules."""

from __future__ import annotations

from collections.abc import Sequence

from server.cli.context import CliContext
from server.cli.registry import Call, CommandError, WrongUsage, command
from server.cli.tables import lines
from server.resources.modules import SUFFIX, Modules


@command("module show [like]", "List the modules", arguments="[keyword]")
def show(context: CliContext, call: Call) -> str:
    """List modules, all or those whose name holds a word."""
    is_filtered = call.option == "like"
    if is_filtered != (len(call.arguments) == 1):
        raise WrongUsage
    word = call.arguments[0].lower() if is_filtered else ""
    found = [module for module in context.modules() if word in module.name.lower()]
    rows = [f"{'Module':<30} {'Description':<40} {'Use Count':<10} {'Status':<11} Support Level"]
    rows += [
        f"{module.name:<30} {module.description[:40]:<40} {module.use_count:<10} "
        f"{'Running' if module.is_running else 'Not Running':<11} {'core':>13}"
        for module in sorted(found, key=lambda module: module.name)
    ]
    return lines(*rows, f"{len(found)} modules loaded")


def _complete_module(context: CliContext, _arguments: Sequence[str]) -> list[str]:
    return [module.name for module in context.modules()]


@command("module load", "Load a module", arguments="<module name>")
def load(context: CliContext, call: Call) -> str:
    """Load a module that was unloaded."""
    if len(call.arguments) != 1:
        raise WrongUsage
    _registry(context).load(call.arguments[0])
    return f"Loaded {call.arguments[0]}"


@command(
    "module unload",
    "Unload modules that nobody uses",
    arguments="<module_1> [<module_2> ... ]",
    complete=_complete_module,
)
def unload(context: CliContext, call: Call) -> str:
    """Take modules out of the running server."""
    if not call.arguments:
        raise WrongUsage
    for name in call.arguments:
        _registry(context).unload(name)
    return lines(*(f"Unloaded {name}" for name in call.arguments))


def _registry(context: CliContext) -> Modules:
    if context.module_registry is None:
        raise CommandError("modules can't be changed")
    return context.module_registry


@command(
    "module refresh",
    "Unload a module and load it again",
    arguments="<module name> [recursively]",
    complete=_complete_module,
)
def refresh(context: CliContext, call: Call) -> str:
    """Unload and load; nothing here depends on a module, so there is nothing to go down to."""
    if not call.arguments or call.arguments[1:] not in ((), ("recursively",)):
        raise WrongUsage
    modules = _registry(context)
    modules.unload(call.arguments[0])
    modules.load(call.arguments[0])
    return f"Unloading and loading {call.arguments[0]}"


@command(
    "module reload",
    "Read the configuration of modules again",
    arguments="[module ...]",
    complete=_complete_module,
)
async def reload(context: CliContext, call: Call) -> str:
    """Reload some modules, or all."""
    if not call.arguments:
        return lines(*await context.lifecycle.reload())
    rows: list[str] = []
    for name in call.arguments:
        rows += await context.lifecycle.reload(name.removesuffix(SUFFIX))
    return lines(*rows)
