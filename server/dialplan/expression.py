"""Expressions: what stands in ``$[ ]`` after variables were substituted.

Grammar, the loosest first; all binary operators group to the left::

    c ? a :: b
    a | b                      a unless it is empty or 0
    a & b                      a unless one of both is empty or 0
    a = b, == != < > <= >=     numbers if both look like one, else text
    a + b, a - b
    a * b, a / b, a % b
    - a, ! a
    a : regex, a =~ regex      group 1 or the length of the match; ":" begins at the start
    a ~~ b                     concatenation
    text, "text", ( a ), NAME(a, b, ...)

An expression becomes a little postfix program. There is no short circuit, as variables and
functions inside were evaluated before.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator, Sequence
from functools import lru_cache

from server.base.errors import InvalidArgument
from server.dialplan import expression_functions
from server.dialplan.expression_operators import (
    OPERATORS,
    PREFIXES,
    CallFunction,
    Operator,
    Prefix,
    Report,
    Value,
    as_text,
    call,
    decides,
)

logger = logging.getLogger(__name__)

MAX_LENGTH = 16_384  # characters of an expression
MAX_DEPTH = 100  # parentheses inside each other

_TOKEN = re.compile(
    r"""[ \t\r\n]*(?:
        (?P<string>"(?:\\"|[^"])*")
      | (?P<operator>::|=~|~~|\|\||&&|==|>=|<=|!=|[|&=<>+\-*/%?!:(),])
      | (?P<word>[^ \t\r\n"|&=<>+\-*/%?!:(),~]+)
      | (?P<end>\Z)
    )""",
    re.VERBOSE,
)
_ALIASES = {"||": "|", "&&": "&", "==": "="}
_PRECEDENCE = {
    "|": 2,
    "&": 3,
    **dict.fromkeys(("=", "!=", "<", ">", "<=", ">="), 4),
    **dict.fromkeys(("+", "-"), 5),
    **dict.fromkeys(("*", "/", "%"), 6),
    **dict.fromkeys((":", "=~", "~~"), 8),
}
_LOOSEST, _UNARY = 2, 8

HOLE = "\ue000"
"""Opens a placeholder for a value that is known only when the expression is evaluated; the
character after it, from U+E100 on, is its index. See :class:`Program`."""

HOLE_BASE = 0xE100
MAX_HOLES = 256
_HOLE = re.compile("\ue000([\ue100-\ue1ff])")
_PLAIN_WORD = re.compile(r"[A-Za-z0-9_.#@$;^']+")  # may replace a hole without changing the parse


class ExpressionError(InvalidArgument):
    """The expression has a syntax error.

    :param position: 0-based offset of what was not expected.
    """

    def __init__(self, text: str, position: int, reason: str) -> None:
        super().__init__("expression", f"{reason} at character {position + 1} of $[{text}]")
        self.position = position


class _Parts:
    """Pushes a token that has holes."""

    __slots__ = ("is_quoted", "texts")

    def __init__(self, token: str) -> None:
        pieces = _HOLE.split(token)
        self.is_quoted = token.startswith('"')
        self.texts: list[str | int] = [
            ord(piece) - HOLE_BASE if index % 2 else piece for index, piece in enumerate(pieces)
        ]

    def fill(self, values: Sequence[str]) -> str | None:
        """Return the token, ``None`` if a value might change how the whole is read."""
        for text in self.texts:
            if isinstance(text, int):
                value = values[text]
                if self.is_quoted:
                    if '"' in value or "\\" in value:
                        return None
                elif not _PLAIN_WORD.fullmatch(value):
                    return None
        return "".join(values[text] if isinstance(text, int) else text for text in self.texts)


class _Call:
    __slots__ = ("count", "name")

    def __init__(self, name: str, count: int) -> None:
        self.name = name
        self.count = count


class _Choose:
    __slots__ = ()


_Step = str | _Parts | _Call | Operator | Prefix | _Choose


class Program:
    """A parsed expression, which may have holes for values that come later."""

    __slots__ = ("_steps",)

    def __init__(self, steps: Sequence[_Step]) -> None:
        self._steps = steps

    def run(
        self, report: Report, call_function: CallFunction | None = None, values: Sequence[str] = ()
    ) -> str | None:
        """Evaluate.

        :param report: told of what is wrong but does not stop the evaluation.
        :param call_function: evaluates a dialplan function that is not one of ours.
        :param values: of the holes.
        :returns: ``None`` if a value does not fit its hole; then the text is to be parsed anew.
        """
        stack: list[Value] = []
        for step in self._steps:
            if isinstance(step, str):
                stack.append(step)
            elif isinstance(step, _Parts):
                text = step.fill(values)
                if text is None:
                    return None
                stack.append(text)
            elif isinstance(step, Operator):
                right = stack.pop()
                stack[-1] = step.apply(stack[-1], right, report)
            elif isinstance(step, Prefix):
                stack[-1] = step.apply(stack[-1], report)
            elif isinstance(step, _Call):
                first = len(stack) - step.count
                stack[first:] = [call(step.name, stack[first:], report, call_function)]
            else:
                otherwise, chosen = stack.pop(), stack.pop()
                stack[-1] = chosen if decides(stack[-1]) else otherwise
        return as_text(stack[0]) if stack else ""

    def functions(self) -> Iterator[str]:
        """Iterate over the names of the functions that it calls and that are not its own."""
        for step in self._steps:
            if isinstance(step, _Call) and step.name not in expression_functions.FUNCTIONS:
                yield step.name


def evaluate(
    text: str, report: Report = logger.warning, call_function: CallFunction | None = None
) -> str:
    """Evaluate an expression in which nothing is left to substitute.

    :raises ExpressionError: it has a syntax error.
    """
    return compile_expression(text).run(report, call_function) or ""


@lru_cache(maxsize=8_192)
def compile_expression(text: str) -> Program:
    """Parse an expression.

    :raises ExpressionError: it has a syntax error.
    """
    if len(text) > MAX_LENGTH:
        raise ExpressionError(f"{text[:40]}...", MAX_LENGTH, "expression too long")
    return Program(_Parser(text).parse())


class _Parser:
    """Recursive descent, which leaves a postfix program in ``steps``."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._index = 0
        self._depth = 0
        self._steps: list[_Step] = []
        self._advance()

    def parse(self) -> list[_Step]:
        if self._kind != "end":
            self._choice()
        if self._kind != "end":
            raise self._unexpected()
        return self._steps

    def _advance(self) -> None:
        match = _TOKEN.match(self._text, self._index)
        if match is None:
            position = (
                self._index
                + len(self._text[self._index :])
                - len(self._text[self._index :].lstrip(" \t\r\n"))
            )
            what = "unterminated quote" if self._text[position] == '"' else "unexpected character"
            raise ExpressionError(self._text, position, what)
        self._kind = match.lastgroup or "end"
        self._token = match[self._kind]
        self._start = match.start(self._kind)
        self._index = match.end()
        if self._kind == "operator":
            self._token = _ALIASES.get(self._token, self._token)

    def _unexpected(self) -> ExpressionError:
        what = "end" if self._kind == "end" else repr(self._token)
        return ExpressionError(self._text, self._start, f"unexpected {what}")

    def _accept(self, operator: str) -> bool:
        if self._kind != "operator" or self._token != operator:
            return False
        self._advance()
        return True

    def _expect(self, operator: str) -> None:
        if not self._accept(operator):
            raise self._unexpected()

    def _choice(self) -> None:
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise ExpressionError(self._text, self._start, "too many nested parentheses")
        self._binary(_LOOSEST)
        while self._accept("?"):
            self._choice()
            self._expect("::")
            self._binary(_LOOSEST)
            self._steps.append(_Choose())
        self._depth -= 1

    def _binary(self, loosest: int) -> None:
        self._unary()
        while self._kind == "operator":
            operator = self._token
            precedence = _PRECEDENCE.get(operator, 0)
            if precedence < loosest:
                return
            self._advance()
            self._binary(precedence + 1)
            self._steps.append(OPERATORS[operator])

    def _unary(self) -> None:
        prefixes: list[Prefix] = []
        while self._kind == "operator" and self._token in PREFIXES:
            prefixes.append(PREFIXES[self._token])
            self._advance()
        if prefixes:
            self._depth += 1
            if self._depth > MAX_DEPTH:
                raise ExpressionError(self._text, self._start, "too many operators")
            self._binary(_UNARY)
            self._depth -= 1
            self._steps.extend(reversed(prefixes))
        else:
            self._primary()

    def _primary(self) -> None:
        if self._accept("("):
            self._choice()
            self._expect(")")
            return
        if self._kind not in ("string", "word"):
            raise self._unexpected()
        token, is_word = self._token, self._kind == "word"
        self._advance()
        if is_word and HOLE not in token and self._accept("("):
            self._steps.append(_Call(token, self._arguments()))
        else:
            self._steps.append(_Parts(token) if HOLE in token else token)

    def _arguments(self) -> int:
        if self._accept(")"):
            return 0
        count = 1
        self._choice()
        while self._accept(","):
            self._choice()
            count += 1
        self._expect(")")
        return count
