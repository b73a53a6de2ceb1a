"""What goes over the control socket: one JSON object per line, both ways.

The server begins with ``{"hello": {…}}``. The client asks ``{"command": LINE, "once": BOOL}``,
answered in order by ``{"output": TEXT, "status": 0 or 1}``, before which parts of a long output may
come as ``{"output": TEXT, "more": true}``; or ``{"complete": LINE}``, answered by
``{"completions": […], "line": LINE}``; ``{"verbose": N, "debug": N, "mute": BOOL}`` sets this
console's levels and has no answer. In between comes ``{"log": TEXT, "level": LEVEL}``.
"""

from __future__ import annotations

import json
from typing import Any

from server.base.errors import RemoteProtocolError

MAX_REQUEST = 64 * 1024  # bytes
MAX_RESPONSE = 64 * 1024 * 1024  # bytes; "dialplan show" of a large dialplan


def encode(message: dict[str, Any]) -> bytes:
    """Write one message."""
    return json.dumps(message, ensure_ascii=False).encode("utf-8", "backslashreplace") + b"\n"


def decode(line: bytes) -> dict[str, Any]:
    """Read one message.

    :raises RemoteProtocolError: it is no JSON object.
    """
    try:
        message = json.loads(line)
    except (ValueError, RecursionError):
        raise RemoteProtocolError("control socket: not JSON") from None
    if not isinstance(message, dict):
        raise RemoteProtocolError("control socket: not an object")
    return message
