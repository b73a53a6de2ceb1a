"""An application as a program of its own."""

from __future__ import annotations

import logging
import sys

from arion._client import CallHandler, Client
from arion._errors import ArionError
from arion._feed import Resume
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
) -> None:
    """Be an application until Ctrl-C or SIGTERM: *handler* is called for each call.

    Where the server is and who this is come from the environment (``ARI_URL``, ``ARI_USER``,
    ``ARI_PASSWORD``) unless they are given. Logs to stderr if the program has set up no logging.
    Leaves the program when the server refuses the application.

    :param resume: see :meth:`Client.events`.
    """
    if not logging.getLogger().handlers:
        logging.basicConfig(level=logging.INFO, format="%(levelname)s %(name)s: %(message)s")
    try:
        client = Client(url, user, password)
    except ValueError as failure:
        sys.exit(f"{app}: {failure}")
    AsyncRunner.main(_serve, client, app, handler, resume)


async def _serve(client: Client, app: str, handler: CallHandler, resume: Resume) -> None:
    try:
        async with client:
            await client.run(app, handler, resume=resume)
    except ArionError as failure:
        sys.exit(f"{app}: {failure}")
