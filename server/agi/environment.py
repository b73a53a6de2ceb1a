"""What a session tells its script before anything else."""

from __future__ import annotations

import threading
from collections.abc import Sequence

from server import __version__
from server.dialplan.executor import Call

UNKNOWN = "unknown"
_PRESENTATIONS = {"allowed": 0, "prohib": 32, "unavailable": 67}  # Q.951, as Asterisk numbers it


def describe_call(
    call: Call,
    request: str,
    arguments: Sequence[str] = (),
    *,
    is_enhanced: bool = False,
    network_script: str | None = None,
) -> list[tuple[str, str]]:
    """Return the environment of a session, in Asterisk's order.

    :param request: what the dialplan asked for: a file name or an address.
    :param network_script: what follows the address of a server; ``None`` for a process.
    """
    channel = call.channel
    caller = channel.caller
    environment: list[tuple[str, str]] = []
    if network_script is not None:
        environment.append(("agi_network", "yes"))
        if network_script:
            environment.append(("agi_network_script", network_script))
    environment += [
        ("agi_request", request),
        ("agi_channel", channel.name),
        ("agi_language", channel.language),
        ("agi_type", channel.endpoint[0]),
        ("agi_uniqueid", channel.id),
        ("agi_version", __version__),
        ("agi_callerid", caller.number or UNKNOWN),
        ("agi_calleridname", caller.name or UNKNOWN),
        ("agi_callingpres", str(_PRESENTATIONS.get(caller.presentation, 0))),
        ("agi_callingani2", "0"),
        ("agi_callington", "0"),
        ("agi_callingtns", "0"),
        ("agi_dnid", _dialled(call) or UNKNOWN),
        ("agi_rdnis", channel.redirecting.from_.number or UNKNOWN),
        ("agi_context", channel.context),
        ("agi_extension", channel.exten),
        ("agi_priority", str(channel.priority)),
        ("agi_enhanced", "1.0" if is_enhanced else "0.0"),
        ("agi_accountcode", channel.account_code),
        ("agi_threadid", str(threading.get_ident())),
    ]
    environment += [(f"agi_arg_{index}", value) for index, value in enumerate(arguments, 1)]
    return environment


def _dialled(call: Call) -> str:
    """Return the number that was dialled; of a call that went out there is none."""
    channel = call.channel
    return "" if channel.dial_string else getattr(channel, "dnid", "") or channel.exten
