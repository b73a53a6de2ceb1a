"""Writes sections as extensions.conf: what is read from it is what was written."""

from __future__ import annotations

from server.config.objects import ConfigFile, Option


def print_config(file: ConfigFile) -> str:
    """Return a compiled dialplan as text."""
    lines: list[str] = []
    for section in file.sections:
        lines += ["", f"[{section.name}]"]
        lines += map(_line, section.options)
    return "\n".join(lines[1:]) + "\n" if lines else ""


def _line(option: Option) -> str:
    value = option.value.replace(";", "\\;")
    indent = " " if option.name == "same" else ""
    return f"{indent}{option.name} => {value}"
