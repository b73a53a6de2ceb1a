"""pjsip_notify.conf: the NOTIFY requests that can be sent outside of subscriptions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from server.config.objects import ConfigFile, ConfigWarning

CONTENT = "content"
# what the stack itself decides on, as in Asterisk
NOT_SETTABLE = frozenset(
    ("call-id", "contact", "content-length", "cseq", "from", "record-route", "route", "to", "via")
)


@dataclass(frozen=True, slots=True)
class NotifyType:
    """A section: the headers and the body of a request.

    :param headers: by name; the last one of a name counts.
    """

    headers: Mapping[str, str] = field(default_factory=dict)
    content: str = ""


def build_notify_types(file: ConfigFile, warnings: list[ConfigWarning]) -> dict[str, NotifyType]:
    """Read pjsip_notify.conf: each section is a type of NOTIFY."""
    types: dict[str, NotifyType] = {}
    for section in file.sections:
        headers: dict[str, str] = {}
        lines: list[str] = []
        for option in section.options:
            name = option.name.lower()
            if name == CONTENT:
                lines.append(option.value)
            elif name in NOT_SETTABLE:
                message = f"{option.name} can't be set"
                warnings.append(ConfigWarning(option.path, option.line, message))
            else:
                headers[option.name] = option.value
        types[section.name] = NotifyType(headers, "".join(f"{line}\r\n" for line in lines))
    return types
