"""pjsip.conf: sections become objects; the SIP stack gives them their meaning."""

from __future__ import annotations

from server.config.objects import ConfigFile, ConfigObject, ConfigWarning


def build_pjsip(file: ConfigFile, warnings: list[ConfigWarning]) -> tuple[ConfigObject, ...]:
    """List the objects of pjsip.conf in order. A section without a type is reported and left."""
    objects = []
    for section in file.sections:
        kind = section.get("type").lower()
        if not kind:
            message = f"[{section.name}] is ignored: it has no type"
            warnings.append(ConfigWarning(section.path, section.line, message))
            continue
        options = [option for option in section.options if option.name.lower() != "type"]
        objects.append(ConfigObject(kind, section.name, options, section.path, section.line))
    return tuple(objects)
