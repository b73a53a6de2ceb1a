"""Hints, custom device states and presence."""

from __future__ import annotations

from collections.abc import Sequence

from server.cli.context import CliContext
from server.cli.registry import Call, CommandError, WrongUsage, command
from server.cli.tables import lines
from server.dialplan.functions.states import devices_of, presences_of
from server.dialplan.hints import Hint
from server.resources import presence_states
from server.resources.device_states import CUSTOM, PRECEDENCE, UNKNOWN

_RULE = "-" * 69
_SETTABLE = tuple(state for state in PRECEDENCE if state != UNKNOWN)


def _row(hint: Hint) -> str:
    place = f"{hint.exten}@{hint.context}"
    presence = "" if hint.presence is None else hint.presence.state
    return (
        f"{place:<30.30}: {hint.text:<60.60}  State:{hint.status_text:<15.15} "
        f"Presence:{presence:<15.15} Watchers {len(hint.watchers):>2}"
    )


@command("core show hints", "List the hints of the dialplan")
def show_hints(context: CliContext, _call: Call) -> str:
    """List all hints with their states."""
    hints = context.dialplan.hints.all()
    if not hints:
        return "There are no registered dialplan hints"
    return lines(
        "",
        "    -= Registered Asterisk Dial Plan Hints =-",
        *map(_row, hints),
        "----------------",
        f"- {len(hints)} hints registered",
    )


def _complete_hint(context: CliContext, arguments: Sequence[str]) -> list[str]:
    return [] if arguments else [hint.exten for hint in context.dialplan.hints.all()]


@command("core show hint", "Show an extension's hint", arguments="<exten>", complete=_complete_hint)
def show_hint(context: CliContext, call: Call) -> str:
    """Show the hints of an extension in all contexts, or in one: ``exten@context``."""
    if len(call.arguments) != 1:
        raise WrongUsage
    wanted = call.arguments[0]
    found = [
        hint
        for hint in context.dialplan.hints.all()
        if wanted in (hint.exten, f"{hint.exten}@{hint.context}")
    ]
    if not found:
        return f"No hints matching extension {wanted}"
    word = "hint" if len(found) == 1 else "hints"
    return lines(*map(_row, found), f"{len(found)} {word} matching extension {wanted}")


@command("core show switches", "List what switch lines may name")
def show_switches(context: CliContext, _call: Call) -> str:
    """List the switches."""
    switches = context.dialplan.registry.switches
    rows = [f"{name}: {_first_line(switch.__doc__)}" for name, switch in sorted(switches.items())]
    return lines("", "    -= Registered Asterisk Alternative Switches =-", *rows)


@command("devstate list", "List the custom device states")
def list_device_states(context: CliContext, _call: Call) -> str:
    """List the ``Custom:`` devices that were set."""
    rows: list[str] = []
    for device in devices_of(context.dialplan).stored(CUSTOM):
        rows += [f"--- Name: '{device.name}'  State: '{device.state}'", "---"]
    return _framed("--- Custom Device States " + "-" * 44, rows)


def _complete_state(_context: CliContext, arguments: Sequence[str]) -> Sequence[str]:
    return _SETTABLE if len(arguments) == 1 else ()


@command(
    "devstate change",
    "Set a custom device state",
    arguments="<device> <state>",
    complete=_complete_state,
)
def change_device_state(context: CliContext, call: Call) -> str:
    """Set the state of a ``Custom:`` device."""
    if len(call.arguments) != 2:
        raise WrongUsage
    device, state = call.arguments
    prefix, _, name = device.partition(":")
    if prefix.lower() != CUSTOM.lower():
        raise CommandError("The devstate command can only be used to set 'Custom:' device state!")
    if not name or state.upper() not in _SETTABLE:
        raise WrongUsage
    devices_of(context.dialplan).set(CUSTOM, name, state.upper())
    return f"Changing {name} to {state}"


@command("presencestate list", "List the custom presence states")
def list_presence_states(context: CliContext, _call: Call) -> str:
    """List the ``CustomPresence:`` states that were set."""
    rows: list[str] = []
    for name, stored in presences_of(context.dialplan).stored():
        rows += [
            f"--- Name: '{presence_states.CUSTOM}:{name}'",
            f"    --- State: '{stored.state}'",
            f"    --- Subtype: '{stored.subtype}'",
            f"    --- Message: '{stored.message}'",
            f"    --- Base64 Encoded: '{'Yes' if stored.is_encoded else 'No'}'",
            "---",
        ]
    return _framed("--- Custom Presence States " + "-" * 42, rows)


@command(
    "presencestate change",
    "Set a custom presence state",
    arguments="<entity> <state>[,<subtype>[,message[,options]]]",
)
def change_presence_state(context: CliContext, call: Call) -> str:
    """Set a ``CustomPresence:`` state."""
    if len(call.arguments) != 2:
        raise WrongUsage
    entity, text = call.arguments
    prefix, _, name = entity.partition(":")
    if prefix.lower() != presence_states.CUSTOM.lower():
        raise CommandError(
            "The presencestate command can only be used to set 'CustomPresence:' presence state!"
        )
    presences_of(context.dialplan).set_custom(name, text)
    return f"Changing {name} to {text}"


def _framed(title: str, rows: Sequence[str]) -> str:
    return lines("", _RULE, title, _RULE, "---", *rows, _RULE, _RULE, "")


def _first_line(text: str | None) -> str:
    return (text or "").strip().partition("\n")[0]
