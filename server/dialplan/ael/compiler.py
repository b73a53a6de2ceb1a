"""Compiles the tree of an AEL program to sections of extensions.conf.

The result goes through the same loader as the file itself. As in Asterisk, a macro becomes a
context with the extension ``~~s~~`` that is called with Gosub; a switch becomes extensions
``sw_1_value``, one for each case, in which ``${~~EXTEN~~}`` stands for the extension that was
dialled. ``if_1_else``, ``while_1_end`` and the like are labels that the compiler makes.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from server.config.objects import ConfigFile, Option, Section
from server.dialplan.ael.checks import Findings, check_program
from server.dialplan.ael.labels import CompiledExtension, LabelMap
from server.dialplan.ael.nodes import (
    AelError,
    AelWarning,
    Assignment,
    Context,
    Extension,
    IgnorePattern,
    Include,
    Macro,
    Position,
    Program,
    SwitchLine,
)
from server.dialplan.ael.parser import parse_ael_file
from server.dialplan.ael.statements import Body, Counters, Jump, resolve

MACRO_EXTENSION = "~~s~~"
MAX_SHOWN_ERRORS = 20
_RESERVED = frozenset(("general", "globals"))  # sections of extensions.conf with other meanings
_VARIABLE = re.compile(r"[\w.~-]+")
_FORBIDDEN = frozenset("[](),;")


def compile_ael_file(path: str) -> ConfigFile:
    """Read and compile an AEL file.

    :raises AelError: it can't be read or makes no sense.
    """
    return compile_ael(parse_ael_file(path), path)


def compile_ael(program: Program, path: str = "<text>") -> ConfigFile:
    """Compile a program.

    :returns: its contexts as sections, with what aelparse would warn of.
    :raises AelError: it makes no sense; names all places that don't.
    """
    return _Compiler(program, path).compile()


class _Compiler:
    def __init__(self, program: Program, path: str) -> None:
        self._program = program
        self._file = ConfigFile(path, files=list(program.files))
        self._findings = Findings()
        self._labels = LabelMap()
        self._counters = Counters()
        self._jumps: list[Jump] = []
        self._sections: list[tuple[Section, list[CompiledExtension | Option]]] = []

    def compile(self) -> ConfigFile:
        program = self._program
        check_program(program, self._findings)
        self._compile_globals(program.globals)
        for context in program.contexts:
            self._compile_context(context)
        for macro in program.macros:
            self._compile_macro(macro)
        for jump in self._jumps:
            resolve(jump, self._labels, self._findings)
        self._raise_errors()
        for section, items in self._sections:
            for item in items:
                section.options += [item] if isinstance(item, Option) else _options_of(item)
            self._file.sections.append(section)
        self._file.warnings += [
            AelWarning(at.path, at.line, text, column=at.column)
            for at, text in sorted(self._findings.warnings, key=_position)
        ]
        return self._file

    def _raise_errors(self) -> None:
        errors = sorted(self._findings.errors, key=_position)
        if errors:
            at, text = errors[0]
            rest = [f"{where}: {what}" for where, what in errors[1:MAX_SHOWN_ERRORS]]
            raise AelError(at, "\n".join([text, *rest]))

    def _compile_globals(self, variables: Iterable[Assignment]) -> None:
        variables = list(variables)
        if not variables:
            return
        for each in variables:
            if not _VARIABLE.fullmatch(each.name):
                self._findings.error(each.at, f"a variable can't be called {each.name!r}")
        section = Section("globals", variables[0].at.path, variables[0].at.line)
        items: list[CompiledExtension | Option] = [
            Option(each.name, each.value, each.at.path, each.at.line) for each in variables
        ]
        self._sections.append((section, items))

    def _begin(self, at: Position, name: str) -> list[CompiledExtension | Option]:
        if name.lower() in _RESERVED or not _FORBIDDEN.isdisjoint(name):
            self._findings.error(at, f"a context can't be called {name!r}")
        items: list[CompiledExtension | Option] = []
        self._sections.append((Section(name, at.path, at.line), items))
        self._labels.add_includes(name, [])
        return items

    def _compile_context(self, context: Context) -> None:
        items = self._begin(context.at, context.name)
        for element in context.elements:
            at = element.at
            if isinstance(element, Extension):
                items += self._compile_extension(context.name, element)
            elif isinstance(element, Include):
                items.append(self._include(context.name, element))
            elif isinstance(element, SwitchLine):
                items.append(Option(element.keyword, element.value, at.path, at.line))
            elif isinstance(element, IgnorePattern):
                items.append(Option("ignorepat", element.pattern, at.path, at.line))
            else:
                self._findings.warn(at, "an assignment outside of an extension does nothing")

    def _include(self, context: str, include: Include) -> Option:
        self._labels.add_includes(context, [include.context])
        value = f"{include.context},{include.times}" if include.times else include.context
        return Option("include", value, include.at.path, include.at.line)

    def _compile_extension(self, context: str, extension: Extension) -> list[CompiledExtension]:
        at, name = extension.at, extension.name
        main = CompiledExtension(name, "", extension.hint, 1, [], at.path, at.line)
        # The phone's registration puts something at priority 1.
        main.first_priority = 2 if extension.is_regexten else 1
        body = self._body(context, main)
        body.add(extension.body)
        return body.finish()

    def _compile_macro(self, macro: Macro) -> None:
        items = self._begin(macro.at, macro.name)
        items += [self._include(macro.name, include) for include in macro.includes]
        at = macro.at
        main = CompiledExtension(MACRO_EXTENSION, "", None, 1, [], at.path, at.line)
        body = self._body(macro.name, main, is_macro=True)
        for index, parameter in enumerate(macro.parameters, 1):
            body.emit(at, "Set", f"LOCAL({parameter})=${{ARG{index}}}")
        body.add(macro.body)
        body.emit(at, "Return")
        items += body.finish()
        for catch in macro.catches:
            items += self._compile_extension(
                macro.name, Extension(catch.at, catch.exten, catch.body)
            )

    def _body(self, context: str, main: CompiledExtension, *, is_macro: bool = False) -> Body:
        self._labels.add_extension(context, main.name)
        return Body(
            context, main, self._labels, self._findings, self._counters, self._jumps, is_macro
        )


def _position(finding: tuple[Position, str]) -> tuple[str, int, int]:
    at, _text = finding
    return at.path, at.line, at.column


def _options_of(extension: CompiledExtension) -> list[Option]:
    options: list[Option] = []
    name = extension.name
    if extension.hint is not None:
        value = f"{name},hint,{extension.hint}"
        options.append(Option("exten", value, extension.path, extension.line))
    for index, line in enumerate(extension.lines):
        label = f"({line.label})" if line.label else ""
        call = f"{line.application}({line.arguments})"
        if index == 0:
            value = f"{name},{extension.first_priority}{label},{call}"
            options.append(Option("exten", value, line.path, line.line))
        else:
            options.append(Option("same", f"n{label},{call}", line.path, line.line))
    return options
