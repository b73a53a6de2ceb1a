"""FEATURE() and FEATUREMAP(): features.conf as it is for one channel."""

from __future__ import annotations

from server.base.errors import InvalidArgument
from server.config.types import boolean
from server.dialplan.features.options import (
    INHERIT,
    is_inherited,
    read_code,
    read_general,
    write_code,
    write_general,
)
from server.dialplan.registry import function, function_write
from server.dialplan.scope import Scope


@function("FEATURE")
def read_feature(scope: Scope, data: str) -> str:
    """FEATURE(option): an option of ``[general]``; ``inherit`` tells whether called ones get it."""
    name = data.strip().lower()
    if name == INHERIT:
        return "1" if is_inherited(scope) else "0"
    return read_general(scope, name)


@function_write("FEATURE")
def write_feature(scope: Scope, data: str, value: str) -> None:
    """Change an option of ``[general]`` for this channel."""
    name = data.strip().lower()
    if name != INHERIT:
        write_general(scope, name, value)
        return
    try:
        scope.state.features[INHERIT] = "yes" if boolean(value) else "no"
    except ValueError as error:
        raise InvalidArgument(INHERIT, str(error)) from None


@function("FEATUREMAP")
def read_featuremap(scope: Scope, data: str) -> str:
    """FEATUREMAP(feature): its digits."""
    return read_code(scope, data.strip().lower())


@function_write("FEATUREMAP")
def write_featuremap(scope: Scope, data: str, value: str) -> None:
    """Change the digits of a feature for this channel."""
    write_code(scope, data.strip().lower(), value)
