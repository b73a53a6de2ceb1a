"""Makes the tree of an AEL program; the first thing that makes no sense ends it with an error."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from server.dialplan.ael.nodes import (
    AelError,
    Assignment,
    Block,
    Catch,
    Context,
    Element,
    Extension,
    IgnorePattern,
    Include,
    Macro,
    Position,
    Program,
    Statement,
    SwitchLine,
)
from server.dialplan.ael.scanner import Scanner, read_source
from server.dialplan.ael.statement_parser import StatementParser


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


class _Parser(StatementParser):
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
