"""Items of CHANNEL() that belong to hangup handlers, features and call pickup."""

from __future__ import annotations

from collections.abc import Callable

from server.base.errors import InvalidArgument
from server.dialplan import hangup_handlers
from server.dialplan.arguments import parse_target
from server.dialplan.features.watch import FEATURE_LETTERS, DigitFeatures
from server.dialplan.pickup import GROUP_ITEMS, group_text, parse_names, parse_numbers
from server.dialplan.scope import Scope


def read_item(scope: Scope, item: str) -> str | None:
    """Read one of these items, ``None`` if it is none of them."""
    if item == "dtmf_features":
        features = scope.channel.features
        enabled = features.enabled if isinstance(features, DigitFeatures) else frozenset()
        return "".join(
            letter for letter, names in FEATURE_LETTERS.items() if enabled.issuperset(names)
        )
    if item == "after_bridge_goto":
        return scope.state.after_bridge_goto
    return group_text(scope.channel, item) if item in GROUP_ITEMS else None


def write_item(scope: Scope, item: str, value: str) -> bool:
    """Write one of these items; ``False`` if it is none of them.

    :raises InvalidArgument: the value can't be used.
    """
    act = _WRITES.get(item)
    if act is not None:
        act(scope, value.strip())
        return True
    if item not in GROUP_ITEMS:
        return False
    groups = parse_names(value) if item.startswith("named") else parse_numbers(value)
    if value.strip() and not groups:
        raise InvalidArgument(item, f"{value!r} names no group")
    scope.channel.groups[item] = ",".join(sorted(groups))
    return True


def _write_features(scope: Scope, value: str) -> None:
    """Let the channel use features in every call from now on."""
    letters = value.upper()
    if unknown := set(letters) - FEATURE_LETTERS.keys():
        raise InvalidArgument("dtmf_features", f"{', '.join(sorted(unknown))} is not known")
    enabled = [name for letter in letters for name in FEATURE_LETTERS[letter]]
    channel = scope.channel
    channel.features = DigitFeatures(
        scope.dialplan, channel, enabled, is_caller=not channel.dial_string, is_lasting=True
    )


def _write_goto(scope: Scope, value: str) -> None:
    """Say where the channel goes on after a conversation; nothing takes that back."""
    if value and parse_target(value) is None:
        raise InvalidArgument("after_bridge_goto", f"{value!r} names no priority")
    scope.state.after_bridge_goto = value


_WRITES: dict[str, Callable[[Scope, str], None]] = {
    "after_bridge_goto": _write_goto,
    "dtmf_features": _write_features,
    "hangup_handler_push": hangup_handlers.push,
    "hangup_handler_pop": hangup_handlers.pop,
    "hangup_handler_wipe": hangup_handlers.wipe,
}
