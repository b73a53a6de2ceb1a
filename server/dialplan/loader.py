"""Makes a :class:`~server.dialplan.plan.Plan` of extensions.conf.

A line that makes no sense is skipped with a warning that names file and line, as Asterisk does;
a file that can't be read as a whole raises :class:`~server.base.errors.ConfigError`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from server.base.errors import ConfigError, InvalidArgument
from server.config.objects import ConfigFile, Option, Section
from server.dialplan.pattern import Pattern
from server.dialplan.plan import Context, Include, Plan, Step
from server.dialplan.timing import parse_time_condition
from server.dialplan.variables import compile_text

MAX_PRIORITY = 1_000_000

_GENERAL_OPTIONS = frozenset(
    ("static", "writeprotect", "autofallthrough", "clearglobalvars", "extenpatternmatchnew",
     "userscontext", "overrideswitch", "endorsecalleridonce")
)  # fmt: skip
_YES = frozenset(("yes", "true", "y", "t", "1", "on"))
_LINE = re.compile(
    r"""\s*(?P<exten>(?:"[^"]*"|\[[^\]]*\]|[^,/\["])+?)\s*
        (?:/\s*(?P<caller>(?:\[[^\]]*\]|[^,\[])*?)\s*)?,
        \s*(?P<rest>.*)""",
    re.VERBOSE | re.DOTALL,
)
_PRIORITY = re.compile(
    r"""\s*(?P<base>[A-Za-z]+|\d{1,9})\s*(?:\+\s*(?P<plus>\d{1,9}))?
        \s*(?:\((?P<label>[^)]*)\))?(?:\+(?P<more>\d{1,9}))?\s*(?:,\s*(?P<call>.*))?\Z""",
    re.VERBOSE | re.DOTALL,
)


def compile_plan(config: ConfigFile) -> Plan:
    """Compile a configuration file that was read."""
    return _Compiler(config).compile()


@dataclass(slots=True)
class _Cursor:
    """Where ``same`` and ``n`` continue."""

    exten: str = ""
    caller: str | None = None
    priority: int = 0


class _Compiler:
    def __init__(self, config: ConfigFile) -> None:
        self._config = config
        self._plan = Plan()
        self._cursor = _Cursor()
        self._calls: dict[str, tuple[str, str]] = {}

    def compile(self) -> Plan:
        plan = self._plan
        plan.warnings.extend(map(str, self._config.warnings))
        for section in self._config.sections:
            name = section.name.lower()
            if name == "general":
                self._read_general(section)
            elif name == "globals":
                self._read_globals(section)
            else:
                self._read_context(section)
        for context in plan.contexts.values():
            context.sort_callers()
            self._check_includes(context)
        return plan

    def _check_includes(self, context: Context) -> None:
        for include in context.includes:
            if include.context not in self._plan.contexts:
                where = f"{context.path}:{context.line}"
                self._plan.warnings.append(
                    f"{where}: context {context.name} includes {include.context!r}, "
                    "which does not exist"
                )

    def _warn(self, option: Option, message: str) -> None:
        self._plan.warnings.append(f"{option.path}:{option.line}: {message}")

    def _read_general(self, section: Section) -> None:
        for option in section.options:
            name = option.name.lower()
            is_yes = option.value.lower() in _YES
            if name not in _GENERAL_OPTIONS:
                self._warn(option, f"unknown option {option.name}")
            elif name == "autofallthrough":
                self._plan.autofallthrough = is_yes
            elif name == "clearglobalvars":
                self._plan.clear_globals = is_yes

    def _read_globals(self, section: Section) -> None:
        for option in section.options:
            self._plan.globals[option.name] = self._with_globals(option.value)

    def _with_globals(self, text: str) -> str:
        """Substitute global variables, as in extension names and values of [globals]."""
        if "${" not in text:
            return text
        compiled = compile_text(text)
        return compiled if isinstance(compiled, str) else compiled.evaluate(_Globals(self._plan))

    def _read_context(self, section: Section) -> None:
        context = self._plan.contexts.get(section.name)
        if context is None:
            context = Context(section.name, section.path, section.line)
            self._plan.contexts[section.name] = context
        self._cursor = _Cursor()
        for option in section.options:
            self._read_option(context, option)

    def _read_option(self, context: Context, option: Option) -> None:
        name = option.name.lower()
        try:
            if name == "exten":
                self._read_extension(context, option)
            elif name == "same":
                self._read_step(context, option, option.value)
            elif name == "include":
                context.includes.append(self._read_include(option))
            elif name == "ignorepat":
                context.ignore_patterns.append(Pattern(option.value))
            elif name in ("switch", "eswitch", "lswitch"):
                self._warn(option, f"{option.name} is not supported and was skipped")
            else:
                self._warn(option, f"unknown keyword {option.name!r} in context {context.name}")
        except ConfigError as error:
            self._plan.warnings.append(str(error))
        except InvalidArgument as error:
            self._warn(option, str(error))

    def _read_include(self, option: Option) -> Include:
        separator = "," if "," in option.value else "|"
        name, _, times = option.value.partition(separator)
        condition = parse_time_condition(times) if times.strip() else None
        return Include(name.strip(), condition, option.value)

    def _read_extension(self, context: Context, option: Option) -> None:
        match = _LINE.match(self._with_globals_in_name(option.value))
        if match is None:
            raise InvalidArgument("exten", "expected name,priority,application(arguments)")
        self._cursor.exten = match["exten"].strip()
        self._cursor.caller = match["caller"]
        self._read_step(context, option, match["rest"])

    def _with_globals_in_name(self, value: str) -> str:
        name, comma, rest = value.partition(",")
        return self._with_globals(name) + comma + rest if "${" in name else value

    def _read_step(self, context: Context, option: Option, text: str) -> None:
        cursor = self._cursor
        match = _PRIORITY.match(text)
        if not cursor.exten or match is None:
            what = "a priority" if cursor.exten else "an extension before same"
            raise InvalidArgument(option.name, f"expected {what} in {text[:60]!r}")
        base, call = match["base"], match["call"] or ""
        if base.lower() == "hint":
            context.extension(cursor.exten, cursor.caller).hint = call
            return
        priority = self._read_priority(base) + int(match["plus"] or match["more"] or 0)
        if not 0 < priority <= MAX_PRIORITY:
            raise InvalidArgument(option.name, f"priority {priority} is out of range")
        cursor.priority = priority
        self._add_step(context, option, priority, (match["label"] or "").strip(), call)

    def _read_priority(self, base: str) -> int:
        if base.isdigit():
            return int(base)
        if base in ("n", "next", "s", "same"):
            if not self._cursor.priority:
                raise InvalidArgument("priority", f"{base!r} can't be used on the first entry")
            return self._cursor.priority + (base in ("n", "next"))
        raise InvalidArgument("priority", f"{base!r} is neither a number nor n, s or hint")

    def _add_step(
        self, context: Context, option: Option, priority: int, label: str, call: str
    ) -> None:
        extension = context.extension(self._cursor.exten, self._cursor.caller)
        application, source = self._split_call(option, call)
        if priority in extension.steps:
            raise InvalidArgument(
                "priority", f"{extension.name}@{context.name} has a priority {priority} already"
            )
        problems: list[str] = []
        data = compile_text(source, problems)
        for problem in problems:
            self._warn(option, problem)
        if label and label in extension.labels:
            self._warn(option, f"label {label} is used again; the first one counts")
        elif label:
            extension.labels[label] = priority
        extension.steps[priority] = Step(
            priority, application, application.lower(), data, source, label, option.path,
            option.line,
        )  # fmt: skip

    def _split_call(self, option: Option, call: str) -> tuple[str, str]:
        name, parenthesis, rest = call.partition("(")
        name = name.strip()
        if not name:
            raise InvalidArgument(option.name, "expected an application after the priority")
        if not parenthesis:
            return name, ""
        end = rest.rfind(")")
        if end < 0:
            self._warn(option, f"no closing parenthesis after {name}(")
            return name, rest
        return name, rest[:end]


class _Globals:
    """Lets values of [globals] refer to those before them."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan

    def get(self, name: str) -> str | None:
        return self._plan.globals.get(name)

    def read_function(self, name: str, arguments: str) -> str:
        self.report(f"function {name} can't be used here")
        return ""

    def call_function(self, name: str, arguments: str) -> str | None:
        return None

    def report(self, message: str) -> None:
        self._plan.warnings.append(f"[globals]: {message}")
