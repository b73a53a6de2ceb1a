"""What an interface may have the dialplan do without the right to run programs.

AMI's Originate and the like start an application by name. Those that could run a program, write a
file anywhere or start other applications, and arguments whose functions could, need the user to
have the ``system`` class, unless ``live_dangerously`` is set.
"""

from __future__ import annotations

from server.dialplan.registry import Registry

_APPLICATIONS = ("system", "exec", "agi", "mixmonitor", "externalivr", "originate")
_FUNCTIONS = ("SHELL", "EVAL")


def is_dangerous(registry: Registry, application: str, data: str) -> bool:
    """Tell whether an application with these arguments could do harm beyond its call.

    :param data: the arguments before anything is substituted.
    """
    name = application.lower()
    if any(word in name for word in _APPLICATIONS):
        return True
    text = data.upper()
    if any(word in text for word in _FUNCTIONS):
        return True
    return "${" in text and any(
        f"{function.name.upper()}(" in text
        for function in registry.functions.values()
        if function.escalates_read
    )
