"""The console commands by family. :func:`load_commands` declares them all."""

from __future__ import annotations

from server.cli.registry import Registry, registry


def load_commands() -> Registry:
    """Import every family and return the registry with their commands."""
    from server.cli.commands import (  # noqa: F401 - importing declares
        acl,
        ael,
        agi,
        ari,
        ari_websockets,
        bridge,
        channel,
        channel_lists,
        cli,
        config,
        core,
        core_describe,
        core_levels,
        core_media,
        core_tasks,
        database,
        dialplan,
        dialplan_edit,
        features,
        hints,
        logger,
        manager,
        mixmonitor,
        module,
        mwi,
        odbc,
        pjsip,
        pjsip_live,
        realtime,
        rtp,
        shutdown,
        sorcery,
        sounds,
    )

    return registry
