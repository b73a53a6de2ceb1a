"""What a consumer may ask for beyond Asterisk, by query parameters of ``GET /events``."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from server.base.errors import InvalidArgument
from server.stasis.views import View

EVERYTHING = View()
NEW = -1  # as a number to resume after: from now on
MAX_NUMBER = 2**53 - 1  # what JSON numbers hold exactly in every language (RFC 8259, 6)
MAX_WORKER_LENGTH = 128

_NUMBER = re.compile(r"[0-9]{1,16}\Z")
_PATH = re.compile(r"[A-Za-z_][A-Za-z0-9_]*(\.[A-Za-z_][A-Za-z0-9_]*){0,7}\Z")
_WORKER = re.compile(r"[A-Za-z0-9_.:@-]{1,128}\Z")


@dataclass(frozen=True, slots=True)
class Options:
    """How a consumer takes part.

    :param resume: the last event's number that it has seen, :data:`NEW`, or ``None`` for events
        without numbers.
    :param is_shared: it shares its applications with other consumers.
    :param worker: its name among them, empty for one that is made up.
    :param weight: its share of new calls.
    :param takes_extensions: it knows event types that Asterisk does not have.
    """

    resume: int | None = None
    is_shared: bool = False
    worker: str = ""
    weight: int = 1
    view: View = EVERYTHING
    takes_extensions: bool = False


PLAIN = Options()


def read_options(
    *,
    resume: str | None = None,
    share: bool = False,
    worker: str = "",
    weight: int = 1,
    fields: Sequence[str] = (),
    compact: bool = False,
    filter_type: Sequence[str] = (),
    filter_var: Sequence[str] = (),
    extensions: bool = False,
) -> Options:
    """Read the parameters.

    :raises InvalidArgument: one is wrong, or needs another one.
    """
    if worker and not share:
        raise InvalidArgument("worker", "only with share=true")
    if worker and not _WORKER.match(worker):
        limit = f"1 to {MAX_WORKER_LENGTH} letters, digits or _ . : @ - are needed"
        raise InvalidArgument("worker", limit)
    number = _read_resume(resume)
    if share and number is not None and not worker:
        raise InvalidArgument("worker", "a worker that resumes needs a name")
    return Options(
        resume=number,
        is_shared=share,
        worker=worker,
        weight=weight,
        view=_read_view(fields, compact, filter_type, filter_var),
        takes_extensions=extensions or share or number is not None,
    )


def _read_resume(resume: str | None) -> int | None:
    if not resume:
        return None
    if resume == "new":
        return NEW
    if not _NUMBER.match(resume) or int(resume) > MAX_NUMBER:
        raise InvalidArgument("resume", "`new` or the number of an event is needed")
    return int(resume)


def _read_view(
    fields: Sequence[str], compact: bool, types: Sequence[str], variables: Sequence[str]
) -> View:
    for path in fields:
        if not _PATH.match(path):
            raise InvalidArgument("fields", "names are needed, such as timestamp or channel.id")
    pairs = []
    for item in variables:
        name, equals, value = item.partition("=")
        if not name or not equals:
            raise InvalidArgument("filter_var", "NAME=VALUE is needed")
        pairs.append((name, value))
    if not all(name.removeprefix("-") for name in types):
        raise InvalidArgument("filter_type", "event types are needed")
    return View(
        fields=tuple(fields),
        is_compact=compact,
        only=tuple(name for name in types if not name.startswith("-")),
        without=tuple(name[1:] for name in types if name.startswith("-")),
        variables=tuple(pairs),
    )
