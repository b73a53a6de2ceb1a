"""The numbered headers of UpdateConfig: what is to be changed, and how."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from server.ami.protocol import Message
from server.ami.registry import ActionError
from server.config.edit import ConfigEditor
from server.config.edit_lines import EditError
from server.config.objects import Option, Section

NO_CATEGORY = "Category not specified"
NO_ARGUMENT = "Problem with category, value, or line (if required)"
UNKNOWN_CATEGORY = "Given category does not exist"
UNKNOWN_ACTION = "Unknown action command"
NO_TEMPLATE = "Template category not found, or not a template"  # for inherit=
_OPTION = re.compile(r'\s*(\w+)\s*(?:=\s*(?:"([^"]*)"|([^,]*)))?\s*(?:,|$)')

Condition = Callable[[Section], bool]
MakeCondition = Callable[[str, str], Condition]


@dataclass(frozen=True, slots=True)
class Update:
    """One ``Action-NNNNNN`` with what belongs to it.

    :param arrow: the value began with ``>``: it is an object, written with ``=>``.
    :param options: of ``Options-NNNNNN``, by lower-case name.
    """

    kind: str
    category: str
    variable: str
    value: str
    match: str
    line: str
    arrow: bool
    options: dict[str, str]


def read_updates(message: Message) -> list[Update]:
    """Read the updates in order, up to the first number that is missing.

    :raises ActionError: one has no category, or options that can't be read.
    """
    updates: list[Update] = []
    while kind := message.get(f"Action-{len(updates):06}"):
        number = f"{len(updates):06}"
        category = message.get(f"Cat-{number}")
        if not category:
            raise ActionError(NO_CATEGORY)
        value = message.get(f"Value-{number}")
        updates.append(
            Update(
                kind.lower(),
                category,
                message.get(f"Var-{number}"),
                value.removeprefix(">"),
                message.get(f"Match-{number}"),
                message.get(f"Line-{number}"),
                value.startswith(">"),
                _read_options(message.get(f"Options-{number}")),
            )
        )
    return updates


def _read_options(text: str) -> dict[str, str]:
    options: dict[str, str] = {}
    at = 0
    while at < len(text):
        found = _OPTION.match(text, at)
        if found is None:
            raise ActionError(NO_ARGUMENT)
        options[found[1].lower()] = found[2] or (found[3] or "").strip()
        at = found.end()
    return options


def apply_updates(
    editor: ConfigEditor, updates: Sequence[Update], condition: MakeCondition
) -> None:
    """Change the file in memory.

    :param condition: reads the expressions of ``catfilter``.
    :raises ActionError: an update can't be made.
    """
    for update in updates:
        act = _ACTIONS.get(update.kind)
        if act is None:
            raise ActionError(UNKNOWN_ACTION)
        work, failure = act
        try:
            work(_Target(editor, update, condition))
        except EditError:
            raise ActionError(failure) from None


@dataclass(frozen=True, slots=True)
class _Target:
    """An update and the file that it is for."""

    editor: ConfigEditor
    update: Update
    condition: MakeCondition

    def find(self, name: str, *, templates: str = "") -> Section | None:
        """Return the first section of a name; a template only if there is nothing else."""
        meant = self.condition(name, templates or self.update.options.get("catfilter", ""))
        found = next((each for each in self.editor.file.everything if meant(each)), None)
        if found is None and not templates and "catfilter" not in self.update.options:
            return self.find(name, templates="TEMPLATES=include")
        return found

    @property
    def section(self) -> Section:
        """The section that is meant."""
        found = self.find(self.update.category)
        if found is None:
            raise ActionError(UNKNOWN_CATEGORY)
        return found

    def need(self, *values: str) -> None:
        if not all(values):
            raise ActionError(NO_ARGUMENT)

    def index(self) -> int:
        line = self.update.line
        if not (line.isascii() and line.isdigit() and len(line) < 10):
            raise ActionError(NO_ARGUMENT)
        return int(line)


def _new_category(target: _Target) -> None:
    update = target.update
    if "allowdups" not in update.options and target.find(update.category) is not None:
        raise EditError("it exists")
    templates = [name.strip() for name in update.options.get("inherit", "").split(",") if name]
    for name in templates:
        if target.find(name, templates="TEMPLATES=restrict") is None:
            raise ActionError(NO_TEMPLATE)
    before = target.find(update.match) if update.match else None
    if update.match and before is None:
        raise EditError("nothing to be put before")
    target.editor.add_section(
        update.category,
        is_template="template" in update.options,
        templates=templates,
        before=before,
    )


def _rename_category(target: _Target) -> None:
    target.need(target.update.value)
    target.editor.rename_section(target.section, target.update.value)


def _delete_category(target: _Target) -> None:
    target.editor.remove_section(target.section)


def _empty_category(target: _Target) -> None:
    target.editor.empty_section(target.section)


def _update(target: _Target) -> None:
    update = target.update
    target.need(update.variable)
    section = target.section
    found = _matching(section, update)
    if not found:
        raise EditError("no such option")
    is_object = update.arrow or update.match.lower() == "object"
    target.editor.set_option(section, found[0], update.value, arrow=is_object)


def _delete(target: _Target) -> None:
    update = target.update
    target.need(update.variable or update.line)
    section = target.section
    if update.line:
        index = target.index()
        if index >= len(section.options):
            raise EditError("no such line")
        target.editor.remove_options(section, [section.options[index]])
    else:
        target.editor.remove_options(section, _matching(section, update))


def _append(target: _Target) -> None:
    update = target.update
    target.need(update.variable)
    is_object = update.arrow or update.match.lower() == "object"
    target.editor.append_option(target.section, update.variable, update.value, arrow=is_object)


def _insert(target: _Target) -> None:
    update = target.update
    target.need(update.variable, update.line)
    target.editor.insert_option(
        target.section, target.index(), update.variable, update.value, arrow=update.arrow
    )


def _matching(section: Section, update: Update) -> list[Option]:
    """Return the options that are meant: of this name, and of the value to match if any."""
    return [
        option
        for option in section.find_all(update.variable)
        if not update.match or option.value.lower() == update.match.lower()
    ]


_ACTIONS: dict[str, tuple[Callable[[_Target], None], str]] = {
    "newcat": (_new_category, "Create category did not complete successfully"),
    "renamecat": (_rename_category, "Rename category did not complete successfully"),
    "delcat": (_delete_category, "Delete category did not complete successfully"),
    "emptycat": (_empty_category, "Empty category did not complete successfully"),
    "update": (_update, "Update did not complete successfully"),
    "delete": (_delete, "Delete did not complete successfully"),
    "append": (_append, "Append did not complete successfully"),
    "insert": (_insert, "Insert did not complete successfully"),
}
