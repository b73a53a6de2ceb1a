"""Applications that choose where the call goes on."""

from __future__ import annotations

from collections.abc import Awaitable
from typing import cast

from server.base.errors import ServerError
from server.dialplan.arguments import is_true, split_condition, split_nested_condition
from server.dialplan.executor import Call
from server.dialplan.functions.times import condition_time
from server.dialplan.registry import application
from server.dialplan.timing import parse_time_condition

_Started = Awaitable[str | None] | None


@application("Goto")
def goto(call: Call, data: str) -> None:
    """Goto([[context,]extension,]priority)."""
    call.goto(data)


@application("GotoIf")
def goto_if(call: Call, data: str) -> None:
    """GotoIf(condition?if true:if false): an empty branch goes on with the next step."""
    if "?" not in data:
        call.report(f"GotoIf: expected condition?destination in {data!r}")
        return
    condition, if_true, if_false = split_condition(data)
    branch = if_true if is_true(condition) else if_false
    if branch:
        call.goto(branch)


@application("GotoIfTime")
def goto_if_time(call: Call, data: str) -> None:
    """GotoIfTime(times,weekdays,mdays,months[,timezone]?if true:if false)."""
    times, mark, branches = data.partition("?")
    if not mark:
        call.report(f"GotoIfTime: expected times?destination in {data!r}")
        return
    if_true, _, if_false = branches.partition(":")
    holds = parse_time_condition(times).holds(condition_time(call))
    branch = (if_true if holds else if_false).strip()
    if branch:
        call.goto(branch)


@application("ExecIf")
def execute_if(call: Call, data: str) -> _Started:
    """ExecIf(condition?app(args):app(args))."""
    condition, if_true, if_false = split_nested_condition(data)
    text = if_true if is_true(condition) else if_false
    return _start(call, text) if text else None


@application("ExecIfTime")
def execute_if_time(call: Call, data: str) -> _Started:
    """ExecIfTime(times,weekdays,mdays,months[,timezone]?app(args))."""
    times, mark, text = data.partition("?")
    if not mark or not text.strip():
        call.report(f"ExecIfTime: expected times?application in {data!r}")
        return None
    holds = parse_time_condition(times).holds(condition_time(call))
    return _start(call, text.strip()) if holds else None


@application("Exec")
def execute(call: Call, data: str) -> _Started:
    """Exec(app(args)): variables in *args* are substituted once more."""
    return _start(call, call.substitute(data)) if data else None


@application("TryExec")
async def try_to_execute(call: Call, data: str) -> str | None:
    """TryExec(app(args)): like Exec, but a failure only sets TRYSTATUS, to FAILED or NOAPP."""
    digit: str | None = None
    status = "SUCCESS"
    text = call.substitute(data)
    if text.partition("(")[0].strip().lower() not in call.dialplan.registry.applications:
        call.channel.variables.set("TRYSTATUS", "NOAPP")
        return None
    try:
        started = _start(call, text)
        digit = None if started is None else await started
    except ServerError as error:
        if call.channel.is_hungup:
            raise
        call.report(f"TryExec: {error}")
        status = "FAILED"
    call.channel.variables.set("TRYSTATUS", status)
    return digit


def _start(call: Call, text: str) -> _Started:
    name, parenthesis, rest = text.partition("(")
    end = rest.rfind(")")
    arguments = (rest if end < 0 else rest[:end]) if parenthesis else ""
    return cast(_Started, call.run_application(name, arguments))
