"""References of pjsip.conf that point nowhere: to objects, access lists and contexts."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass

from server.config.binder import MIN_LIKENESS
from server.config.objects import ConfigFile, ConfigObject, ConfigWarning, Option, Remark

CONTEXT, ACL = "context", "acl"
# option to what it names, by type of object
REFERENCES: Mapping[str, Mapping[str, str]] = {
    "endpoint": {
        "auth": "auth",
        "outbound_auth": "auth",
        "aors": "aor",
        "transport": "transport",
        "acl": ACL,
        "contact_acl": ACL,
        "context": CONTEXT,
        "message_context": CONTEXT,
        "subscribe_context": CONTEXT,
    },
    "identify": {"endpoint": "endpoint"},
    "registration": {"outbound_auth": "auth", "transport": "transport", "endpoint": "endpoint"},
    "outbound-publish": {"outbound_auth": "auth", "transport": "transport"},
    "acl": {"acl": ACL, "contact_acl": ACL},
}
# what sorcery.conf may name without a database
_FILE_WIZARDS = ("config", "astdb", "memory", "memory_cache")


@dataclass(frozen=True, slots=True)
class Targets:
    """What can be referred to.

    :param acls: the lists of acl.conf, in lower case.
    :param contexts: of the dialplan; ``None`` when that could not be read.
    :param elsewhere: types of objects that a database may hold as well.
    """

    acls: Collection[str]
    contexts: Collection[str] | None
    elsewhere: Collection[str] = ()


def check_references(
    objects: Collection[ConfigObject], targets: Targets
) -> Iterator[ConfigWarning]:
    """Yield each reference to something that is not there, with the nearest name that is."""
    names: dict[str, set[str]] = {}
    for item in objects:
        names.setdefault(item.type, set()).add(item.name)
    for item in objects:
        wanted = REFERENCES.get(item.type, {})
        for option in item.options:
            kind = wanted.get(option.name.lower())
            if kind is not None:
                yield from _check(option, kind, names, targets)


def stored_elsewhere(sorcery: ConfigFile | None) -> frozenset[str]:
    """Return the types of SIP objects that sorcery.conf looks for in a database."""
    found: set[str] = set()
    for section in sorcery.sections if sorcery else ():
        if not section.name.lower().startswith("res_pjsip"):
            continue
        for option in section.options:
            wizard = option.value.partition(",")[0].strip().lower()
            if wizard not in _FILE_WIZARDS:
                found.add(option.name.partition("/")[0].lower())
    return frozenset(found)


def _check(
    option: Option, kind: str, objects: Mapping[str, Collection[str]], targets: Targets
) -> Iterator[ConfigWarning]:
    if kind == CONTEXT:
        known = targets.contexts
        place = "the dialplan has no context"
    elif kind == ACL:
        known, place = targets.acls, "acl.conf has no section"
    else:
        known, place = objects.get(kind, ()), f"there is no {kind}"
        if kind in targets.elsewhere:
            return
    if known is None:
        return
    for word in (part.strip() for part in option.value.split(",")):
        found = word.lower() in known if kind == ACL else word in known
        if word and not found:
            near = difflib.get_close_matches(word, known, n=1, cutoff=MIN_LIKENESS)
            hint = f"; did you mean [{near[0]}]?" if near else ""
            message = f"{option.name}: {place} [{word}]{hint}"
            yield ConfigWarning(option.path, option.line, message, Remark.REFERENCE)
