"""Changes to the running dialplan, which last until it is loaded again.

The console and AMI use these. A call goes on with what it finds from its next step on.
"""

from __future__ import annotations

from server.base.errors import Conflict, InvalidArgument, NotFound
from server.dialplan.loader import MAX_PRIORITY, add_step, make_step, read_include
from server.dialplan.pattern import Pattern
from server.dialplan.plan import Context, Extension
from server.dialplan.port import Dialplan

HINT = -1  # the priority of a hint
MAX_NAME = 80  # characters of an extension or context, as in Asterisk


def add_extension(
    dialplan: Dialplan,
    context: str,
    exten: str,
    priority: int,
    call: str,
    *,
    caller: str | None = None,
    label: str = "",
    replace: bool = False,
) -> None:
    """Add a step; the context is made if it is new.

    :param priority: :data:`HINT` for a hint.
    :param call: ``application(arguments)``, or what the hint maps to.
    :param caller: of ``exten/cid``.
    :param replace: take the place of a step of this priority.
    :raises Conflict: there is one, and it is not to be replaced.
    :raises InvalidArgument: a name, the priority or the call makes no sense.
    """
    _check_name("extension", exten)
    _check_name("context", context)
    if priority != HINT and not 0 < priority <= MAX_PRIORITY:
        raise InvalidArgument("priority", f"{priority} is out of range")
    present = dialplan.plan.contexts.get(context)
    former = None if present is None else present.find_extension(exten, caller)
    is_taken = former is not None and (
        bool(former.hint) if priority == HINT else priority in former.steps
    )
    if is_taken and not replace:
        word = "hint" if priority == HINT else priority
        raise Conflict(f"Extension {exten}@{context} with priority {word} already exists")
    step = None if priority == HINT else make_step(priority, call, [], label)
    extension = _context(dialplan, context).extension(exten, caller)
    if step is None:
        extension.hint, extension.hint_source = call.strip(), ("", 0)
    else:
        _remove_step(extension, priority)
        add_step(dialplan.plan.contexts[context], extension, step)
    dialplan.plan.contexts[context].sort_callers()
    _changed(dialplan, has_hints=step is None)


def remove_extension(
    dialplan: Dialplan, context: str, exten: str, priority: int = 0, caller: str | None = None
) -> None:
    """Remove a step, or all of an extension.

    :param priority: :data:`HINT` for the hint, 0 for everything.
    :param caller: of ``exten/cid``; with *priority* 0 and ``None``, those for all callers.
    :raises NotFound: there is no such step.
    """
    found = _existing(dialplan, context)
    extensions = [
        extension
        for extension in found
        if extension.name == exten
        and ((priority == 0 and caller is None) or _caller_name(extension) == caller)
        and (
            priority == 0
            or priority in extension.steps
            or (priority == HINT and bool(extension.hint))
        )
    ]
    if not extensions:
        raise NotFound(f"no extension {exten}@{context} with priority {priority}")
    has_hints = any(extension.hint for extension in extensions)
    for extension in extensions:
        if priority == HINT:
            extension.hint = ""
        elif priority:
            _remove_step(extension, priority)
        if priority == 0 or not (extension.steps or extension.hint):
            found.remove_extension(extension)
    _changed(dialplan, has_hints=has_hints)


def remove_context(dialplan: Dialplan, context: str) -> None:
    """Remove a context with all that is in it.

    :raises NotFound: there is none.
    """
    del dialplan.plan.contexts[_existing(dialplan, context).name]
    _changed(dialplan)


def add_include(dialplan: Dialplan, context: str, include: str) -> None:
    """Include a context in another, perhaps at certain times; both may be new.

    :param include: as after ``include =>``.
    :raises Conflict: it is included already.
    :raises InvalidArgument: the times make no sense.
    """
    made = read_include(include)
    _check_name("context", made.context)
    _check_name("context", context)
    found = _context(dialplan, context)
    if any(each.source == made.source for each in found.includes):
        raise Conflict(f"Context '{include}' already included in '{context}' context")
    found.includes.append(made)
    _changed(dialplan)


def remove_include(dialplan: Dialplan, context: str, include: str) -> None:
    """Include a context no more.

    :raises NotFound: it is not included.
    """
    found = _existing(dialplan, context)
    kept = [each for each in found.includes if include not in (each.context, each.source)]
    if len(kept) == len(found.includes):
        raise NotFound(f"{context} does not include {include}")
    found.includes = kept
    _changed(dialplan)


def add_ignore_pattern(dialplan: Dialplan, context: str, pattern: str) -> None:
    """Keep the dial tone after digits of this pattern.

    :raises Conflict: the context has it already.
    """
    _check_name("pattern", pattern)
    found = _existing(dialplan, context)
    if any(each.name == pattern for each in found.ignore_patterns):
        raise Conflict(f"Ignore pattern '{pattern}' already included in '{context}' context")
    found.ignore_patterns.append(Pattern(pattern))
    _changed(dialplan)


def remove_ignore_pattern(dialplan: Dialplan, context: str, pattern: str) -> None:
    """Take such a pattern away.

    :raises NotFound: the context has none like it.
    """
    found = _existing(dialplan, context)
    kept = [each for each in found.ignore_patterns if each.name != pattern]
    if len(kept) == len(found.ignore_patterns):
        raise NotFound(f"{context} does not ignore {pattern}")
    found.ignore_patterns = kept
    _changed(dialplan)


def _existing(dialplan: Dialplan, name: str) -> Context:
    found = dialplan.plan.contexts.get(name)
    if found is None:
        raise NotFound(f"no context {name}")
    return found


def _context(dialplan: Dialplan, name: str) -> Context:
    return dialplan.plan.contexts.setdefault(name, Context(name))


def _caller_name(extension: Extension) -> str | None:
    return None if extension.caller is None else extension.caller.name


def _remove_step(extension: Extension, priority: int) -> None:
    step = extension.steps.pop(priority, None)
    if step is not None and extension.labels.get(step.label) == priority:
        del extension.labels[step.label]


def _changed(dialplan: Dialplan, *, has_hints: bool = True) -> None:
    dialplan.plan.version += 1
    if has_hints:
        dialplan.hints.rebuild()


def _check_name(field: str, name: str) -> None:
    if not name or len(name) > MAX_NAME or any(letter in name for letter in "\r\n\0"):
        raise InvalidArgument(field, f"a name of 1 to {MAX_NAME} characters is needed")
