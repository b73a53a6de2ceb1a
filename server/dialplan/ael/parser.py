"""Makes the tree of an AEL program; the first thing that makes no sense ends it with an error."""

from __future__ import annotations

from pathlib import Path
from typing import Literal, cast

from server.dialplan.ael.nodes import (
    AelError,
    ApplicationCall,
    Assignment,
    Block,
    Case,
    Catch,
    Condition,
    Context,
    Element,
    Extension,
    Goto,
    IgnorePattern,
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
    SwitchLine,
)
from server.dialplan.ael.scanner import Scanner, read_source
from server.dialplan.arguments import split_raw

MAX_NESTING = 60  # statements inside each other
MAX_CHAIN = 100  # else if after each other

_Keyword = Literal["if", "ifTime", "random"]
_CONDITIONS = frozenset(("if", "ifTime", "random"))
_LEAVES = frozenset(("break", "continue", "return"))
_CASES = frozenset(("case", "pattern", "default"))


def parse_ael_file(path: str) -> Program:
    """Parse a file and those it includes.

    :raises AelError: it can't be read, or makes no sense.
    """
    return parse_ael(read_source(path), path=path, directory=str(Path(path).parent))


def parse_ael(text: str, *, path: str = "<text>", directory: str = ".") -> Program:
    """Parse a text; otherwise like :func:`parse_ael_file`.

    :param path: what errors name as the file.
    :param directory: what names of included files are relative to.
    """
    return _Parser(Scanner(text, path, directory)).program()


class _Parser:
    def __init__(self, scanner: Scanner) -> None:
        self._scanner = scanner
        self._depth = 0

    # the file

    def program(self) -> Program:
        contexts: list[Context] = []
        macros: list[Macro] = []
        variables: list[Assignment] = []
        scanner = self._scanner
        while scanner.peek():
            if scanner.accept(";"):
                continue
            at = scanner.at
            word = scanner.word("'context', 'macro' or 'globals'")
            if word == "macro":
                macros.append(self._macro(at))
            elif word == "globals":
                variables += self._globals()
            elif word in ("context", "abstract", "extend"):
                contexts.append(self._context(at, word))
            else:
                raise AelError(at, f"expected 'context', 'macro' or 'globals', not {word!r}")
        return Program(tuple(contexts), tuple(macros), tuple(variables), tuple(scanner.files))

    def _globals(self) -> list[Assignment]:
        scanner = self._scanner
        found: list[Assignment] = []
        scanner.expect("{", "'globals'")
        while not scanner.accept("}"):
            if scanner.accept(";"):
                continue
            at = scanner.at
            found.append(self._whole_assignment(at, scanner.word("a variable, or '}'")))
        return found

    def _context(self, at: Position, word: str) -> Context:
        scanner = self._scanner
        flags: set[str] = set()
        while word != "context":
            if word not in ("abstract", "extend") or word in flags:
                raise AelError(at, f"expected 'context', not {word!r}")
            flags.add(word)
            word = scanner.word("'context'")
        name = scanner.word("the name of a context")
        scanner.expect("{", "the name of the context")
        elements: list[Element] = []
        while not scanner.accept("}"):
            if not scanner.accept(";"):
                elements += self._elements()
        return Context(at, name, tuple(elements), "abstract" in flags, "extend" in flags)

    def _macro(self, at: Position) -> Macro:
        scanner = self._scanner
        name = scanner.word("the name of a macro")
        scanner.expect("(", "the macro's name")
        text = scanner.text(")", "the macro's parameters")
        scanner.expect(")", "the parameters")
        parameters = tuple(word.strip() for word in text.split(",")) if text else ()
        if not all(parameters):
            raise AelError(at, f"macro {name} has a parameter without a name")
        opened = scanner.at
        scanner.expect("{", "the parameters")
        statements: list[Statement] = []
        catches: list[Catch] = []
        includes: list[Include] = []
        while not scanner.accept("}"):
            found = scanner.at
            word = scanner.peek_word()
            if word == "catch":
                scanner.word("'catch'")
                exten = scanner.word("the name of an extension")
                catches.append(Catch(found, exten, self._statement()))
            elif word in ("includes", "include"):
                scanner.word("'includes'")
                includes += self._includes()
            else:
                statements.append(self._statement())
        body = Block(opened, tuple(statements))
        return Macro(at, name, parameters, body, tuple(catches), tuple(includes))

    # what contexts are made of

    def _elements(self) -> list[Element]:
        scanner = self._scanner
        at = scanner.at
        word = scanner.word("an extension, or '}'")
        if word in ("includes", "include") and scanner.peek() == "{":
            return list(self._includes())
        if word in ("switches", "eswitches") and scanner.peek() == "{":
            return list(self._switch_lines("switch" if word == "switches" else "eswitch"))
        if word == "ignorepat":
            scanner.expect("=>", "'ignorepat'")
            pattern = scanner.word("a pattern")
            scanner.expect(";", "the pattern")
            return [IgnorePattern(at, pattern)]
        if word == "local":
            return [self._whole_assignment(at, scanner.word("a variable"), is_local=True)]
        return [self._extension(at, word)]

    def _extension(self, at: Position, word: str) -> Extension | Assignment:
        scanner = self._scanner
        is_regexten = word == "regexten" and scanner.peek() != "="
        if is_regexten:
            word = scanner.word("an extension")
        hint = None
        if word == "hint" and scanner.accept("("):
            hint = scanner.text(")", "the hint")
            scanner.expect(")", "the hint")
            word = scanner.word("an extension")
        if scanner.accept("=>"):
            return Extension(at, word, self._statement(), hint, is_regexten)
        if hint is None and not is_regexten and scanner.peek() == "=":
            return self._whole_assignment(at, word)
        raise scanner.error(f"expected '=>' after extension {word!r}")

    def _includes(self) -> list[Include]:
        found: list[Include] = []
        for at, text in self._lines("includes"):
            name, _, times = text.replace("|", ",").partition(",")
            times = ",".join(part.strip() for part in times.split(","))
            found.append(Include(at, name.strip(), times))
        return found

    def _switch_lines(self, keyword: Literal["switch", "eswitch"]) -> list[SwitchLine]:
        return [SwitchLine(at, keyword, text) for at, text in self._lines(f"{keyword}es")]

    def _lines(self, keyword: str) -> list[tuple[Position, str]]:
        """Read ``{ text; text; }``."""
        scanner = self._scanner
        found: list[tuple[Position, str]] = []
        scanner.expect("{", repr(keyword))
        while not scanner.accept("}"):
            if scanner.accept(";"):
                continue
            at = scanner.at
            found.append((at, scanner.text(";", f"a line of {keyword}")))
            scanner.expect(";", "it")
        return found

    # statements

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
