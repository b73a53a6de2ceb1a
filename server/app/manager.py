"""What the actions of the manager interface work on, made of the real parts."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from server import __version__
from server.ami.context import AmiContext
from server.ami.http import PAGES, HttpAnswer, ManagerHttp, Page
from server.app.settings import system_facts
from server.http.messages import Request, Response

if TYPE_CHECKING:
    from server.ami.context import Lifecycle
    from server.app.server import Server
    from server.http.server import HttpServer


def manager_context(
    server: Server, lifecycle: Lifecycle, run_command: Callable[[str], Awaitable[str]]
) -> AmiContext:
    """Return everything that actions work on."""
    facts = system_facts(server.configuration, server.options, server.started_at)
    return AmiContext(
        configuration=lambda: server.configuration,
        node=server.node,
        channels=server.registry,
        verbs=server.channels,
        dialplan=server.dialplan,
        dialer=server.dialer,
        bridges=server.bridges,
        endpoints=server.endpoints,
        events=server.events,
        store=server.store,
        devices=server.device_states,
        presences=server.presence_states,
        mailboxes=server.mailboxes,
        messages=server.messages,
        modules=server.modules,
        lifecycle=lifecycle,
        run_command=run_command,
        version=__version__,
        log=server.log,
        sip=server.sip,
        sip_objects=server.sip_objects,
        sip_realtime=server.data.sip,
        async_agi=server.agi.sessions,
        max_calls=server.options.max_calls or 0,
        max_load=server.options.max_load or 0.0,
        user=facts.user,
        group=facts.group,
    )


def mount(http: HttpServer, manager: ManagerHttp) -> None:
    """Let the web server have the pages of the manager interface."""
    for path, page in PAGES.items():

        async def answer(request: Request, page: Page = page) -> Response:
            return _response(await manager.answer(page, request))

        http.pages[path] = answer


def _response(answer: HttpAnswer) -> Response:
    return Response(
        answer.status,
        answer.body.encode("utf-8", "replace"),
        f"{answer.content_type}; charset=utf-8".encode(),
        tuple(
            (name.encode(), value.encode("latin-1", "replace")) for name, value in answer.headers
        ),
    )
