"""Applications on the call's record."""

from __future__ import annotations

from server.base.errors import InvalidState
from server.dialplan.arguments import argument, parse_options, split_arguments
from server.dialplan.call_record import CallRecords
from server.dialplan.executor import Call
from server.dialplan.registry import application


@application("ForkCDR")
def fork_record(call: Call, data: str) -> None:
    """ForkCDR(options): go on with another record beside the present one.

    ``e`` ends the present one, ``r`` begins the new one now, ``v`` takes the fields over, ``a``
    has it answered as the channel is, which it always is here.
    """
    options = parse_options(data.strip(), "aerv", "ForkCDR", call.where)
    records = call.dialplan.part(CallRecords)
    former = records.of(call.channel)
    record = records.fork(call.channel, keeps_variables="v" in options)
    now = call.dialplan.node.clock.wall()
    if "e" in options:
        former.end(now)
    if "r" in options:
        record.reset(now, keeps_variables=True)


@application("ResetCDR")
def reset_record(call: Call, data: str) -> None:
    """ResetCDR(options): let the record begin now; ``v`` keeps its fields."""
    options = parse_options(data.strip(), "v", "ResetCDR", call.where)
    if call.channel.is_hungup:
        raise InvalidState("the call is over")
    record = call.dialplan.part(CallRecords).of(call.channel)
    record.reset(call.dialplan.node.clock.wall(), keeps_variables="v" in options)


@application("NoCDR")
def no_record(call: Call, data: str) -> None:
    """NoCDR(): this call gets no record. Asterisk has CDR_PROP(disable) instead by now."""
    call.dialplan.part(CallRecords).of(call.channel).is_disabled = True


@application("CELGenUserEvent")
def generate_user_event(call: Call, data: str) -> None:
    """CELGenUserEvent(event,text): an event of the dialplan's own for the call's log."""
    arguments = split_arguments(data, 2)
    event, extra = argument(arguments, 0), argument(arguments, 1)
    if event:
        call.dialplan.part(CallRecords).on_user_event(call.channel, event, extra)
