"""Where those go on who were called, once the caller has gone."""

from __future__ import annotations

from server.dialplan.arguments import Options, Target, parse_target
from server.dialplan.dialling import is_ours
from server.dialplan.executor import Call
from server.resources.channel import Channel


def send_peer_away(call: Call, peer: Channel, options: Options) -> bool:
    """Send the called party on when the caller has hung up, with option ``F``.

    :returns: whether it goes on.
    """
    if "F" not in options or not is_ours(peer):
        return False
    channel = call.channel
    if not options.get("F"):
        return start_at(call, peer, (channel.context, channel.exten, channel.priority + 1))
    position = option_position(call, options, "F")
    return position is not None and start_at(call, peer, position)


def go_on_after_bridge(call: Call, peer: Channel) -> bool:
    """Send caller and called party to where CHANNEL(after_bridge_goto) says, if it does.

    :returns: whether *peer* goes on.
    """
    own = _after_bridge(call)
    if own is not None and not call.channel.is_hungup:
        call.jump(*own)
    if not is_ours(peer):
        return False
    position = _after_bridge(Call(call.dialplan, peer))
    return position is not None and start_at(call, peer, position)


def _after_bridge(call: Call) -> tuple[str, str, int] | None:
    text, call.state.after_bridge_goto = call.state.after_bridge_goto, ""
    target = parse_target(text) if text else None
    return None if target is None else call.resolve(target)


def start_at(call: Call, peer: Channel, position: tuple[str, str, int]) -> bool:
    """Let a called channel run in the dialplan from *position* on, if it still can."""
    if not is_ours(peer):
        return False
    peer.set_position(*position)
    call.dialplan.start(peer)
    return True


def option_position(call: Call, options: Options, letter: str) -> tuple[str, str, int] | None:
    """Return the place that an option names as ``[[context^]exten^]priority``."""
    parts = options.get(letter).split("^")
    if not parts[-1]:
        call.report(f"option {letter} needs a priority")
        return None
    parts = [""] * (3 - len(parts)) + parts
    position = call.resolve(Target(parts[0] or None, parts[1] or None, parts[2]))
    if position is None:
        call.report(f"option {letter}: there is no {'^'.join(parts)}")
    return position
