"""SIP objects that are made, changed and deleted while the server runs.

What pjsip.conf defines can only be looked at. Everything else is kept in the key-value store, as
the options that were given, and joins the settings at once and after a restart.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from hashlib import md5
from importlib import resources
from typing import Any

from server.base.errors import ConfigError, Forbidden, InvalidArgument, NotFound
from server.config.acl import Acl
from server.config.binder import canonical_names, list_names
from server.config.objects import ConfigObject, ConfigWarning, Option
from server.config.types import boolean, decimal, integer
from server.sip.contacts import Contact
from server.sip.settings import (
    AccessList,
    Aor,
    Auth,
    DomainAlias,
    Endpoint,
    Global,
    Identify,
    SipSettings,
    System,
    Transport,
    build_settings,
    with_object,
    without_object,
)
from server.store.kv import KeyValueStore

logger = logging.getLogger(__name__)

CONFIG_CLASS = "res_pjsip"
ORIGIN = "dynamic configuration"  # stands where other objects have a file's name
MANY_CHANGES = 16  # from which all settings are made anew rather than one by one
CREATABLE = ("aor", "auth", "endpoint", "identify")
CLASSES: Mapping[str, type[Any]] = {
    "acl": AccessList,
    "aor": Aor,
    "auth": Auth,
    "domain_alias": DomainAlias,
    "endpoint": Endpoint,
    "global": Global,
    "identify": Identify,
    "system": System,
    "transport": Transport,
}
# Options whose order among each other matters: who sets one sets all of them.
ORDERED = (frozenset({"permit", "deny", "acl"}), frozenset({"contact_permit", "contact_deny"}))
LISTS = frozenset({"permit", "deny", "acl", "contact_permit", "contact_deny", "contact_acl"})
CODECS = frozenset({"allow", "disallow"})
MAX_NAME_LENGTH = 200
MAX_FIELDS = 1000

Fields = Sequence[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class OptionKind:
    """What an option holds.

    :param kind: ``bool``, ``int``, ``double``, ``codec`` or ``text``.
    """

    kind: str
    default: str


@cache
def option_kinds() -> Mapping[str, Mapping[str, OptionKind]]:
    """Return every option of every type of object, as Asterisk has them."""
    text = resources.files("server.sip").joinpath("object_options.json").read_text("utf-8")
    kinds = {
        object_type: {name: OptionKind(*entry) for name, entry in options.items()}
        for object_type, options in json.loads(text).items()
    }
    kinds["global"]["user_agent"] = OptionKind("text", Global().user_agent)
    return kinds


class SipObjects:
    """The objects of pjsip.conf, and those made since.

    :param store: keeps the latter over a restart.
    :param apply: called with the settings whenever an object was made, changed or deleted.
    :param contacts: lists the contacts there are now.
    :param remove_contact: forgets one of them.
    """

    def __init__(
        self,
        store: KeyValueStore,
        *,
        apply: Callable[[SipSettings], None],
        contacts: Callable[[], Iterable[Contact]],
        remove_contact: Callable[[Contact], None],
    ) -> None:
        self._store = store
        self._apply = apply
        self._contacts = contacts
        self._remove_contact = remove_contact
        self._named_acls: Mapping[str, Acl] = {}
        self._sources: tuple[list[ConfigObject], dict[str, Acl], str] | None = None
        self._warnings: tuple[ConfigWarning, ...] = ()  # about them
        self._configured: dict[tuple[str, str], ConfigObject] = {}
        self._made: dict[tuple[str, str], ConfigObject] = {}
        self._fetched: dict[tuple[str, str], ConfigObject] = {}
        self._language = SipSettings().default_language
        self.settings = SipSettings()

    def configure(
        self, objects: Iterable[ConfigObject], *, named_acls: Mapping[str, Acl], language: str
    ) -> SipSettings:
        """Take pjsip.conf, as read at start or on reload, and add what was made since.

        :param named_acls: the lists of acl.conf, by lower-case name.
        :param language: for endpoints without ``language``.
        :returns: the settings, which are not applied yet.
        :raises ConfigError: the file is wrong; nothing was changed.
        """
        sources = (list(objects), dict(named_acls), language)
        if sources == self._sources:
            return replace(self.settings, warnings=self._warnings)
        listed = sources[0]
        configured = {(item.type, item.name): item for item in listed}
        made = {key: item for key, item in self._load().items() if key not in configured}
        settings = build_settings(
            listed,
            named_acls=named_acls,
            default_language=language,
            dynamic=[*made.values(), *self._fetched_beside(configured)],
        )
        self._named_acls, self._language = named_acls, language
        self._configured, self._made = configured, made
        self._sources, self._warnings = sources, settings.warnings
        self.settings = settings
        return settings

    def check(
        self, objects: Iterable[ConfigObject], *, named_acls: Mapping[str, Acl], language: str
    ) -> None:
        """Check what :meth:`configure` would take.

        :raises ConfigError: the file is wrong.
        """
        listed = list(objects)
        if (listed, dict(named_acls), language) == self._sources:
            return
        configured = {(item.type, item.name): item for item in listed}
        build_settings(
            listed,
            named_acls=named_acls,
            default_language=language,
            dynamic=[*self._made.values(), *self._fetched_beside(configured)],
        )

    def set_fetched(self, changes: Mapping[tuple[str, str], ConfigObject | None]) -> None:
        """Take what a database has, by type and name; ``None`` for what it has no more.

        Objects of pjsip.conf stay as they are. Nothing happens if nothing is new.
        """
        fresh = {
            key: item
            for key, item in changes.items()
            if key not in self._configured and self._fetched.get(key) != item
        }
        if not fresh:
            return
        former = self.settings
        for key, item in fresh.items():
            if item is None:
                del self._fetched[key]
            else:
                self._fetched[key] = item
        if len(fresh) > MANY_CHANGES:
            dynamic = [*self._made.values(), *self._fetched_beside(self._configured)]
            self._use(
                build_settings(
                    self._configured.values(),
                    named_acls=self._named_acls,
                    default_language=self._language,
                    dynamic=dynamic,
                )
            )
            return
        for key, item in fresh.items():
            former = self._changed(former, key, item)
        self._use(former)

    def is_configured(self, object_type: str, object_id: str) -> bool:
        """Tell whether pjsip.conf has an object."""
        return (object_type, object_id) in self._configured

    def fetched_names(self, object_type: str) -> list[str]:
        """List the objects of a type that a database has."""
        return [name for kind, name in self._fetched if kind == object_type]

    # what the REST interface asks for

    def has_type(self, object_type: str) -> bool:
        """Whether there are objects of this type."""
        return object_type in option_kinds()

    def get(self, object_type: str, object_id: str) -> Fields | None:
        """Return every option of an object with its value; ``None`` if there is none."""
        if object_type == "contact":
            contact = self._find_contact(object_id)
            return None if contact is None else self.describe_contact(contact)
        item = self._find(object_type, object_id)
        return None if item is None else self._describe(item)

    def put(self, object_type: str, object_id: str, fields: Fields) -> None:
        """Make an object, or change some options of one.

        :raises Forbidden: it is one of pjsip.conf, or of a type that can't be made.
        :raises InvalidArgument: the name or an option can't be used; names the option.
        """
        self._check_may_change(object_type, object_id)
        if not 0 < len(object_id) <= MAX_NAME_LENGTH or not object_id.isprintable():
            raise InvalidArgument("id", f"1 to {MAX_NAME_LENGTH} printable characters are needed")
        former = self._made.get((object_type, object_id))
        options = _merge(
            object_type,
            [(option.name, option.value) for option in former.options] if former else [],
            _checked(object_type, fields),
        )
        item = _make(object_type, object_id, options)
        settings = self._with(item)
        try:
            self._store.put(_family(object_type), object_id, json.dumps(options))
        except InvalidArgument as error:
            raise InvalidArgument("fields", error.reason) from None
        self._made[object_type, object_id] = item
        for warning in settings.warnings:
            logger.warning("%s %s: %s", object_type, object_id, warning.message)
        self._use(settings)

    def delete(self, object_type: str, object_id: str) -> None:
        """Delete an object.

        :raises NotFound: there is none.
        :raises Forbidden: it is one of pjsip.conf, or one of pjsip.conf needs it.
        """
        if object_type == "contact":
            self._delete_contact(object_id)
            return
        if self._find(object_type, object_id) is None:
            raise NotFound("Object not found")
        self._check_may_change(object_type, object_id)
        if user := self._user_in_file(object_type, object_id):
            raise Forbidden(f"{user} of pjsip.conf needs it")
        del self._made[object_type, object_id]
        self._store.delete(_family(object_type), object_id)
        self._use(without_object(self.settings, object_type, object_id))

    # private

    def _fetched_beside(self, configured: Mapping[tuple[str, str], object]) -> list[ConfigObject]:
        return [item for key, item in self._fetched.items() if key not in configured]

    def _changed(
        self, settings: SipSettings, key: tuple[str, str], item: ConfigObject | None
    ) -> SipSettings:
        if item is None:
            return without_object(settings, *key)
        try:
            return with_object(settings, item, named_acls=self._named_acls)
        except ConfigError as error:
            logger.warning("%s %s can't be used: %s", *key, error)
            return without_object(settings, *key)

    def _load(self) -> dict[tuple[str, str], ConfigObject]:
        found: dict[tuple[str, str], ConfigObject] = {}
        for object_type in CREATABLE:
            for object_id, text in self._store.items(_family(object_type)):
                try:
                    options = [(str(name), str(value)) for name, value in json.loads(text)]
                except (ValueError, TypeError):
                    logger.warning("the saved %s %s can't be read", object_type, object_id)
                    continue
                found[object_type, object_id] = _make(object_type, object_id, options)
        return found

    def _use(self, settings: SipSettings) -> None:
        self.settings = settings
        self._apply(settings)

    def _find(self, object_type: str, object_id: str) -> ConfigObject | None:
        key = (object_type, object_id)
        return self._configured.get(key) or self._fetched.get(key) or self._made.get(key)

    def _check_may_change(self, object_type: str, object_id: str) -> None:
        if object_type not in CREATABLE:
            raise Forbidden(f"objects of type {object_type} can't be made or changed here")
        if (object_type, object_id) in self._configured:
            raise Forbidden(f"{object_type} {object_id} is one of pjsip.conf")
        if (object_type, object_id) in self._fetched:
            raise Forbidden(f"{object_type} {object_id} is in a database, which is to be changed")

    def _with(self, item: ConfigObject) -> SipSettings:
        try:
            return with_object(self.settings, item, named_acls=self._named_acls)
        except ConfigError as error:
            field, colon, reason = error.reason.partition(": ")
            if colon and field in option_kinds()[item.type]:
                raise InvalidArgument(field, reason) from None
            raise InvalidArgument("fields", error.reason) from None

    def _user_in_file(self, object_type: str, object_id: str) -> str:
        """Return an object of pjsip.conf that can't be loaded without this one."""
        for kind, name in self._configured:
            endpoint = self.settings.endpoints.get(name) if kind == "endpoint" else None
            if object_type == "auth" and endpoint is not None and object_id in endpoint.auth:
                return f"endpoint {name}"
        if object_type == "endpoint":
            for identify in self.settings.identifies:
                is_configured = ("identify", identify.name) in self._configured
                if is_configured and identify.endpoint == object_id:
                    return f"identify {identify.name}"
        return ""

    def _describe(self, item: ConfigObject) -> Fields:
        aliases = _aliases(item.type)
        given: dict[str, list[str]] = {}
        for option in item.options:
            name = option.name.lower()
            given.setdefault(aliases.get(name, name), []).append(option.value)
        listed = LISTS | (list_names(CLASSES[item.type]) if item.type in CLASSES else frozenset())
        fields: list[tuple[str, str]] = []
        for name, kind in option_kinds()[item.type].items():
            if kind.kind == "codec":
                fields.append((name, self._codecs(item.name) if name == "allow" else ""))
                continue
            values = given.get(name, [kind.default])
            shown = values if name in listed else values[-1:]
            fields += ((name, _shown(kind, value)) for value in shown)
        return fields

    def _codecs(self, endpoint: str) -> str:
        found = self.settings.endpoints.get(endpoint)
        return f"({'|'.join(found.codecs)})" if found is not None else ""

    # contacts, which phones make

    def _find_contact(self, contact_id: str) -> Contact | None:
        for contact in self._contacts():
            if contact_name(contact) == contact_id:
                return contact
        return None

    def _delete_contact(self, contact_id: str) -> None:
        contact = self._find_contact(contact_id)
        if contact is None:
            raise NotFound("Object not found")
        if contact.expires_at is None:
            raise Forbidden(f"the contact is an option of the aor {contact.aor}")
        self._remove_contact(contact)

    def describe_contact(self, contact: Contact) -> Fields:
        """Return every option of a contact with its value."""
        aor = self.settings.aors.get(contact.aor, Aor())
        known = {
            "call_id": contact.call_id,
            "endpoint": contact.endpoint,
            "uri": contact.uri_text,
            "user_agent": contact.user_agent,
            "qualify_frequency": str(aor.qualify_frequency),
            "qualify_timeout": str(aor.qualify_timeout),
            "qualify_2xx_only": "yes" if aor.qualify_2xx_only else "no",
            "authenticate_qualify": "yes" if aor.authenticate_qualify else "no",
            "outbound_proxy": aor.outbound_proxy,
        }
        return [
            (name, _shown(kind, known.get(name, kind.default)))
            for name, kind in option_kinds()["contact"].items()
        ]


def contact_name(contact: Contact) -> str:
    """Return a contact's id, which Asterisk makes of its aor and its URI."""
    digest = md5(contact.uri_text.encode("utf-8", "replace"), usedforsecurity=False).hexdigest()
    return f"{contact.aor};@{digest}"


def _family(object_type: str) -> str:
    return f"{CONFIG_CLASS}/{object_type}"


@cache
def _aliases(object_type: str) -> Mapping[str, str]:
    own = canonical_names(CLASSES[object_type]) if object_type in CLASSES else {}
    return {**{name: name for name in option_kinds()[object_type]}, **own}


def make_fetched(object_type: str, object_id: str, row: Fields, origin: str) -> ConfigObject:
    """Make an object of a database's row: columns that are empty or no options are left out.

    :param origin: what warnings name as the file.
    """
    aliases = _aliases(object_type)
    options = [(name, value) for name, value in row if value and name.lower() in aliases]
    return _make(object_type, object_id, options, origin)


def _make(object_type: str, object_id: str, options: Fields, origin: str = ORIGIN) -> ConfigObject:
    """Make an object of options, whose order matters no more than that of :data:`ORDERED`."""
    ordered = sorted(options, key=_codec_rank)
    listed = [Option(name, value, origin, 0) for name, value in ordered]
    return ConfigObject(object_type, object_id, listed, origin, 0, is_dynamic=True)


def _codec_rank(option: tuple[str, str]) -> int:
    """``disallow=all`` means to begin with nothing; any other takes away from what is allowed."""
    name, value = option
    if name not in CODECS:
        return 0
    if name == "allow":
        return 2
    return 1 if value.strip().lower() == "all" else 3


def _checked(object_type: str, fields: Fields) -> list[tuple[str, str]]:
    """Return the fields under the names that options have, all known and well formed."""
    if len(fields) > MAX_FIELDS:
        raise InvalidArgument("fields", f"more than {MAX_FIELDS} options")
    kinds, aliases = option_kinds()[object_type], _aliases(object_type)
    checked: list[tuple[str, str]] = []
    for given, value in fields:
        name = aliases.get(given.lower())
        if given.lower() == "type" and value == object_type:
            continue
        if name is None:
            raise InvalidArgument(given[:60], f"{object_type} has no such option")
        if not value.isprintable():
            raise InvalidArgument(name, "control characters are not allowed")
        if name in CODECS and value.startswith("(") and value.endswith(")"):
            value = value[1:-1].replace("|", ",")  # as get() shows it
        try:
            _parse(kinds[name], value or kinds[name].default)
        except ValueError as error:
            raise InvalidArgument(name, str(error)) from None
        checked.append((name, value))
    return checked


def _merge(object_type: str, former: Fields, given: Fields) -> list[tuple[str, str]]:
    """Return the options of an object when those that are given replace what they name.

    One that is empty is left to its default, unless an empty text differs from that.
    """
    kinds = option_kinds()[object_type]
    replaced = {name for name, _ in given}
    for group in ORDERED:
        if group & replaced:
            replaced |= group
    kept = [option for option in former if option[0] not in replaced]
    return kept + [
        (name, value)
        for name, value in given
        if value or (kinds[name].kind == "text" and kinds[name].default)
    ]


def _parse(kind: OptionKind, value: str) -> object:
    match kind.kind:
        case "bool":
            return boolean(value)
        case "int":
            return integer()(value)
        case "double":
            return decimal(0, 2**31)(value)
    return value


def _shown(kind: OptionKind, value: str) -> str:
    """Write a value as Asterisk's sorcery does."""
    try:
        parsed = _parse(kind, value)
    except ValueError:
        return value
    match parsed:
        case bool():
            return "true" if parsed else "false"
        case float():
            return f"{parsed:.6f}"
    return str(parsed)
