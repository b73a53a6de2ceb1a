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
from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache

from server.base.errors import InvalidArgument
from server.dialplan import expression_functions, long_double
from server.dialplan.long_double import Number
from server.dialplan.posix_regex import compile_regex

logger = logging.getLogger(__name__)

MAX_LENGTH = 16_384  # characters of an expression
MAX_DEPTH = 100  # parentheses inside each other
DIVISION_BY_ZERO = 2_147_483_647  # what a division by zero yields: INT_MAX

Value = str | Number
CallFunction = Callable[[str, str], str | None]
Report = Callable[[str], None]

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
_NUMERIC = re.compile(r"[0-9.]+")

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


class _Operator:
    __slots__ = ("apply",)

    def __init__(self, apply: Callable[[Value, Value, Report], Value]) -> None:
        self.apply = apply


class _Prefix:
    __slots__ = ("apply",)

    def __init__(self, apply: Callable[[Value, Report], Value]) -> None:
        self.apply = apply


class _Choose:
    __slots__ = ()


_Step = str | _Parts | _Call | _Operator | _Prefix | _Choose


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
            elif isinstance(step, _Operator):
                right = stack.pop()
                stack[-1] = step.apply(stack[-1], right, report)
            elif isinstance(step, _Prefix):
                stack[-1] = step.apply(stack[-1], report)
            elif isinstance(step, _Call):
                first = len(stack) - step.count
                stack[first:] = [_call(step.name, stack[first:], report, call_function)]
            else:
                otherwise, chosen = stack.pop(), stack.pop()
                stack[-1] = chosen if _decides(stack[-1]) else otherwise
        return _text(stack[0]) if stack else ""

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
            self._steps.append(_OPERATORS[operator])

    def _unary(self) -> None:
        prefixes: list[_Prefix] = []
        while self._kind == "operator" and self._token in _PREFIXES:
            prefixes.append(_PREFIXES[self._token])
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


# values


def _text(value: Value) -> str:
    return value if isinstance(value, str) else long_double.to_text(value)


def _is_text(value: Value) -> bool:
    """Whether it is compared as text: anything but digits and dots."""
    return isinstance(value, str) and not _NUMERIC.fullmatch(value)


def _number(value: Value) -> Number | None:
    return long_double.parse(value) if isinstance(value, str) else value


def _is_empty_or_zero(value: Value) -> bool:
    return value == "" or _number(value) == 0


def _decides(value: Value) -> bool:
    """Whether ``?`` takes the first branch."""
    if _is_text(value):
        return value not in ("", '""', "0")
    return not _is_empty_or_zero(value)


def _unquoted(value: Value) -> str:
    text = _text(value)
    if len(text) >= 2 and text[0] == '"' and text[-1] == '"':
        text = text[1:-1]
    return text


# operators


def _or(left: Value, right: Value, _report: Report) -> Value:
    return right if _is_empty_or_zero(left) else left


def _and(left: Value, right: Value, _report: Report) -> Value:
    return 0 if _is_empty_or_zero(left) or _is_empty_or_zero(right) else left


def _comparison(
    holds: Callable[[int], bool],
) -> Callable[[Value, Value, Report], Value]:
    def compare(left: Value, right: Value, _report: Report) -> Value:
        return int(holds(_order(left, right)))

    return compare


def _order(left: Value, right: Value) -> int:
    """Return -1, 0 or 1."""
    if not (_is_text(left) or _is_text(right)):
        first, second = _number(left), _number(right)
        if first is not None and second is not None:
            return (first > second) - (first < second)
    a, b = _text(left), _text(right)
    return (a > b) - (a < b)


def _arithmetic(
    compute: Callable[[Number, Number], Number],
) -> Callable[[Value, Value, Report], Value]:
    """Make an operator that takes what is no number for 0."""

    def apply(left: Value, right: Value, report: Report) -> Value:
        return compute(_operand(left, report), _operand(right, report))

    return apply


def _operand(value: Value, report: Report) -> Number:
    number = _number(value)
    if number is None:
        report(f"non-numeric argument {value!r}")
        return 0
    return number


def _division(
    compute: Callable[[Number, Number], Number],
) -> Callable[[Value, Value, Report], Value]:
    def apply(left: Value, right: Value, report: Report) -> Value:
        dividend = _number(left)
        if dividend is None:
            report(f"non-numeric argument {left!r}")
            return 0
        divisor = _number(right)
        if divisor is None:
            report(f"non-numeric argument {right!r}")
            return DIVISION_BY_ZERO
        if divisor == 0:
            report("division by zero")
            return DIVISION_BY_ZERO
        return compute(dividend, divisor)

    return apply


def _match(*, is_anchored: bool) -> Callable[[Value, Value, Report], Value]:
    def apply(left: Value, right: Value, report: Report) -> Value:
        try:
            regex = compile_regex(_unquoted(right))
            found = regex.search(_unquoted(left))
        except InvalidArgument as error:
            report(str(error))
            return ""
        if found is None or (is_anchored and not found.is_at_start):
            return "" if regex.group_count else 0
        if regex.group_count:
            return found.group(1) or ""
        return len(found.group(0) or "")

    return apply


def _concatenate(left: Value, right: Value, _report: Report) -> Value:
    return _unquoted(left) + _unquoted(right)


def _negate(value: Value, report: Report) -> Value:
    return long_double.subtract(0, _operand(value, report))


def _not(value: Value, _report: Report) -> Value:
    return int(_is_empty_or_zero(value))


def _call(
    name: str, arguments: list[Value], report: Report, call_function: CallFunction | None
) -> Value:
    if name in expression_functions.FUNCTIONS:
        numbers = [_operand(argument, report) for argument in arguments]
        result = expression_functions.call(name, numbers)
        if result is None:
            report(f"wrong number of arguments to {name}()")
        return 0 if result is None else result
    if call_function is not None:
        text = call_function(name, ",".join(map(_unquoted, arguments)))
        if text is not None:
            return text
    report(f"function {name} is not known")
    return 0


_OPERATORS = {
    "|": _Operator(_or),
    "&": _Operator(_and),
    "=": _Operator(_comparison(lambda order: order == 0)),
    "!=": _Operator(_comparison(lambda order: order != 0)),
    "<": _Operator(_comparison(lambda order: order < 0)),
    ">": _Operator(_comparison(lambda order: order > 0)),
    "<=": _Operator(_comparison(lambda order: order <= 0)),
    ">=": _Operator(_comparison(lambda order: order >= 0)),
    "+": _Operator(_arithmetic(long_double.add)),
    "-": _Operator(_arithmetic(long_double.subtract)),
    "*": _Operator(_arithmetic(long_double.multiply)),
    "/": _Operator(_division(long_double.divide)),
    "%": _Operator(_division(long_double.remainder)),
    ":": _Operator(_match(is_anchored=True)),
    "=~": _Operator(_match(is_anchored=False)),
    "~~": _Operator(_concatenate),
}
_PREFIXES = {"-": _Prefix(_negate), "!": _Prefix(_not)}
