"""Compiles the statements of one extension to steps."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field
from functools import singledispatchmethod

from server.dialplan.ael.checks import Findings
from server.dialplan.ael.labels import CompiledExtension, LabelMap, Line
from server.dialplan.ael.nodes import (
    ApplicationCall,
    Assignment,
    Block,
    Case,
    Condition,
    Goto,
    Label,
    Leave,
    Loop,
    MacroCall,
    Position,
    Statement,
    Switch,
)

MAX_LINE = 8_100  # characters; extensions.conf's lines have 8190

_EXTEN = re.compile(r"\$\{EXTEN(?=[:}])")
_SPACES_BEFORE_EQUALS = re.compile(r"\s+(?==)")


class Counters(Counter[str]):
    """Numbers the things that need a name of their own, over a whole file."""

    def next(self, kind: str) -> str:
        """Return ``kind_1``, ``kind_2`` …"""
        self[kind] += 1
        return f"{kind}_{self[kind]}"


@dataclass(slots=True)
class Jump:
    """A goto whose arguments are known once all labels are."""

    goto: Goto
    context: str
    exten: str  # as written
    place: CompiledExtension  # where it stands
    line: Line


@dataclass(slots=True)
class _Target:
    """What ``break`` and ``continue`` mean inside of a statement; empty labels: not here."""

    place: CompiledExtension
    break_to: str
    continue_to: str = ""


@dataclass(slots=True)
class Body:
    """The steps of an extension while they are made; a switch adds extensions of its own."""

    context: str
    main: CompiledExtension
    labels: LabelMap
    findings: Findings
    counters: Counters
    jumps: list[Jump]
    is_macro: bool = False
    _made: list[CompiledExtension] = field(default_factory=list)
    _place: CompiledExtension = field(init=False)
    _pending: dict[str, tuple[str, Position]] = field(default_factory=dict)
    _targets: list[_Target] = field(default_factory=list)
    _end: str = ""

    def __post_init__(self) -> None:
        self._place = self.main
        self._made.append(self.main)

    def finish(self) -> list[CompiledExtension]:
        """Return all that was made, the extension itself first."""
        self._flush()
        if self._end:
            at = Position(self.main.path, self.main.line, 1)
            self._mark(at, self._end)
            self.emit(at, "NoOp", f"End of Extension {self.main.name}")
        return self._made

    # steps

    def emit(self, at: Position, application: str, arguments: str = "") -> Line:
        """Add a step."""
        place = self._place
        label, _ = self._pending.pop(place.name, ("", at))
        if place is not self.main:
            arguments = _EXTEN.sub("${~~EXTEN~~", arguments)
        if len(arguments) > MAX_LINE:
            self.findings.error(at, f"longer than {MAX_LINE} characters")
        line = Line(application, arguments, at.line, at.path, label)
        place.lines.append(line)
        return line

    def _mark(self, at: Position, label: str) -> None:
        """Put a label before the next step."""
        self._flush()
        self._pending[self._place.name] = label, at

    def _flush(self) -> None:
        """Give a label without a step one."""
        pending = self._pending.get(self._place.name)
        if pending is not None:
            self.emit(pending[1], "NoOp")

    def _go(self, at: Position, place: CompiledExtension, label: str) -> None:
        """Add a Goto to a label that the compiler made."""
        self.emit(at, "Goto", label if place is self._place else f"{place.reference},{label}")

    # statements

    @singledispatchmethod
    def add(self, statement: Statement) -> None:
        """Add the steps of a statement."""
        raise AssertionError(f"unknown statement {statement}")

    @add.register
    def _block(self, block: Block) -> None:
        for statement in block.statements:
            self.add(statement)

    @add.register
    def _label(self, label: Label) -> None:
        if not self.labels.add(self.context, self.main.name, label.name, self._place):
            self.findings.error(label.at, f"label {label.name} is there twice")
        self._mark(label.at, label.name)

    @add.register
    def _assignment(self, assignment: Assignment) -> None:
        name = _SPACES_BEFORE_EQUALS.sub("", assignment.name)
        if assignment.is_local:
            name = f"LOCAL({name})"
        self.emit(assignment.at, "MSet", f"{name}=$[{assignment.value}]")

    @add.register
    def _application(self, call: ApplicationCall) -> None:
        self.emit(call.at, call.name, call.arguments)

    @add.register
    def _macro_call(self, call: MacroCall) -> None:
        self.emit(call.at, "Gosub", f"{call.name},~~s~~,1({call.arguments})")

    @add.register
    def _goto(self, goto: Goto) -> None:
        line = self.emit(goto.at, "Goto")
        self.jumps.append(Jump(goto, self.context, self.main.name, self._place, line))

    @add.register
    def _condition(self, condition: Condition) -> None:
        at, name = condition.at, self.counters.next(condition.keyword.lower())
        otherwise = condition.otherwise
        end = f"{name}_end"
        false = f"{name}_else" if otherwise is not None else end
        if condition.keyword == "ifTime":
            self.emit(at, "GotoIfTime", f"{condition.test}?:{false}")
        elif condition.keyword == "random":
            self.emit(at, "GotoIf", f"$[${{RAND(0,99)}} < ({condition.test})]?:{false}")
        else:
            self.emit(at, "GotoIf", f"$[{condition.test}]?:{false}")
        self.add(condition.then)
        if otherwise is not None:
            self._go(at, self._place, end)
            self._mark(otherwise.at, false)
            self.add(otherwise)
        self._mark(at, end)
        self.emit(at, "NoOp", f"Finish {name}")

    @add.register
    def _loop(self, loop: Loop) -> None:
        at, name = loop.at, self.counters.next(loop.keyword)
        begin, end = name, f"{name}_end"
        next_turn = f"{name}_next" if loop.step is not None else begin
        if loop.first is not None:
            self.add(loop.first)
        self._mark(at, begin)
        self.emit(at, "GotoIf", f"$[{loop.test or 1}]?:{end}")
        self._targets.append(_Target(self._place, end, next_turn))
        self.add(loop.body)
        self._targets.pop()
        if loop.step is not None:
            self._mark(at, next_turn)
            self.add(loop.step)
        self._go(at, self._place, begin)
        self._mark(at, end)
        self.emit(at, "NoOp", f"Finish {name}")

    @add.register
    def _leave(self, leave: Leave) -> None:
        if leave.keyword == "return":
            self._return(leave.at)
            return
        for target in reversed(self._targets):
            label = target.break_to if leave.keyword == "break" else target.continue_to
            if label:
                self._go(leave.at, target.place, label)
                return
        inside = "loop or switch" if leave.keyword == "break" else "loop"
        self.findings.error(leave.at, f"{leave.keyword} outside of a {inside}")

    def _return(self, at: Position) -> None:
        if self.is_macro:
            self.emit(at, "Return")
            return
        self._end = self._end or self.counters.next("end")
        self._go(at, self.main, self._end)

    # switch

    @add.register
    def _switch(self, switch: Switch) -> None:
        at, name, outer = switch.at, self.counters.next("sw"), self._place
        end = f"{name}_end"
        if outer is self.main:
            variable = "LOCAL(~~EXTEN~~)" if self.is_macro else "~~EXTEN~~"
            self.emit(at, "Set", f"{variable}=${{EXTEN}}")
        self.emit(at, "Goto", f"{name}_{_unquoted(switch.test)},1")
        cases = self._cases(switch)
        places = [self._case_extension(name, case) for case in cases]
        self._targets.append(_Target(outer, end))
        for index, case in enumerate(cases):
            self._place = places[index]
            self.add(Block(case.at, case.statements))
            self._flush()
            if not (case.statements and _ends_there(case.statements[-1])):
                self._go_on(case.at, places[index + 1 :], outer, end)
        self._targets.pop()
        self._place = outer
        self._mark(at, end)
        self.emit(at, "NoOp", f"Finish {name}")

    def _go_on(
        self, at: Position, following: list[CompiledExtension], outer: CompiledExtension, end: str
    ) -> None:
        """Fall through to the next case, or to the end of the switch."""
        if following:
            self.emit(at, "Goto", f"{following[0].name},1")
        else:
            self._go(at, outer, end)

    def _cases(self, switch: Switch) -> list[Case]:
        """Return the cases; what none of them fits leaves the switch."""
        cases = list(switch.cases)
        if not any(case.keyword == "default" for case in cases):
            leave = Leave(switch.at, "break")
            cases.append(Case(switch.at, "default", "", (leave,)))
        return cases

    def _case_extension(self, switch: str, case: Case) -> CompiledExtension:
        if "," in case.value:
            self.findings.error(case.at, f"{case.keyword} {case.value!r}: a comma never fits")
        name = f"{switch}_{_unquoted(case.value)}"
        if case.keyword == "default":
            name = f"_{switch}_!"
        elif case.keyword == "pattern":
            name = f"_{name}"
        made = CompiledExtension(
            _without_slashes(name), self.main.name, path=case.at.path, line=case.at.line
        )
        if any(each.name == made.name for each in self._made):
            self.findings.error(case.at, f"{case.keyword} {case.value} is there twice")
        self._made.append(made)
        return made


def resolve(jump: Jump, labels: LabelMap, findings: Findings) -> None:
    """Set a goto's arguments, and see whether its target exists."""
    goto, place, line = jump.goto, jump.place, jump.line
    parts = [part for part in (goto.context, goto.exten, goto.label) if part]
    line.arguments = ",".join(parts)
    if place.owner:
        line.arguments = _EXTEN.sub("${~~EXTEN~~", line.arguments)
    if "$" in line.arguments:
        return
    context, exten = goto.context or jump.context, goto.exten or jump.exten
    if not labels.has_context(context):
        findings.warn(goto.at, f"there is no context {context} in this file")
    elif goto.exten and not labels.has_extension(context, exten):
        findings.warn(goto.at, f"there is no extension {exten} in context {context}")
    elif not goto.label.isdigit():
        found = labels.find(context, exten, goto.label)
        if found is None and goto.exten:
            findings.warn(goto.at, f"there is no label {goto.label} in {exten}@{context}")
        elif found is None:
            findings.error(goto.at, f"there is no label {goto.label} in extension {exten}")
        elif not goto.exten:
            line.arguments = goto.label if found is place else f"{found.reference},{goto.label}"
        elif found.owner:
            line.arguments = ",".join((*parts[:-2], found.name, goto.label))


def _ends_there(statement: Statement) -> bool:
    if isinstance(statement, Block):
        return bool(statement.statements) and _ends_there(statement.statements[-1])
    return isinstance(statement, Goto | Leave)


def _unquoted(text: str) -> str:
    """Return a value without quotes around it: Goto would take away the one's, not the other's."""
    is_quoted = len(text) > 1 and text[0] == text[-1] == '"' and '"' not in text[1:-1]
    return text[1:-1] if is_quoted else text


def _without_slashes(name: str) -> str:
    """Return a name of an extension in which slashes don't begin a caller's number."""
    if "/" not in name:
        return name
    if name.startswith("_"):
        return name.replace("/", "[/]")
    letters = (f"[{letter}]" if letter in "/XxZzNn.!" else letter for letter in name)
    return "_" + "".join(letters)
