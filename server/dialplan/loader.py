"""Makes a :class:`~server.dialplan.plan.Plan` of extensions.conf.

A line that makes no sense is skipped with a warning that names file and line, as Asterisk does;
a file that can't be read as a whole raises :class:`~server.base.errors.ConfigError`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from server.base.errors import ConfigError, InvalidArgument
from server.config.objects import ConfigFile, Option, Section
from server.dialplan.pattern import Pattern
from server.dialplan.plan import REGISTRAR, Context, Extension, Include, Plan, Step
from server.dialplan.switches import SwitchUse
from server.dialplan.timing import parse_time_condition
from server.dialplan.variables import compile_text

MAX_PRIORITY = 1_000_000

_GENERAL_OPTIONS = frozenset(
    ("static", "writeprotect", "autofallthrough", "clearglobalvars", "extenpatternmatchnew",
     "userscontext", "overrideswitch", "endorsecalleridonce")
)  # fmt: skip
_GENERAL_SWITCHES = {
    "autofallthrough": "autofallthrough",
    "clearglobalvars": "clear_globals",
    "static": "is_static",
    "writeprotect": "is_write_protected",
}
_SWITCH_KEYWORDS = frozenset(("switch", "eswitch", "lswitch"))
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


def compile_plan(config: ConfigFile, *others: tuple[ConfigFile, str]) -> Plan:
    """Compile a configuration file that was read.

    :param others: what other languages were compiled to, each with the module that did it.
    """
    return _Compiler([(config, REGISTRAR), *others]).compile()


@dataclass(slots=True)
class _Cursor:
    """Where ``same`` and ``n`` continue."""

    exten: str = ""
    caller: str | None = None
    priority: int = 0


class _Compiler:
    def __init__(self, sources: Sequence[tuple[ConfigFile, str]]) -> None:
        self._sources = sources
        self._registrar = REGISTRAR
        self._plan = Plan()
        self._cursor = _Cursor()
        self._calls: dict[str, tuple[str, str]] = {}

    def compile(self) -> Plan:
        plan = self._plan
        for config, registrar in self._sources:
            self._registrar = registrar
            plan.warnings.extend(map(str, config.warnings))
            for section in config.sections:
                self._read_section(section)
        for context in plan.contexts.values():
            context.sort_callers()
            self._check_includes(context)
        return plan

    def _read_section(self, section: Section) -> None:
        name = section.name.lower()
        if name == "general":
            self._read_general(section)
        elif name == "globals":
            self._read_globals(section)
        else:
            self._read_context(section)

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
            elif name in _GENERAL_SWITCHES:
                setattr(self._plan, _GENERAL_SWITCHES[name], is_yes)
            elif name == "userscontext":
                self._plan.users_context = option.value

    def _read_globals(self, section: Section) -> None:
        plan = self._plan
        for option in section.options:
            compiled = compile_text(option.value)
            plan.computed_globals.pop(option.name, None)
            if isinstance(compiled, str):
                plan.globals[option.name] = compiled
            elif any(compiled.functions()):
                plan.globals[option.name] = ""
                plan.computed_globals[option.name] = compiled
            else:
                plan.globals[option.name] = compiled.evaluate(_Globals(plan))

    def _with_globals(self, text: str) -> str:
        """Substitute global variables, as in extension names and values of [globals]."""
        if "${" not in text:
            return text
        compiled = compile_text(text)
        return compiled if isinstance(compiled, str) else compiled.evaluate(_Globals(self._plan))

    def _read_context(self, section: Section) -> None:
        context = self._plan.contexts.get(section.name)
        if context is None:
            context = Context(section.name, section.path, section.line, self._registrar)
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
                context.ignore_patterns.append(Pattern(self._with_globals(option.value)))
            elif name in _SWITCH_KEYWORDS:
                context.switches.append(self._read_switch(name, option))
            else:
                self._warn(option, f"unknown keyword {option.name!r} in context {context.name}")
        except ConfigError as error:
            self._plan.warnings.append(str(error))
        except InvalidArgument as error:
            self._warn(option, str(error))

    def _read_include(self, option: Option) -> Include:
        return replace(read_include(self._with_globals(option.value)), registrar=self._registrar)

    def _read_switch(self, keyword: str, option: Option) -> SwitchUse:
        source = self._with_globals(option.value) if keyword == "switch" else option.value
        name, _, data = source.partition("/")
        compiled = compile_text(data) if keyword == "eswitch" else data
        return SwitchUse(name.strip(), compiled, source, keyword, self._registrar)

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
            extension = context.extension(cursor.exten, cursor.caller)
            if extension.hint:
                raise InvalidArgument("hint", f"{extension.name}@{context.name} has a hint already")
            extension.hint, extension.hint_source = call, (option.path, option.line)
            extension.hint_registrar = self._registrar
            return
        priority = self._read_priority(context, base)
        priority += int(match["plus"] or 0) + int(match["more"] or 0)
        if not 0 < priority <= MAX_PRIORITY:
            raise InvalidArgument(option.name, f"priority {priority} is out of range")
        cursor.priority = priority
        self._add_step(context, option, priority, (match["label"] or "").strip(), call)

    def _read_priority(self, context: Context, base: str) -> int:
        cursor = self._cursor
        if base.isdigit():
            return int(base)
        if base in ("n", "next", "s", "same"):
            if not cursor.priority:
                raise InvalidArgument("priority", f"{base!r} can't be used on the first entry")
            return cursor.priority + (base in ("n", "next"))
        extension = context.find_extension(cursor.exten, cursor.caller)
        if extension is not None and base in extension.labels:
            return extension.labels[base]
        raise InvalidArgument("priority", f"{base!r} is neither a number nor n, s, hint or a label")

    def _add_step(
        self, context: Context, option: Option, priority: int, label: str, call: str
    ) -> None:
        cursor = self._cursor
        problems: list[str] = []
        step = make_step(priority, call, problems, label, option.path, option.line, self._registrar)
        for problem in problems:
            self._warn(option, problem)
        if cursor.exten == "_." and priority == 1:
            self._warn(option, "_. fits i, t and h as well; _X. is usually what is meant")
        if not add_step(context, context.extension(cursor.exten, cursor.caller), step):
            self._warn(option, f"label {label} is used again; the first one counts")


def read_include(text: str) -> Include:
    """Read what follows ``include =>``: a context, and when it applies.

    :raises InvalidArgument: the times make no sense.
    """
    separator = "," if "," in text else "|"
    name, _, times = text.partition(separator)
    condition = parse_time_condition(times) if times.strip() else None
    return Include(name.strip(), condition, text)


def make_step(
    priority: int,
    call: str,
    problems: list[str],
    label: str = "",
    path: str = "",
    line: int = 0,
    registrar: str = REGISTRAR,
) -> Step:
    """Compile ``application(arguments)``.

    :param problems: gets what is wrong, but not so wrong that it could not run.
    :raises InvalidArgument: there is no application.
    """
    application, parenthesis, source = call.partition("(")
    application = application.strip()
    if not application:
        raise InvalidArgument("exten", "expected an application after the priority")
    end = source.rfind(")")
    if parenthesis and end < 0:
        problems.append(f"no closing parenthesis after {application}(")
    elif parenthesis:
        source = source[:end]
    data = compile_text(source, problems)
    key = application.lower()
    return Step(priority, application, key, data, source, label, path, line, registrar)


def add_step(context: Context, extension: Extension, step: Step) -> bool:
    """Add a step; ``False`` if its label stays with another one.

    :raises InvalidArgument: the extension has one of this priority.
    """
    if step.priority in extension.steps:
        raise InvalidArgument(
            "priority", f"{extension.name}@{context.name} has a priority {step.priority} already"
        )
    extension.steps[step.priority] = step
    return not step.label or extension.labels.setdefault(step.label, step.priority) == step.priority


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
