"""``module …``: parts of the server under the names of Asterisk's modules."""

from __future__ import annotations

from collections.abc import Sequence

from server.cli.context import CliContext
from server.cli.registry import Call, WrongUsage, command
from server.cli.tables import lines


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
        rows += await context.lifecycle.reload(name.removesuffix(".so"))
    return lines(*rows)
