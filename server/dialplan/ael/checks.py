"""What aelparse warns of: programs that compile, but hardly mean what they say."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from server.base.errors import ServerError
from server.dialplan.ael.nodes import (
    ApplicationCall,
    Assignment,
    Block,
    Condition,
    Context,
    Extension,
    Goto,
    Include,
    Label,
    Leave,
    Loop,
    Macro,
    MacroCall,
    Position,
    Program,
    Statement,
    Switch,
)
from server.dialplan.expression import ExpressionError, compile_expression
from server.dialplan.timing import parse_time_condition

_BETTER = {
    "gotoif": "if",
    "gotoiftime": "ifTime",
    "while": "while",
    "endwhile": "while",
    "random": "random",
    "execif": "if",
    "goto": "goto",
}
_OPERATOR = re.compile(r"[A-Za-z_]\s*[-+*/]\s*[A-Za-z_]")


@dataclass(slots=True)
class Findings:
    """What is wrong with a program; errors keep it from being loaded."""

    errors: list[tuple[Position, str]] = field(default_factory=list)
    warnings: list[tuple[Position, str]] = field(default_factory=list)

    def error(self, at: Position, text: str) -> None:
        """Note an error."""
        self.errors.append((at, text))

    def warn(self, at: Position, text: str) -> None:
        """Note a warning."""
        self.warnings.append((at, text))


def check_program(program: Program, findings: Findings) -> None:
    """Check everything but labels, which the compiler does."""
    _Checker(program, findings).check()


class _Checker:
    def __init__(self, program: Program, findings: Findings) -> None:
        self._program = program
        self._findings = findings
        self._macros = {macro.name: macro for macro in program.macros}
        self._contexts = {context.name: context for context in program.contexts}

    def check(self) -> None:
        for macro in self._program.macros:
            self._check_macro(macro)
        seen: dict[str, Context] = {}
        for context in self._program.contexts:
            first = seen.setdefault(context.name, context)
            if first is not context and not (context.is_extend or first.is_extend):
                self._warn(context.at, f"context {context.name} is there already: {first.at}")
            self._check_context(context)
        self._check_abstract_contexts()

    def _warn(self, at: Position, text: str) -> None:
        self._findings.warn(at, text)

    def _check_macro(self, macro: Macro) -> None:
        if self._macros[macro.name] is not macro:
            self._findings.error(macro.at, f"macro {macro.name} is there twice")
        if macro.name in self._contexts:
            self._findings.error(macro.at, f"{macro.name} is a macro and a context")
        if not macro.body.statements:
            self._warn(macro.at, f"macro {macro.name} is empty")
        self._check_includes(macro.includes)
        for statement in (macro.body, *(catch.body for catch in macro.catches)):
            self._check_statement(statement)

    def _check_context(self, context: Context) -> None:
        if not context.elements:
            self._warn(context.at, f"context {context.name} is empty")
        self._check_includes([each for each in context.elements if isinstance(each, Include)])
        for element in context.elements:
            if not isinstance(element, Extension):
                continue
            if not element.hint and isinstance(element.body, Block) and not element.body.statements:
                self._warn(element.at, f"extension {element.name} is empty")
            self._check_statement(element.body)

    def _check_includes(self, includes: Sequence[Include]) -> None:
        for include in includes:
            if include.times:
                self._check_times(include.at, include.times)

    def _check_abstract_contexts(self) -> None:
        included = {
            element.context
            for context in self._program.contexts
            for element in context.elements
            if isinstance(element, Include)
        }
        included |= {
            include.context for macro in self._macros.values() for include in macro.includes
        }
        for context in self._program.contexts:
            if context.is_abstract and context.name not in included:
                self._warn(context.at, f"abstract context {context.name} is not included anywhere")

    def _check_times(self, at: Position, times: str) -> None:
        if "$" in times:
            return
        try:
            parse_time_condition(times)
        except ServerError as error:
            self._findings.error(at, str(error))

    # statements

    def _check_statement(self, statement: Statement | None) -> None:
        pending: list[Statement] = [] if statement is None else [statement]
        while pending:
            each = pending.pop()
            self._check_one(each)
            pending += _inside(each)

    def _check_one(self, statement: Statement) -> None:
        match statement:
            case Block(statements=statements):
                self._check_order(statements)
            case Label(at=at, name=name) if name.isdigit():
                self._warn(at, f"label {name} is a number, which a goto takes for a priority")
            case ApplicationCall():
                self._check_application(statement)
            case MacroCall():
                self._check_macro_call(statement)
            case Assignment(at=at, value=value):
                self._check_expression(at, value)
            case Condition(at=at, keyword="ifTime", test=test):
                self._check_times(at, test)
            case Condition(at=at, test=test) | Loop(at=at, test=test):
                self._check_expression(at, test)
            case Switch():
                self._check_switch(statement)
            case _:
                pass

    def _check_order(self, statements: Sequence[Statement]) -> None:
        for former, latter in pairwise(statements):
            is_reached = isinstance(latter, Label) or latter == Block(latter.at)
            if isinstance(former, Goto | Leave) and not is_reached:
                self._warn(latter.at, "this is never reached")

    def _check_switch(self, switch: Switch) -> None:
        if not switch.cases:
            self._warn(switch.at, "switch without a case")
        elif not any(case.keyword == "default" for case in switch.cases):
            self._warn(switch.at, "switch without a default")
        for case in switch.cases:
            self._check_order(case.statements)

    def _check_application(self, call: ApplicationCall) -> None:
        better = _BETTER.get(call.name.lower())
        if better is not None:
            self._warn(call.at, f"{call.name}() can be written with AEL's {better}")
        if call.name in self._macros:
            self._warn(call.at, f"{call.name} is a macro; without & it is not called")

    def _check_macro_call(self, call: MacroCall) -> None:
        macro = self._macros.get(call.name)
        if macro is None and call.name in self._contexts:
            self._findings.error(call.at, f"{call.name} is a context, not a macro")
        elif macro is None:
            self._warn(call.at, f"there is no macro {call.name} in this file")
        elif call.count != len(macro.parameters):
            expected = len(macro.parameters)
            self._findings.error(
                call.at, f"macro {call.name} takes {expected} arguments, not {call.count}"
            )

    def _check_expression(self, at: Position, text: str) -> None:
        if text.startswith("$[") and text.find("]") == len(text) - 1:
            self._warn(at, f"{text!r} is put in $[ ] once more")
        if not text or "$" in text or "\\" in text:
            return
        if _OPERATOR.search(text) and '"' not in text:
            self._warn(at, f"{text!r} has an operator between names: is a ${{}} missing?")
        try:
            compile_expression(text)
        except ExpressionError as error:
            self._warn(at, f"{text!r}: {error}")


def _inside(statement: Statement) -> Iterator[Statement]:
    match statement:
        case Block(statements=statements):
            yield from statements
        case Condition(then=then, otherwise=otherwise):
            yield then
            if otherwise is not None:
                yield otherwise
        case Loop(body=body, first=first, step=step):
            yield body
            if first is not None:
                yield first
            if step is not None:
                yield step
        case Switch(cases=cases):
            for case in cases:
                yield from case.statements
        case _:
            pass
