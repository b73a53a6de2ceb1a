"""Parses AEL's statements."""

from __future__ import annotations

from typing import Literal, cast

from server.dialplan.ael.nodes import (
    AelError,
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
from server.dialplan.ael.scanner import Scanner
from server.dialplan.arguments import split_raw

MAX_NESTING = 60  # statements inside each other
MAX_CHAIN = 100  # else if after each other

_Keyword = Literal["if", "ifTime", "random"]
_CONDITIONS = frozenset(("if", "ifTime", "random"))
_LEAVES = frozenset(("break", "continue", "return"))
_CASES = frozenset(("case", "pattern", "default"))


class StatementParser:
    """Reads what extensions and macros are made of."""

    def __init__(self, scanner: Scanner) -> None:
        self._scanner = scanner
        self._depth = 0

    def _statement(self) -> Statement:
        self._depth += 1
        if self._depth > MAX_NESTING:
            raise self._scanner.error(f"statements nested deeper than {MAX_NESTING}")
        try:
            return self._read_statement()
        finally:
            self._depth -= 1

    def _read_statement(self) -> Statement:
        scanner = self._scanner
        at = scanner.at
        if scanner.accept(";"):
            return Block(at)
        if scanner.accept("{"):
            return self._block(at)
        if scanner.accept("&"):
            call = self._macro_call(at)
            scanner.expect(";", "the macro call")
            return call
        word = scanner.word("a statement")
        if word in _CONDITIONS and scanner.peek() == "(":
            return self._condition(at, cast(_Keyword, word))
        if word in ("while", "for", "switch") and scanner.peek() == "(":
            return self._loop_or_switch(at, word)
        if word in ("goto", "jump") and scanner.peek() not in ("(", ":", "="):
            return self._goto(at, word)
        if word in _LEAVES and scanner.accept(";"):
            return Leave(at, cast(Literal["break", "continue", "return"], word))
        if word == "local" and scanner.peek() not in ("(", ":", "=", ";"):
            return self._whole_assignment(at, scanner.word("a variable"), is_local=True)
        if scanner.accept(":"):
            return Label(at, word)
        statement = self._simple(at, word, ";")
        scanner.expect(";", repr(word))
        return statement

    def _block(self, at: Position) -> Block:
        statements: list[Statement] = []
        while not self._scanner.accept("}"):
            statements.append(self._statement())
        return Block(at, tuple(statements))

    def _simple(self, at: Position, word: str, end: str) -> ApplicationCall | Assignment:
        """Read an application's call or an assignment, of a function perhaps, up to *end*."""
        scanner = self._scanner
        arguments = ""
        has_arguments = scanner.accept("(")
        if has_arguments:
            arguments = scanner.text(")", f"the arguments of {word}")
            scanner.expect(")", "the arguments")
        if scanner.peek() != "=":
            return ApplicationCall(at, word, arguments.replace("\\;", ";"))
        name = f"{word}({arguments})" if has_arguments else word
        return self._assignment(at, name, end)

    def _assignment(
        self, at: Position, name: str, end: str, *, is_local: bool = False
    ) -> Assignment:
        scanner = self._scanner
        scanner.expect("=", f"variable {name!r}")
        value = scanner.text(end, f"the value of {name}").replace("\\;", ";")
        return Assignment(at, name, value, is_local)

    def _whole_assignment(self, at: Position, name: str, *, is_local: bool = False) -> Assignment:
        found = self._assignment(at, name, ";", is_local=is_local)
        self._scanner.expect(";", "the value")
        return found

    def _macro_call(self, at: Position) -> MacroCall:
        scanner = self._scanner
        name = scanner.word("the name of a macro")
        scanner.expect("(", "the macro's name")
        text = scanner.text(")", f"the arguments of {name}")
        scanner.expect(")", "the arguments")
        arguments = [argument.strip() for argument in split_raw(text)]
        return MacroCall(at, name, ",".join(arguments).replace("\\;", ";"), len(arguments))

    def _goto(self, at: Position, keyword: str) -> Goto:
        scanner = self._scanner
        text = scanner.text(";", keyword)
        scanner.expect(";", keyword)
        place, _, context = text.partition("@")
        parts = [part.strip() for part in split_raw(place.replace("|", ","))]
        context = context.strip()
        if keyword == "jump":
            parts = [*parts, "1"] if len(parts) == 1 else parts
        if context:
            parts = [context, *parts]
        if not 1 <= len(parts) <= 3 or not all(parts):
            raise AelError(at, f"{keyword} {text!r} is not a place to go to")
        padded = [*[""] * (3 - len(parts)), *parts]
        return Goto(at, *padded)

    def _condition(self, at: Position, keyword: _Keyword) -> Condition:
        """Read a condition; a chain of ``else if`` may be longer than statements may nest."""
        chain = [(at, keyword, self._test(keyword), self._statement())]
        otherwise = None
        scanner = self._scanner
        while scanner.peek_word() == "else":
            scanner.word("'else'")
            at, word = scanner.at, scanner.peek_word()
            if word not in _CONDITIONS or len(chain) >= MAX_CHAIN:
                otherwise = self._statement()
                break
            keyword = cast(_Keyword, scanner.word("a condition"))
            chain.append((at, keyword, self._test(keyword), self._statement()))
        for at, keyword, test, then in reversed(chain):
            otherwise = Condition(at, keyword, test, then, otherwise)
        return cast(Condition, otherwise)

    def _test(self, keyword: str) -> str:
        test = self._in_parentheses(keyword)
        if keyword != "ifTime":
            return test
        return ",".join(part.strip() for part in test.replace("|", ",").split(","))

    def _loop_or_switch(self, at: Position, word: str) -> Statement:
        if word == "for":
            return self._for(at)
        test = self._in_parentheses(word)
        if word == "while":
            return Loop(at, "while", test, self._statement())
        return self._switch(at, test)

    def _in_parentheses(self, keyword: str) -> str:
        scanner = self._scanner
        at = scanner.at
        scanner.expect("(", keyword)
        text = scanner.text(")", f"the test of {keyword}")
        scanner.expect(")", "the test")
        if not text:
            raise AelError(at, f"{keyword} has an empty test")
        return text

    def _for(self, at: Position) -> Loop:
        scanner = self._scanner
        scanner.expect("(", "for")
        first = self._for_part(";")
        scanner.expect(";", "the first part of for")
        test = scanner.text(";", "the test of for")
        scanner.expect(";", "the test of for")
        step = self._for_part(")")
        scanner.expect(")", "the last part of for")
        return Loop(at, "for", test, self._statement(), first, step)

    def _for_part(self, end: str) -> Statement | None:
        scanner = self._scanner
        at = scanner.at
        if scanner.peek() == end:
            return None
        if scanner.accept("&"):
            return self._macro_call(at)
        return self._simple(at, scanner.word("an assignment or a call"), end)

    def _switch(self, at: Position, test: str) -> Switch:
        scanner = self._scanner
        cases: list[Case] = []
        scanner.expect("{", "the test of switch")
        while not scanner.accept("}"):
            if scanner.accept(";"):
                continue
            cases.append(self._case())
        return Switch(at, test, tuple(cases))

    def _case(self) -> Case:
        scanner = self._scanner
        at = scanner.at
        keyword = scanner.word("'case', 'pattern', 'default' or '}'")
        if keyword not in _CASES:
            raise AelError(at, f"expected 'case', 'pattern', 'default' or '}}', not {keyword!r}")
        value = ""
        if keyword != "default":
            value = scanner.text(":", f"the value of {keyword}")
            if not value:
                raise AelError(at, f"{keyword} without a value")
        scanner.expect(":", keyword)
        statements: list[Statement] = []
        while scanner.peek() not in ("", "}") and not self._is_case():
            statements.append(self._statement())
        kind = cast(Literal["case", "pattern", "default"], keyword)
        return Case(at, kind, value, tuple(statements))

    def _is_case(self) -> bool:
        return self._scanner.peek_word() in _CASES
