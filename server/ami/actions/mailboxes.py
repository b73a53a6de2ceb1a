"""Actions about mailboxes, as applications and others keep their counts here."""

from __future__ import annotations

from typing import TYPE_CHECKING

from server.ami.registry import ActionError, ListItem, Reply, Request, action, listing, success
from server.dialplan.posix_regex import compile_regex

if TYPE_CHECKING:
    from server import model


def _find(request: Request) -> tuple[str, model.Mailbox | None]:
    name = request.need("Mailbox", "Mailbox not specified")
    found = request.context.mailboxes.find(name)
    if found is None and "@" not in name:
        found = request.context.mailboxes.find(f"{name}@default")
    return name, found


@action("MailboxStatus", "call", "reporting", summary="Tell whether messages wait in a mailbox")
def mailbox_status(request: Request) -> Reply:
    """Tell whether there are new messages."""
    name, mailbox = _find(request)
    waiting = int(mailbox is not None and mailbox.new_messages > 0)
    return success(("Mailbox", name), ("Waiting", waiting), message="Mailbox Status")


@action("MailboxCount", "call", "reporting", summary="Count the messages of a mailbox")
def mailbox_count(request: Request) -> Reply:
    """Tell how many messages there are."""
    name, mailbox = _find(request)
    return success(
        ("Mailbox", name),
        ("UrgMessages", 0),
        ("NewMessages", mailbox.new_messages if mailbox is not None else 0),
        ("OldMessages", mailbox.old_messages if mailbox is not None else 0),
        message="Mailbox Message Count",
    )


@action("MWIUpdate", "call", summary="Set the counts of a mailbox")
def mwi_update(request: Request) -> Reply:
    """Set the counts."""
    name = request.need("Mailbox", "Missing mailbox parameter in request")
    request.context.mailboxes.update(
        name,
        old_messages=request.number("OldMessages", 0),
        new_messages=request.number("NewMessages", 0),
    )
    return success()


@action("MWIDelete", "call", summary="Forget mailboxes")
def mwi_delete(request: Request) -> Reply:
    """Forget a mailbox, or all that match /regex/."""
    for mailbox in _matching(request):
        request.context.mailboxes.delete(mailbox.name)
    return success()


@action("MWIGet", "call", "reporting", summary="List the counts of mailboxes")
def mwi_get(request: Request) -> Reply:
    """List a mailbox, or all that match /regex/."""
    items: list[ListItem] = [
        (
            "MWIGet",
            [
                ("Mailbox", each.name),
                ("OldMessages", each.old_messages),
                ("NewMessages", each.new_messages),
            ],
        )
        for each in _matching(request)
    ]
    return listing("Mailboxes will follow", items, "MWIGetComplete")


def _matching(request: Request) -> list[model.Mailbox]:
    name = request.need("Mailbox", "Missing mailbox parameter in request")
    mailboxes = request.context.mailboxes
    if not name.startswith("/"):
        found = mailboxes.find(name)
        return [found] if found is not None else []
    if len(name) < 3 or not name.endswith("/"):
        raise ActionError("Regex format invalid, Mailbox param should be /regex/")
    compiled = compile_regex(name[1:-1])
    return [each for each in mailboxes.list() if compiled.search(each.name)]
