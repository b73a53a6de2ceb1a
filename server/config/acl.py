"""Access control lists: ``permit`` and ``deny`` rules over networks, the last match decides.

Named lists that a section refers to are judged apart: a peer has to pass each of them and the
section's own rules.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from server.base.errors import ConfigError
from server.config.binder import unknown_option
from server.config.objects import ConfigFile, ConfigWarning, Option

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
MAX_RULES = 1000


@dataclass(frozen=True, slots=True)
class AclRule:
    """One network, and whether it may."""

    is_permit: bool
    network: Network


@dataclass(frozen=True, slots=True)
class Acl:
    """An ordered list of rules. Without a match the answer is yes.

    :param named: further lists, all of which have to say yes as well.
    """

    rules: tuple[AclRule, ...] = ()
    named: tuple[Acl, ...] = ()

    def permits(self, address: str) -> bool:
        """Say whether a peer of this IP address may. An address that can't be read may not."""
        if not self.rules and not self.named:
            return True
        try:
            peer = ipaddress.ip_address(address.partition("%")[0])
        except ValueError:
            return False
        if isinstance(peer, ipaddress.IPv6Address) and peer.ipv4_mapped is not None:
            peer = peer.ipv4_mapped
        return self._permits(peer)

    def _permits(self, peer: ipaddress.IPv4Address | ipaddress.IPv6Address) -> bool:
        if not all(acl._permits(peer) for acl in self.named):
            return False
        for rule in reversed(self.rules):
            if peer.version == rule.network.version and peer in rule.network:
                return rule.is_permit
        return True


ALLOW_ALL = Acl()


def parse_rules(option: Option, *, is_permit: bool) -> list[AclRule]:
    """Read the networks of a ``permit`` or ``deny`` option.

    A leading ``!`` turns the meaning of one network round; ``address/mask`` and
    ``address/prefix`` are accepted.

    :raises ConfigError: an item is no network.
    """
    rules = []
    for item in option.value.split(","):
        word = item.strip()
        is_negated = word.startswith("!")
        try:
            network = ipaddress.ip_network(word.removeprefix("!"), strict=False)
        except ValueError:
            raise ConfigError(
                option.path,
                option.line,
                f"{option.name}: expected a network such as 192.0.2.0/24, not {word!r}",
            ) from None
        rules.append(AclRule(is_permit is not is_negated, network))
    return rules


def build_acls(file: ConfigFile, warnings: list[ConfigWarning]) -> dict[str, Acl]:
    """Read acl.conf: the named lists, by lower-case name.

    :raises ConfigError: an unreadable network, or too many rules.
    """
    acls: dict[str, Acl] = {}
    for section in file.sections:
        rules = []
        for option in section.options:
            if option.name.lower() in ("permit", "deny"):
                rules.append(option)
            else:
                warnings.append(unknown_option(option, ("permit", "deny")))
        acls[section.name.lower()] = build_acl(rules, {})
    return acls


def build_acl(options: Iterable[Option], named: Mapping[str, Acl], *, prefix: str = "") -> Acl:
    """Collect the ``permit``, ``deny`` and ``acl`` options of a section.

    :param named: the lists of acl.conf, by lower-case name.
    :param prefix: what precedes the option names, such as ``ice_``.
    :raises ConfigError: an unknown named list, an unreadable network, or too many rules.
    """
    rules: list[AclRule] = []
    lists: list[Acl] = []
    for option in options:
        name = option.name.lower()
        if name in (f"{prefix}permit", f"{prefix}deny"):
            rules += parse_rules(option, is_permit=name.endswith("permit"))
        elif name == f"{prefix}acl":
            names = option.value.split(",")
            lists += (_named_list(option, word.strip(), named) for word in names)
        if len(rules) + len(lists) > MAX_RULES:
            raise ConfigError(option.path, option.line, f"more than {MAX_RULES} access rules")
    return Acl(tuple(rules), tuple(lists))


def _named_list(option: Option, name: str, named: Mapping[str, Acl]) -> Acl:
    acl = named.get(name.lower())
    if acl is None:
        raise ConfigError(
            option.path, option.line, f"{option.name}: acl.conf has no section [{name}]"
        )
    return acl
