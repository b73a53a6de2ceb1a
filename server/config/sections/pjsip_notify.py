"""pjsip_notify.conf: the NOTIFY requests that can be sent by hand."""

from __future__ import annotations

from server.config.objects import ConfigFile, ConfigWarning

Fields = tuple[tuple[str, str], ...]
"""Headers, and lines of the body under the name ``Content``, in order."""

# what the stack itself decides on, as in Asterisk
NOT_SETTABLE = frozenset(
    ("call-id", "contact", "content-length", "cseq", "from", "record-route", "route", "to", "via")
)


def build_notify_types(file: ConfigFile, warnings: list[ConfigWarning]) -> dict[str, Fields]:
    """Read pjsip_notify.conf: each section is a type of NOTIFY."""
    types: dict[str, Fields] = {}
    for section in file.sections:
        fields: list[tuple[str, str]] = []
        for option in section.options:
            if option.name.lower() in NOT_SETTABLE:
                message = f"{option.name} can't be set"
                warnings.append(ConfigWarning(option.path, option.line, message))
            else:
                fields.append((option.name, option.value))
        types[section.name] = tuple(fields)
    return types
