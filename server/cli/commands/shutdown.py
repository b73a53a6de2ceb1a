"""``core stop``, ``core restart`` and ``core abort shutdown``."""

from __future__ import annotations

from server.cli.context import CliContext
from server.cli.registry import Call, WrongUsage, command

SUMMARIES = "now, after the last call (gracefully), or when there is none (when convenient)"


@command("core {stop|restart} {now|gracefully}", f"End the server {SUMMARIES}")
def stop(context: CliContext, call: Call) -> str:
    """Stop or restart."""
    _verb, action, when = call.words
    context.lifecycle.stop(when=when, restart=action == "restart")
    if when == "now":
        return ""
    return f"Waiting for inactivity to perform {_noun(action)}..."


@command("core {stop|restart} when convenient", f"End the server {SUMMARIES}")
def stop_when_convenient(context: CliContext, call: Call) -> str:
    """Stop or restart as soon as there is no call."""
    action = call.words[1]
    context.lifecycle.stop(when="when convenient", restart=action == "restart")
    return f"Waiting for inactivity to perform {_noun(action)}..."


@command("core abort shutdown", "Give up a stop or restart that waits")
def abort(context: CliContext, call: Call) -> str:
    """Go on as if nothing had been asked."""
    if call.arguments:
        raise WrongUsage
    return "Shutdown aborted." if context.lifecycle.abort_shutdown() else "Nothing to abort."


def _noun(action: str) -> str:
    return "restart" if action == "restart" else "halt"
