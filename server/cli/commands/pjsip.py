"""``pjsip show`` and ``pjsip list``: the objects of pjsip.conf and what became of them.

Every kind of object has the same four commands; ``show`` lists what belongs to an object below
it, ``list`` gives it one line.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from server.cli.commands import pjsip_layout as layout
from server.cli.context import CliContext, SipAdmin
from server.cli.registry import Call, CommandError, WrongUsage, command
from server.cli.tables import lines

Rows = Callable[[layout.Layout, Any], Sequence[str]]


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of object.

    :param find: all objects of it, by name.
    :param rows: an object with what belongs to it; the first row stands for itself.
    :param has_options: the object is a section of pjsip.conf, whose options can be shown.
    """

    noun: str
    plural: str
    find: Callable[[CliContext, SipAdmin], Mapping[str, Any]]
    header: Sequence[str]
    rows: Rows
    has_options: bool = True

    @property
    def short_header(self) -> Sequence[str]:
        """What stands above a list of single lines."""
        return (self.header[0], layout.RULE)


KINDS = (
    Kind(
        "endpoint",
        "endpoints",
        lambda _context, sip: sip.settings.endpoints,
        layout.ENDPOINT_HEADER,
        layout.Layout.endpoint,
    ),
    Kind(
        "aor",
        "aors",
        lambda _context, sip: sip.settings.aors,
        layout.AOR_HEADER,
        layout.Layout.aor,
    ),
    Kind(
        "auth",
        "auths",
        lambda _context, sip: sip.settings.auths,
        layout.AUTH_HEADER,
        lambda _layout, auth: [layout.auth_row(auth.name, auth, "I/OAuth")],
    ),
    Kind(
        "contact",
        "contacts",
        lambda _context, sip: {f"{each.aor}/{each.uri}": each for each in sip.contacts()},
        layout.CONTACT_HEADER,
        lambda _layout, contact: [layout.contact_row(contact, 2)],
    ),
    Kind(
        "identify",
        "identifies",
        lambda _context, sip: {each.name: each for each in sip.settings.identifies},
        layout.IDENTIFY_HEADER,
        lambda _layout, identify: layout.identify_rows(identify, 1),
    ),
    Kind(
        "transport",
        "transports",
        lambda _context, sip: sip.settings.transports,
        layout.TRANSPORT_HEADER,
        lambda _layout, transport: [layout.transport_row(transport, 0)],
    ),
    Kind(
        "registration",
        "registrations",
        lambda _context, sip: {each.name: each for each in sip.registrations()},
        layout.REGISTRATION_HEADER,
        lambda _layout, registration: [layout.registration_row(registration)],
        has_options=False,
    ),
    Kind(
        "channel",
        "channels",
        lambda context, _sip: {
            channel.name: channel
            for channel in context.channels
            if channel.endpoint[0] == layout.TECHNOLOGY
        },
        layout.CHANNEL_HEADER,
        layout.Layout.channel,
        has_options=False,
    ),
)


def find_sip(context: CliContext) -> SipAdmin:
    """Return the SIP stack.

    :raises CommandError: it is not running.
    """
    if context.sip is None:
        raise CommandError("SIP is not running")
    return context.sip


def read_filter(call: Call) -> Callable[[str], bool]:
    """Read ``like <pattern>``: text anywhere in the name, case ignored."""
    if not call.arguments:
        return lambda _name: True
    if len(call.arguments) != 2 or call.arguments[0] != "like":
        raise WrongUsage
    pattern = call.arguments[1].lower()
    return lambda name: pattern in name.lower()


def _declare(kind: Kind) -> None:
    def found(context: CliContext, call: Call) -> list[Any]:
        wanted = read_filter(call)
        objects = kind.find(context, find_sip(context))
        return [objects[name] for name in sorted(objects) if wanted(name)]

    def complete(context: CliContext, arguments: Sequence[str]) -> Iterable[str]:
        if arguments or context.sip is None:
            return ()
        return kind.find(context, context.sip)

    @command(f"pjsip show {kind.plural}", f"Show the {kind.plural}", arguments="[like <pattern>]")
    def show_all(context: CliContext, call: Call) -> Iterator[str]:
        """Show objects, each with what belongs to it."""
        shown = layout.Layout(context, find_sip(context))
        return _all(kind.header, found(context, call), lambda each: kind.rows(shown, each))

    @command(f"pjsip list {kind.plural}", f"List the {kind.plural}", arguments="[like <pattern>]")
    def list_all(context: CliContext, call: Call) -> Iterator[str]:
        """List objects, one line each."""
        shown = layout.Layout(context, find_sip(context))
        return _all(
            kind.short_header, found(context, call), lambda each: kind.rows(shown, each)[:1]
        )

    @command(
        f"pjsip show {kind.noun}", f"Show one {kind.noun}", arguments="<id>", complete=complete
    )
    def show_one(context: CliContext, call: Call) -> str:
        """Show an object and all its options."""
        if len(call.arguments) != 1:
            raise WrongUsage
        name = call.arguments[0]
        each = kind.find(context, find_sip(context)).get(name)
        if each is None:
            raise CommandError(f"Unable to find object {name}.")
        shown = layout.Layout(context, find_sip(context))
        options = ["", *layout.parameters(each)] if kind.has_options else []
        return lines("", *kind.header, "", *kind.rows(shown, each), *options)


def _all(
    header: Sequence[str], found: Sequence[Any], rows: Callable[[Any], Sequence[str]]
) -> Iterator[str]:
    yield ""
    yield from header
    yield ""
    for each in found:
        shown = rows(each)
        yield from shown
        if len(shown) > 1:
            yield ""
    if found and len(rows(found[-1])) == 1:
        yield ""
    yield f"Objects found: {len(found)}" if found else "No objects found."


for _kind in KINDS:
    _declare(_kind)
