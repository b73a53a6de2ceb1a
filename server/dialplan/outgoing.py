"""The channels that Dial() makes: who they are told calls, and what they inherit."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace

from server.base.errors import ChannelHungUp, ServerError
from server.dialplan.arguments import Options
from server.dialplan.executor import Call
from server.dialplan.features.options import is_inherited
from server.dialplan.numbers import parse_integer
from server.dialplan.parties import parse_party, with_detail, with_presentation
from server.resources.channel import Channel
from server.resources.dialing import DialAttempt
from server.tech.base import Party, Redirecting

HOPS_VARIABLE = "DIAL_HOPS"  # inherited from Local channel to Local channel
MAX_HOPS = 20  # Asterisk's max_forwards


def create_attempt(
    call: Call, destination: str, options: Options, *, forwarder: Channel | None = None
) -> DialAttempt:
    """Make a channel to *destination*, which is not called yet.

    :param forwarder: who asked to call there instead.
    :raises ServerError: it can't be called.
    :raises ChannelHungUp: too many Local channels call each other.
    """
    caller = call.channel
    channel = call.dialplan.dialer.create_outgoing(
        destination, requestor=caller, variables=_inherited(call, destination)
    )
    _identify(call, channel, options, is_forwarded=forwarder is not None)
    if forwarder is not None:
        channel.redirecting = redirected(caller, forwarder, destination)
    if is_inherited(call):
        call.dialplan.state_of(channel).features.update(call.state.features)
    _join_groups(call, channel)
    return DialAttempt(channel, caller, destination.partition("/")[2])


def redirected(caller: Channel, forwarder: Channel, destination: str) -> Redirecting:
    """Return who redirected the call once *forwarder* has sent it to *destination*."""
    former = caller.redirecting
    from_ = Party(forwarder.caller.name, forwarder.caller.number or forwarder.endpoint[1])
    number = destination.partition("/")[2].partition("@")[0]
    is_first = not former.count
    return Redirecting(
        orig=from_ if is_first else former.orig,
        from_=from_,
        to=Party(number=number),
        reason="cfu",
        orig_reason="cfu" if is_first else former.orig_reason,
        count=former.count + 1,
    )


def _inherited(call: Call, destination: str) -> dict[str, str]:
    """Return the variable by which a circle of Local channels ends."""
    if not destination.lower().startswith("local/"):
        return {}
    hops = parse_integer(call.channel.variables.get(HOPS_VARIABLE) or "")
    if hops >= MAX_HOPS:
        call.report(f"more than {MAX_HOPS} Local channels behind each other")
        raise ChannelHungUp(call.channel.hangup_cause)
    return {f"__{HOPS_VARIABLE}": str(hops + 1)}


def _identify(call: Call, channel: Channel, options: Options, *, is_forwarded: bool) -> None:
    """Apply the options ``f``, ``u``, ``s`` and ``o``."""
    if "f" in options and (options.get("f") or is_forwarded):
        text = options.get("f")
        party = parse_party(text) if text else _extension_of(call)
        channel.connected = _marked(party, options)
    elif ("u" in options or "s" in options) and is_forwarded:
        channel.connected = _marked(channel.connected, options)
    if "o" in options:
        text = options.get("o")
        channel.caller = parse_party(text) if text else call.channel.caller
    channel.touch()


def _extension_of(call: Call) -> Party:
    """Return the dialled extension, with the name of its hint."""
    exten, context = call.channel.exten, call.channel.context
    return Party(call.dialplan.hints.describe(exten, context)[1], exten)


def _marked(party: Party, options: Options) -> Party:
    if "u" in options:
        with suppress(ServerError):
            party = with_presentation(party, options.get("u"))
    if "s" in options:
        party = with_detail(party, "tag", options.get("s"))
    return replace(party)


def _join_groups(call: Call, channel: Channel) -> None:
    """Put a called channel into the GROUP() that OUTBOUND_GROUP or OUTBOUND_GROUP_ONCE names."""
    group = call.channel.variables.get("OUTBOUND_GROUP_ONCE") or call.get("OUTBOUND_GROUP")
    function = call.dialplan.registry.find_function("GROUP")
    if group and function is not None and function.write is not None:
        with suppress(ServerError):
            Call(call.dialplan, channel).write_function("GROUP", "", group)
