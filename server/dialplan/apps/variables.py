"""Applications that set variables."""

from __future__ import annotations

from server.base.errors import ServerError
from server.dialplan.arguments import split_arguments
from server.dialplan.executor import Call
from server.dialplan.registry import application


@application("Set")
def set_variable(call: Call, data: str) -> None:
    """Set(name=value): everything after the first ``=`` is the value, quotes and blanks too."""
    name, equals, value = data.partition("=")
    if not equals:
        call.report("Set requires an '=' to be a valid assignment")
        return
    if " " in name:
        call.report(f"blanks become part of the variable's name: {name!r}")
    call.set(name, value)


@application("MSet")
def set_variables(call: Call, data: str) -> None:
    """MSet(name=value,...): several at once; quotes are removed, blanks around names too."""
    for pair in split_arguments(data):
        name, equals, value = pair.partition("=")
        if not equals:
            call.report(f"MSet: no '=' in {pair!r}")
            continue
        try:
            call.set(name.strip(), value)
        except ServerError as error:
            call.report(f"MSet: {error}")
