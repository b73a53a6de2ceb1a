"""``rtp …``: the media engine."""

from __future__ import annotations

from server.cli.context import CliContext, RtpAdmin
from server.cli.registry import Call, CommandError, WrongUsage, command
from server.cli.tables import lines


@command("rtp set debug {on|off}", "Log RTP packets, or stop it")
def set_debug(context: CliContext, call: Call) -> str:
    """Switch the logging of RTP packets."""
    is_on = call.option == "on"
    _rtp(context).set_debug(is_on)
    return f"RTP Packet Debugging {'Enabled' if is_on else 'Disabled'}"


@command("rtp set debug ip", "Log RTP packets of one address", arguments="<host[:port]>")
def set_debug_ip(context: CliContext, call: Call) -> str:
    """Log the packets from and to one address."""
    if len(call.arguments) != 1:
        raise WrongUsage
    address = call.arguments[0]
    _rtp(context).set_debug(True, address)
    return f"RTP Packet Debugging Enabled for address: {address}"


@command("rtp show settings", "Show rtp.conf and the engine's counters")
def show_settings(context: CliContext, _call: Call) -> str:
    """Show ports, strictness and counters."""
    rtp = context.configuration.rtp
    rows: list[tuple[str, object]] = [
        ("Port start", rtp.rtpstart),
        ("Port end", rtp.rtpend),
        ("Checksums", "Yes" if rtp.rtpchecksums else "No"),
        ("DTMF Timeout", rtp.dtmftimeout),
        ("Strict RTP", rtp.strictrtp),
        ("Probation", f"{rtp.probation} frames"),
    ]
    counters = sorted(_rtp(context).counters().items())
    return lines(
        "",
        "General Settings:",
        "----------------",
        *(f"  {name + ':':<18}{value}" for name, value in rows),
        "",
        "Counters:",
        "---------",
        *(f"  {name + ':':<34}{value}" for name, value in counters),
    )


def _rtp(context: CliContext) -> RtpAdmin:
    if context.rtp is None:
        raise CommandError("the media engine is not running")
    return context.rtp
