"""``core show taskprocessors`` and ``threads``: what is at work."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Sequence
from pathlib import Path

from server.base.errors import NotFound
from server.base.tasks import TaskScope
from server.cli.context import CliContext
from server.cli.registry import Call, WrongUsage, command
from server.cli.tables import lines

_TASKS = Path("/proc/self/task")


def _row(scope: TaskScope) -> str:
    return f"{scope.name:<70} {scope.started:>10} {len(scope):>10}"


def _table(scopes: Sequence[TaskScope]) -> str:
    return lines(
        "",
        f"{'Processor':<70} {'Processed':>10} {'In Queue':>10}",
        *map(_row, sorted(scopes, key=lambda scope: scope.name)),
        "",
        f"{len(scopes)} taskprocessors",
        "",
    )


def _complete_scope(context: CliContext, arguments: Sequence[str]) -> list[str]:
    return [] if arguments else [scope.name for scope in context.scopes()]


def _find(context: CliContext, call: Call) -> TaskScope:
    if len(call.arguments) != 1:
        raise WrongUsage
    for scope in context.scopes():
        if scope.name == call.arguments[0]:
            return scope
    raise NotFound(f"Taskprocessor '{call.arguments[0]}' not found.")


@command(
    "core show taskprocessors [like]",
    "Show the scopes of tasks and what runs in them",
    arguments="[keyword]",
)
def show_task_processors(context: CliContext, call: Call) -> str:
    """List the task scopes: what they have started, and what has not ended."""
    is_filtered = call.option == "like"
    if is_filtered != (len(call.arguments) == 1):
        raise WrongUsage
    word = call.arguments[0].lower() if is_filtered else ""
    return _table([scope for scope in context.scopes() if word in scope.name.lower()])


@command(
    "core show taskprocessor name",
    "Show one scope of tasks",
    arguments="<taskprocessor>",
    complete=_complete_scope,
)
def show_task_processor(context: CliContext, call: Call) -> str:
    """Show one task scope."""
    return _table([_find(context, call)])


@command(
    "core ping taskprocessor",
    "See how long a task waits for its turn",
    arguments="<taskprocessor>",
    complete=_complete_scope,
)
async def ping_task_processor(context: CliContext, call: Call) -> str:
    """Run a task that does nothing, and tell how long that took."""
    scope = _find(context, call)
    loop = asyncio.get_running_loop()
    begin = loop.time()
    await scope.spawn(asyncio.sleep(0), "ping")
    seconds = loop.time() - begin
    return lines(
        f"pinging {scope.name} ...", f"    {scope.name:<24} ping time: {seconds:.6f} sec", ""
    )


@command("core show threads", "List the threads of the server")
def show_threads(_context: CliContext, _call: Call) -> str:
    """List the threads of the process: Python's, and those of the media engine."""
    ours = {thread.native_id: thread.name for thread in threading.enumerate()}
    rows = []
    for task in sorted(_TASKS.iterdir(), key=lambda task: int(task.name)):
        number = int(task.name)
        name = ours.get(number) or (task / "comm").read_text("utf-8", "replace").strip()
        rows.append(f"{number:>8} {name}")
    return lines(*rows, f"{len(rows)} threads listed.")
