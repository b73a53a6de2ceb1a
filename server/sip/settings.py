"""Turns pjsip.conf's objects into :mod:`server.sip.settings_objects`, checking what they say."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any, TypeVar

from server.base.errors import ConfigError, RemoteProtocolError
from server.config.acl import Acl, build_acl
from server.config.binder import bind, option_names
from server.config.objects import ConfigObject, ConfigWarning, Option, Remark
from server.sip.settings_objects import (
    DEFAULT_CODECS,
    AccessList,
    Aor,
    Auth,
    DomainAlias,
    Endpoint,
    Global,
    Identify,
    Network,
    SipSettings,
    System,
    Transport,
)
from server.sip.settings_unsupported import OTHER_CODECS, UNSUPPORTED, UNSUPPORTED_TYPES
from server.sip.uri import Uri

__all__ = [
    "AccessList",
    "Aor",
    "Auth",
    "DomainAlias",
    "Endpoint",
    "Global",
    "Identify",
    "Network",
    "SipSettings",
    "System",
    "Transport",
    "build_settings",
    "with_object",
    "without_object",
]

T = TypeVar("T")

SUPPORTED_PROTOCOLS = ("udp", "tcp")
SUPPORTED_CODECS = ("ulaw", "alaw", "slin", "slin16")
_ACL_OPTIONS = frozenset({"acl", "permit", "deny"})
_CONTACT_ACL_OPTIONS = frozenset(f"contact_{name}" for name in _ACL_OPTIONS)
_CODEC_OPTIONS = frozenset({"allow", "disallow"})
_ENDPOINT_EXTRA = _ACL_OPTIONS | _CONTACT_ACL_OPTIONS | _CODEC_OPTIONS


def build_settings(
    objects: Iterable[ConfigObject],
    *,
    named_acls: Mapping[str, Acl] | None = None,
    default_language: str = "en",
    dynamic: Iterable[ConfigObject] = (),
) -> SipSettings:
    """Make the settings of pjsip.conf's objects.

    :param named_acls: the lists of acl.conf, by lower-case name.
    :param dynamic: objects made while the server ran; one that can't be used is left out.
    :param default_language: for endpoints without ``language``.
    :raises ConfigError: a value can't be read or used; names file and line. What is merely
        unknown or without effect goes to ``SipSettings.warnings``.
    """
    builder = _Builder(named_acls or {})
    for item in objects:
        builder.add(item)
    for item in dynamic:
        builder.add_if_usable(item)
    return replace(builder.finish(), default_language=default_language)


def with_object(
    settings: SipSettings, item: ConfigObject, *, named_acls: Mapping[str, Acl]
) -> SipSettings:
    """Return settings with one object added or replaced.

    :returns: whose ``warnings`` are those about this object.
    :raises ConfigError: a value can't be read or used.
    """
    builder = _Builder(named_acls, settings)
    builder.add(item)
    return replace(settings, **builder.parts())


def without_object(settings: SipSettings, kind: str, name: str) -> SipSettings:
    """Return settings without an endpoint, aor, auth, domain_alias or identify."""
    if kind == "identify":
        kept = tuple(identify for identify in settings.identifies if identify.name != name)
        return replace(settings, identifies=kept, warnings=())
    plural = "domain_aliases" if kind == "domain_alias" else f"{kind}s"
    left: dict[str, Any] = dict(getattr(settings, plural))
    left.pop(name, None)
    parts: dict[str, Any] = {plural: left, "warnings": ()}
    return replace(settings, **parts)


class _Builder:
    """Collects objects by type.

    :param base: settings to add to; what they hold is replaced by objects of the same name.
    """

    def __init__(self, named_acls: Mapping[str, Acl], base: SipSettings | None = None) -> None:
        base = base or SipSettings()
        self._named_acls = named_acls
        self._warnings: list[ConfigWarning] = []
        self._seen: set[tuple[str, str]] = set()
        self._sources: dict[str, ConfigObject] = {}
        self._transports = dict(base.transports)
        self._endpoints = dict(base.endpoints)
        self._aors = dict(base.aors)
        self._auths = dict(base.auths)
        self._domain_aliases = dict(base.domain_aliases)
        self._identifies = {identify.name: identify for identify in base.identifies}
        self._acls = {rules.name: rules for rules in base.acls}
        self._global = base.global_
        self._system = base.system
        self._handlers: dict[str, Callable[[ConfigObject], None]] = {
            "transport": self._add_transport,
            "endpoint": self._add_endpoint,
            "aor": self._add_aor,
            "auth": self._add_auth,
            "identify": self._add_identify,
            "domain_alias": self._add_domain_alias,
            "acl": self._add_acl,
            "global": self._add_global,
            "system": self._add_system,
        }

    def add(self, item: ConfigObject) -> None:
        handler = self._handlers.get(item.type)
        if handler is None:
            self._warn_type(item)
            return
        if (item.type, item.name) in self._seen:
            raise ConfigError(item.path, item.line, f"a second {item.type} named [{item.name}]")
        self._seen.add((item.type, item.name))
        handler(item)

    def add_if_usable(self, item: ConfigObject) -> None:
        """Add an object, or report why it is left out."""
        try:
            self.add(item)
        except ConfigError as error:
            self._warn(item.path, item.line, f"{item.type} {item.name} is left out: {error.reason}")

    def finish(self) -> SipSettings:
        """Check the references between objects and put all together."""
        return SipSettings(**self.parts())

    def parts(self) -> dict[str, Any]:
        """Check the references of what was added and return the fields of the settings."""
        for item in self._sources.values():
            if item.type == "endpoint":
                self._check_references(self._endpoints[item.name])
        for identify in self._identifies.values():
            if identify.endpoint not in self._endpoints:
                self._check_identify(identify)
        return {
            "transports": self._transports,
            "endpoints": self._endpoints,
            "aors": self._aors,
            "auths": self._auths,
            "domain_aliases": self._domain_aliases,
            "identifies": tuple(self._identifies.values()),
            "acls": tuple(self._acls.values()),
            "global_": self._global,
            "system": self._system,
            "warnings": tuple(self._warnings),
        }

    def _bind(self, cls: type[T], item: ConfigObject, **extra: Any) -> T:
        unsupported = UNSUPPORTED.get(item.type, frozenset())
        own = option_names(cls)
        for option in item.options:
            name = option.name.lower()
            if name in unsupported and name not in own:
                message = f"{option.name} is not supported yet"
                self._warn(option.path, option.line, message, Remark.NO_EFFECT)
        known = unsupported | _ENDPOINT_EXTRA if item.type == "endpoint" else unsupported
        return bind(cls, item.options, self._warnings, also_known=known, **extra)

    def _add_transport(self, item: ConfigObject) -> None:
        transport = self._bind(Transport, item, name=item.name)
        if transport.protocol not in SUPPORTED_PROTOCOLS:
            message = f"transport [{item.name}] is left out: {transport.protocol} is not supported"
            self._warn(item.path, item.line, message, Remark.NO_EFFECT)
            return
        if not transport.bind.host:
            raise ConfigError(item.path, item.line, f"transport [{item.name}] has no bind address")
        try:
            ipaddress.ip_address(transport.bind.host.partition("%")[0])
        except ValueError:
            option = _last(item.options, "bind")
            raise ConfigError(
                option.path, option.line, f"bind: expected an IP address, not {option.value!r}"
            ) from None
        self._transports[item.name] = transport

    def _add_endpoint(self, item: ConfigObject) -> None:
        endpoint = self._bind(Endpoint, item, name=item.name)
        self._endpoints[item.name] = replace(
            endpoint,
            codecs=self._codecs(item),
            acl=build_acl(item.options, self._named_acls),
            contact_acl=build_acl(item.options, self._named_acls, prefix="contact_"),
        )
        self._sources[f"endpoint {item.name}"] = item

    def _add_aor(self, item: ConfigObject) -> None:
        aor = self._bind(Aor, item, name=item.name)
        for uri in aor.contacts:
            try:
                Uri.parse(uri)
            except RemoteProtocolError as error:
                option = _last(item.options, "contact")
                reason = f"contact: {error}: {uri!r}"
                raise ConfigError(option.path, option.line, reason) from None
        if aor.minimum_expiration > aor.maximum_expiration:
            raise ConfigError(
                item.path, item.line, "minimum_expiration is above maximum_expiration"
            )
        self._aors[item.name] = aor

    def _add_auth(self, item: ConfigObject) -> None:
        auth = self._bind(Auth, item, name=item.name)
        if auth.auth_type == "google_oauth":
            self._warn(item.path, item.line, "auth_type google_oauth is not supported")
        elif not (auth.password or auth.md5_cred or auth.password_digests):
            raise ConfigError(
                item.path,
                item.line,
                f"auth [{item.name}] has no password, md5_cred or password_digest",
            )
        if not auth.username:
            auth = replace(auth, username=item.name)
        self._auths[item.name] = auth

    def _add_identify(self, item: ConfigObject) -> None:
        identify = self._bind(Identify, item, name=item.name)
        networks: list[Network] = []
        hosts: list[str] = []
        for match in (match for matches in identify.matches for match in matches):
            try:
                networks.append(ipaddress.ip_network(match, strict=False))
            except ValueError:
                if not _is_host_name(match):
                    option = _last(item.options, "match")
                    reason = f"match: expected an address, network or host name, not {match!r}"
                    raise ConfigError(option.path, option.line, reason) from None
                hosts.append(match)
        for name in ("match_header", "match_request_uri"):
            if getattr(identify, name):
                option = _last(item.options, name)
                message = f"{name} is not supported yet"
                self._warn(option.path, option.line, message, Remark.NO_EFFECT)
        self._identifies.pop(item.name, None)  # the newest goes last
        self._identifies[item.name] = replace(
            identify, networks=tuple(networks), hosts=tuple(hosts)
        )
        self._sources[f"identify {item.name}"] = item

    def _add_domain_alias(self, item: ConfigObject) -> None:
        self._domain_aliases[item.name] = self._bind(DomainAlias, item, name=item.name)

    def _add_acl(self, item: ConfigObject) -> None:
        known = _ACL_OPTIONS | _CONTACT_ACL_OPTIONS
        self._acls[item.name] = bind(
            AccessList,
            item.options,
            self._warnings,
            also_known=known,
            name=item.name,
            acl=build_acl(item.options, self._named_acls),
            contact_acl=build_acl(item.options, self._named_acls, prefix="contact_"),
        )

    def _add_global(self, item: ConfigObject) -> None:
        self._global = self._bind(Global, item)

    def _add_system(self, item: ConfigObject) -> None:
        self._system = self._bind(System, item)

    def _check_identify(self, identify: Identify) -> None:
        """Refuse or report an identify without its endpoint; others were checked before."""
        item = self._sources.get(f"identify {identify.name}")
        if item is None:
            return
        reason = f"endpoint: there is no endpoint [{identify.endpoint}]"
        if not item.is_dynamic:
            raise ConfigError(item.path, item.line, reason)
        self._warn(item.path, item.line, reason)

    def _check_references(self, endpoint: Endpoint) -> None:
        item = self._sources[f"endpoint {endpoint.name}"]
        for option_name, names, known in (
            ("auth", endpoint.auth, self._auths),
            ("outbound_auth", endpoint.outbound_auth, self._auths),
            ("aors", endpoint.aors, self._aors),
            ("transport", filter(None, [endpoint.transport]), self._transports),
        ):
            for name in names:
                if name not in known:
                    option = _last(item.options, option_name)
                    reason = f"{option_name}: there is no [{name}] of this type"
                    # Without its auth nobody could log in as this endpoint.
                    if option_name == "auth" and not item.is_dynamic:
                        raise ConfigError(option.path, option.line, reason)
                    self._warn(option.path, option.line, reason, Remark.REFERENCE)

    def _codecs(self, item: ConfigObject) -> tuple[str, ...]:
        """Apply ``allow`` and ``disallow`` in the order in which they stand."""
        options = [option for option in item.options if option.name.lower() in _CODEC_OPTIONS]
        if not options:
            return DEFAULT_CODECS
        codecs: list[str] = []
        for option in options:
            for word in (part.strip().lower() for part in option.value.split(",")):
                self._apply_codec(codecs, word, option)
        if not codecs:
            raise ConfigError(options[-1].path, options[-1].line, "allow: no usable codec is left")
        return tuple(codecs)

    def _apply_codec(self, codecs: list[str], word: str, option: Option) -> None:
        is_removed = word.startswith("!") or option.name.lower() == "disallow"
        name = word.removeprefix("!")
        if name == "all":
            codecs[:] = [] if is_removed else list(SUPPORTED_CODECS)
        elif is_removed:
            codecs[:] = [codec for codec in codecs if codec != name]
        elif name in SUPPORTED_CODECS:
            codecs += [name] if name not in codecs else []
        elif name in OTHER_CODECS:
            message = f"codec {name} is not supported yet"
            self._warn(option.path, option.line, message, Remark.NO_EFFECT)
        elif name:
            raise ConfigError(option.path, option.line, f"{option.name}: unknown codec {name!r}")

    def _warn_type(self, item: ConfigObject) -> None:
        is_known = item.type in UNSUPPORTED_TYPES
        what = "is not supported yet" if is_known else "is unknown"
        message = f"[{item.name}] is ignored: type={item.type} {what}"
        kind = Remark.NO_EFFECT if is_known else Remark.UNKNOWN
        self._warn(item.path, item.line, message, kind)

    def _warn(self, path: str, line: int, message: str, kind: Remark = Remark.OTHER) -> None:
        self._warnings.append(ConfigWarning(path, line, message, kind))


def _last(options: Sequence[Option], name: str) -> Option:
    return next(option for option in reversed(options) if option.name.lower() == name)


def _is_host_name(text: str) -> bool:
    return (
        0 < len(text) <= 253
        and text.isascii()
        and all(c.isalnum() or c in "-._" for c in text)
        and any(c.isalpha() for c in text)
    )
