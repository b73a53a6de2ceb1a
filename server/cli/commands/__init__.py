"""The console commands by family. :func:`load_commands` declares them all."""

from __future__ import annotations

from server.cli.registry import Registry, registry


def load_commands() -> Registry:
    """Import every family and return the registry with their commands."""
    from server.cli.commands import (  # noqa: F401 - importing declares
        ael,
        agi,
        ari,
        ari_websockets,
        bridge,
        channel,
        core,
        dialplan,
        dialplan_edit,
        hints,
        logger,
        module,
        odbc,
        pjsip,
        realtime,
        rtp,
        shutdown,
    )

    return registry
