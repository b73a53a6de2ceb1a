"""``features show``: what two who talk can do by digits."""

from __future__ import annotations

from server.cli.context import CliContext
from server.cli.registry import Call, command
from server.cli.tables import lines
from server.config.sections.features import FeatureMap, FeatureSettings

_BUILTIN = (
    ("Blind Transfer", "blindxfer"),
    ("Attended Transfer", "atxfer"),
    ("One Touch Monitor", "automon"),
    ("Disconnect Call", "disconnect"),
    ("Park Call", "parkcall"),
    ("One Touch MixMonitor", "automixmon"),
)


@command("features show", "List the features of calls")
def show(context: CliContext, _call: Call) -> str:
    """List the built-in features, the dynamic ones and their groups, with their digits."""
    features = context.configuration.features
    rows = [_row("Pickup", FeatureSettings().pickupexten, features.general.pickupexten)]
    rows += [
        _row(title, str(getattr(FeatureMap(), name)), str(getattr(features.featuremap, name)))
        for title, name in _BUILTIN
    ]
    dynamic = [_row(each.name, "no def", each.digits) for each in features.applications.values()]
    groups: list[str] = []
    for group, members in features.groups.items():
        groups.append(f"===> Group: {group}")
        groups += (f"===> --> {name} ({digits})" for name, digits in members.items())
    return lines(
        *_heading("Builtin Feature"),
        *rows,
        "",
        *_heading("Dynamic Feature"),
        *(dynamic or ["(none)"]),
        "",
        "Feature Groups:",
        "---------------",
        *(groups or ["(none)"]),
    )


def _heading(title: str) -> tuple[str, str]:
    return _row(title, "Default", "Current"), _row("-" * len(title), "-------", "-------")


def _row(name: str, default: str, current: str) -> str:
    return f"{name:<25} {default:<7} {current:<7}"
