"""PJSIPHangup() and PJSIPNotify()."""

from __future__ import annotations

from server.base.causes import sip_to_cause
from server.base.errors import ChannelHungUp, InvalidArgument, NotFound, ServerError
from server.dialplan.arguments import argument, split_raw
from server.dialplan.executor import Call
from server.dialplan.functions.configuration import Files
from server.dialplan.functions.pjsip import sip_leg
from server.dialplan.functions.pjsip_objects import technology_of
from server.dialplan.registry import application
from server.dialplan.scope import Scope
from server.resources.controlled import EndedBy
from server.sip import leg_control
from server.sip.notify import Notify, read_notify
from server.sip.reasons import REASONS

NOTIFY_FILE = "pjsip_notify.conf"
# Names that are not the words of the reason phrase.
_NAMES = {"TSX_TIMEOUT": 408, "TSX_TRANSPORT_ERROR": 503, "UNSUPPORTED_CERTIFICATE": 437,
          "USE_IDENTITY_HEADER": 428, "INTERNAL_SERVER_ERROR": 500, "SERVER_TIMEOUT": 504,
          "NOT_ACCEPTABLE_ANYWHERE": 606, "CALL_TSX_DOES_NOT_EXIST": 481}  # fmt: skip


@application("PJSIPHangup")
def hang_up(call: Call, data: str) -> None:
    """PJSIPHangup(status): refuse a call that came in, by a SIP status or its name."""
    status = read_status(data)
    try:
        leg_control.refuse(sip_leg(call), status)
    except ServerError as error:
        call.report(f"PJSIPHangup: {error}")
        return
    call.channel.tech_cause = status
    call.channel.hangup(sip_to_cause(status), EndedBy.DIALPLAN)
    raise ChannelHungUp(call.channel.hangup_cause)


def read_status(text: str) -> int:
    """Read ``437``, ``UNSUPPORTED_CERTIFICATE`` or ``PJSIP_SC_UNSUPPORTED_CERTIFICATE``.

    :raises InvalidArgument: it is no status that refuses a call.
    """
    name = text.strip().upper().removeprefix("PJSIP_SC_")
    if name.isascii() and name.isdigit() and len(name) == 3:
        status = int(name)
    else:
        status = _NAMES.get(name) or _by_name().get(name, 0)
    if not 400 <= status <= 699:
        raise InvalidArgument("Cause", f"{text.strip()[:40]!r} is no status of 400 to 699")
    return status


def _by_name() -> dict[str, int]:
    names: dict[str, int] = {}
    for status, reason in REASONS.items():
        key = "".join(c if c.isalnum() else "_" for c in reason.upper().replace("/", "_"))
        names.setdefault(key, status)
    return names


@application("PJSIPNotify")
async def notify(call: Call, data: str) -> None:
    """PJSIPNotify(address, content): send a NOTIFY; inside this call if no address is given.

    The content is a section of pjsip_notify.conf, or begins with ``&``: ``&Event=Test&X-Data=Fun``.
    """
    arguments = split_raw(data, 2)
    if len(arguments) < 2:
        arguments.insert(0, "")
    to = argument(arguments, 0).strip()
    try:
        content = await read_content(call, argument(arguments, 1))
        if to:
            technology_of(call).notify(to, content)
        else:
            leg_control.notify(sip_leg(call), content)
    except ServerError as error:
        call.report(f"PJSIPNotify: {error}")


async def read_content(scope: Scope, text: str) -> Notify:
    """Read what a NOTIFY is to hold; AMI and the console do it like this too.

    :raises NotFound: there is no such section in pjsip_notify.conf.
    :raises InvalidArgument: a field that can't be sent.
    """
    if text.startswith("&"):
        fields = [field.partition("=") for field in text[1:].split("&") if field]
        return read_notify((name.strip(), value) for name, _, value in fields)
    found = await scope.dialplan.part(Files).get(NOTIFY_FILE)
    name = text.strip()
    sections = [each for each in found.sections if each.name == name and name != "general"]
    if not sections:
        raise NotFound(f"{NOTIFY_FILE} has no section {name[:60]!r}")
    return read_notify((option.name, option.value) for each in sections for option in each.options)
