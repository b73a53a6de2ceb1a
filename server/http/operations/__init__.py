"""Which method of which resource each operation calls: one table a tag.

A binding is a function from the services to the method that is called with the operation's
parameters by keyword. :func:`bind` checks at start that operations and bindings match one to one
and that every method takes the parameters of its operation.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from server.http.operations import (
    applications,
    asterisk,
    bridges,
    channels,
    device_states,
    endpoints,
    events,
    mailboxes,
    playbacks,
    recordings,
    sounds,
)
from server.http.services import Services
from server.http.spec import Operation

Handler = Callable[..., Any]
Binding = Callable[[Services], Handler]

BINDINGS: Mapping[str, Binding] = {
    **applications.BINDINGS,
    **asterisk.BINDINGS,
    **bridges.BINDINGS,
    **channels.BINDINGS,
    **device_states.BINDINGS,
    **endpoints.BINDINGS,
    **events.BINDINGS,
    **mailboxes.BINDINGS,
    **playbacks.BINDINGS,
    **recordings.BINDINGS,
    **sounds.BINDINGS,
}


class BindingError(Exception):
    """Operations and handlers don't match: the server must not start."""


def bind(
    operations: Iterable[Operation],
    services: Services,
    bindings: Mapping[str, Binding] = BINDINGS,
) -> dict[str, Handler]:
    """Return the handler of each operation by its id.

    :raises BindingError: an operation has no handler, a handler no operation, or a handler does
        not take its operation's parameters.
    """
    declared = {operation.operation_id: operation for operation in operations}
    if missing := declared.keys() - bindings.keys():
        raise BindingError(f"operations without a handler: {', '.join(sorted(missing))}")
    if unknown := bindings.keys() - declared.keys():
        raise BindingError(f"handlers without an operation: {', '.join(sorted(unknown))}")
    handlers = {}
    for operation_id, binding in bindings.items():
        handlers[operation_id] = binding(services)
        if not declared[operation_id].is_websocket:
            _check_signature(declared[operation_id], handlers[operation_id])
    return handlers


def _check_signature(operation: Operation, handler: Handler) -> None:
    try:
        inspect.signature(handler).bind(**dict.fromkeys(operation.python_names))
    except TypeError as failure:
        raise BindingError(f"{operation.operation_id}: {failure}") from None
