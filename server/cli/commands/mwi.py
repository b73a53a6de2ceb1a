"""``mwi …``: mailboxes whose messages something else counts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from server import model
from server.base.errors import InvalidArgument, NotFound, Unavailable
from server.cli.context import CliContext
from server.cli.registry import Call, CommandError, WrongUsage, command
from server.cli.tables import lines
from server.dialplan.posix_regex import compile_regex
from server.resources.mailboxes import Mailboxes

_MAX_COUNT = 2**31 - 1


def _mailboxes(context: CliContext) -> Mailboxes:
    if context.mailboxes is None:
        raise Unavailable("there are no mailboxes")
    return context.mailboxes


def _complete_mailbox(context: CliContext, arguments: Sequence[str]) -> list[str]:
    found = [] if context.mailboxes is None else context.mailboxes.list()
    return [] if arguments else [mailbox.name for mailbox in found]


@command("mwi list all", "List the mailboxes")
def list_all(context: CliContext, _call: Call) -> Iterator[str]:
    """List the mailboxes with their counts."""
    return _rows(_mailboxes(context).list())


@command("mwi list like", "List mailboxes whose names match", arguments="<pattern>")
def list_like(context: CliContext, call: Call) -> Iterator[str]:
    """List the mailboxes whose names a regular expression matches."""
    return _rows(_matching(context, call))


@command("mwi show mailbox", "Show a mailbox", arguments="<mailbox_id>", complete=_complete_mailbox)
def show(context: CliContext, call: Call) -> str:
    """Show the counts of a mailbox."""
    if len(call.arguments) != 1:
        raise WrongUsage
    mailbox = _mailboxes(context).find(call.arguments[0])
    if mailbox is None:
        raise CommandError(f"Mailbox: {call.arguments[0]} not found.")
    return lines(
        f"Mailbox: {mailbox.name}",
        f"NewMessages: {mailbox.new_messages}",
        f"OldMessages: {mailbox.old_messages}",
    )


@command("mwi delete all", "Delete all mailboxes")
def delete_all(context: CliContext, _call: Call) -> str:
    """Forget all mailboxes."""
    _delete(context, _mailboxes(context).list())
    return "Deleted all external MWI mailboxes."


@command("mwi delete like", "Delete mailboxes whose names match", arguments="<pattern>")
def delete_like(context: CliContext, call: Call) -> str:
    """Forget the mailboxes whose names a regular expression matches."""
    _delete(context, _matching(context, call))
    return "Deleted external MWI mailboxes that match."


@command(
    "mwi delete mailbox",
    "Delete a mailbox",
    arguments="<mailbox_id>",
    complete=_complete_mailbox,
)
def delete(context: CliContext, call: Call) -> str:
    """Forget one mailbox."""
    if len(call.arguments) != 1:
        raise WrongUsage
    try:
        _mailboxes(context).delete(call.arguments[0])
    except NotFound:
        raise CommandError(f"Mailbox: {call.arguments[0]} not found.") from None
    return f"Deleted external MWI mailbox: {call.arguments[0]}"


@command(
    "mwi update mailbox",
    "Say how many messages wait",
    arguments="<mailbox_id> [<new> [<old>]]",
    complete=_complete_mailbox,
)
def update(context: CliContext, call: Call) -> str:
    """Set the counts of a mailbox, which is made if need be."""
    if not 1 <= len(call.arguments) <= 3:
        raise WrongUsage
    name, *counts = call.arguments
    new, old = (*map(_count, counts), 0, 0)[:2]
    _mailboxes(context).update(name, new_messages=new, old_messages=old)
    return f"Updated mailbox {name}."


def _count(text: str) -> int:
    if not (text.isascii() and text.isdecimal()) or int(text[:12]) > _MAX_COUNT:
        raise CommandError(f"Invalid number of messages: '{text}'.")
    return int(text)


def _matching(context: CliContext, call: Call) -> list[model.Mailbox]:
    if len(call.arguments) != 1:
        raise WrongUsage
    try:
        wanted = compile_regex(call.arguments[0])
    except InvalidArgument:
        raise CommandError(f"'{call.arguments[0]}' is no regular expression.") from None
    return [mailbox for mailbox in _mailboxes(context).list() if wanted.search(mailbox.name)]


def _delete(context: CliContext, found: Sequence[model.Mailbox]) -> None:
    for mailbox in found:
        _mailboxes(context).delete(mailbox.name)


def _rows(found: Sequence[model.Mailbox]) -> Iterator[str]:
    yield f"{'New':>6} {'Old':>6} Mailbox"
    for mailbox in found:
        yield f"{mailbox.new_messages:>6} {mailbox.old_messages:>6} {mailbox.name}"
