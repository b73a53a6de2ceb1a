"""Commands on variables and functions of the dialplan."""

from __future__ import annotations

from typing import TYPE_CHECKING

from server.agi.commands.registry import command
from server.base.errors import ServerError
from server.dialplan.scope import Scope

if TYPE_CHECKING:
    from server.agi.session import Session


def found(value: str | None) -> str:
    """Word a value that may be missing; an empty one counts as missing where Asterisk says so."""
    return "200 result=0" if value is None else f"200 result=1 ({value})"


@command("GET VARIABLE", "<variablename>", least=1, most=1, runs_dead=True)
def get_variable(session: Session, args: list[str]) -> str:
    """Tells the value of a variable or function."""
    name = args[0]
    if name.endswith(")") and "(" in name:
        function, _, arguments = name[:-1].partition("(")
        try:
            return found(session.call.evaluate_function(function, arguments))
        except ServerError as error:
            session.call.report(f"GET VARIABLE: {error}")
            return found(None)
    return found(session.call.get(name))


@command("GET FULL VARIABLE", "<expression> [channelname]", least=1, most=2, runs_dead=True)
def get_full_variable(session: Session, args: list[str]) -> str:
    """Evaluates an expression with variables and functions, of this channel or another one."""
    scope: Scope = session.call
    if len(args) > 1:
        other = session.call.dialplan.node.registry.find(args[1])
        if other is None:
            return "200 result=0"
        scope = Scope(session.call.dialplan, other)
    return found(scope.substitute(args[0]) or None)


@command("SET VARIABLE", "<variablename> <value>", least=2, most=2, runs_dead=True)
def set_variable(session: Session, args: list[str]) -> str:
    """Sets a variable, or writes a function."""
    try:
        if args[0]:
            session.call.set(args[0], args[1])
    except ServerError as error:
        session.call.report(f"SET VARIABLE: {error}")
    return "200 result=1"
