"""What the demo applications share: who they are, and a clean end on Ctrl-C and SIGTERM."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import Callable

import arion


def run_app(app: str, handler_of: Callable[[arion.Client], arion.CallHandler]) -> None:
    """Be an application until Ctrl-C: ``handler_of(client)`` makes what handles each call."""
    if "ARI_PASSWORD" not in os.environ:
        sys.exit("ARI_PASSWORD is not set; `make run` prints it")
    signal.signal(signal.SIGTERM, lambda *_: signal.raise_signal(signal.SIGINT))
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(_run(app, handler_of))


async def _run(app: str, handler_of: Callable[[arion.Client], arion.CallHandler]) -> None:
    url = os.environ.get("ARI_URL", "http://127.0.0.1:8088/ari")
    user = os.environ.get("ARI_USER", "arion")
    async with arion.Client(url, user, os.environ["ARI_PASSWORD"]) as client:
        await client.run(app, handler_of(client))
