"""An application as a program of its own."""

from __future__ import annotations

import logging
import sys
from typing import Any

from arion._client import CallHandler, Client, ReofferHandler
from arion._errors import ArionError
from arion._feed import Resume, Share
from arion._runners import AsyncRunner

logger = logging.getLogger("arion")


def run(
    app: str,
    handler: CallHandler,
    *,
    url: str | None = None,
    user: str | None = None,
    password: str | None = None,
    resume: Resume = "off",
    share: Share | None = None,
    reoffered: ReofferHandler | None = None,
) -> None:
    """Be an application until Ctrl-C or SIGTERM: *handler* is called for each call.

    Where the server is and who this is come from the environment (``ARI_URL``, ``ARI_USER``,
    ``ARI_PASSWORD``) unless they are given. Logs to stderr if the program has set up no logging.
    Leaves the program when the server refuses the application.

    :param resume: see :meth:`Client.events`.
    :param share: see :meth:`Client.events`.
    :param reoffered: see :meth:`Client.run`.
    """
    if not logging.getLogger().handlers:
        logging.basicConfig(level=logging.INFO, format="%(levelname)s %(name)s: %(message)s")
    try:
        client = Client(url, user, password)
    except ValueError as failure:
        sys.exit(f"{app}: {failure}")
    options = {"resume": resume, "share": share, "reoffered": reoffered}
    AsyncRunner.main(_serve, client, app, handler, options)


async def _serve(client: Client, app: str, handler: CallHandler, options: dict[str, Any]) -> None:
    try:
        async with client:
            await client.run(app, handler, **options)
    except ArionError as failure:
        sys.exit(f"{app}: {failure}")
