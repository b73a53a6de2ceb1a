"""Access control lists."""

from __future__ import annotations

import pytest

from server.base.errors import ConfigError
from server.config.acl import Acl, build_acl
from server.config.objects import Option


def acl(*rules: str, named: dict[str, Acl] | None = None) -> Acl:
    options = []
    for number, rule in enumerate(rules, 1):
        name, _, value = rule.partition("=")
        options.append(Option(name, value, "acl.conf", number))
    return build_acl(options, named or {})


def test_no_rules_let_everybody_in() -> None:
    assert Acl().permits("203.0.113.9")
    assert Acl().permits("::1")


def test_the_last_match_decides() -> None:
    rules = acl("deny=0.0.0.0/0", "permit=192.0.2.0/255.255.255.0", "deny=192.0.2.7")
    assert rules.permits("192.0.2.1")
    assert not rules.permits("192.0.2.7")
    assert not rules.permits("203.0.113.1")


def test_no_match_permits() -> None:
    assert acl("deny=10.0.0.0/8").permits("192.0.2.1")
    assert acl("deny=0.0.0.0/0").permits("::1")


def test_ipv6_and_mapped_ipv4() -> None:
    rules = acl("deny=::/0", "deny=0.0.0.0/0", "permit=2001:db8::/32,192.0.2.0/24")
    assert rules.permits("2001:db8::5")
    assert rules.permits("::ffff:192.0.2.5")
    assert not rules.permits("::ffff:203.0.113.5")
    assert rules.permits("2001:db8::5%eth0")


def test_negated_networks() -> None:
    rules = acl("deny=0.0.0.0/0", "permit=10.0.0.0/8,!10.1.0.0/16")
    assert rules.permits("10.2.0.1")
    assert not rules.permits("10.1.0.1")


def test_an_unreadable_peer_is_refused_by_any_rule() -> None:
    assert not acl("permit=0.0.0.0/0").permits("not an address")


def test_a_peer_has_to_pass_every_named_list_and_the_own_rules() -> None:
    white = acl("deny=0.0.0.0/0", "permit=192.0.2.0/31")
    black = acl("permit=0.0.0.0/0", "deny=192.0.2.1")
    named = {"white": white, "black": black}
    both = acl("acl=White,black", named=named)
    assert both.permits("192.0.2.0")
    assert not both.permits("192.0.2.1")
    assert not both.permits("192.0.2.2")
    assert not acl("acl=white", "acl=black", "deny=192.0.2.0", named=named).permits("192.0.2.0")
    assert not acl("acl=white", "permit=203.0.113.1", named=named).permits("203.0.113.1")


@pytest.mark.parametrize(
    ("rule", "error"),
    [
        ("permit=nonsense", "acl.conf:1: permit: expected a network such as"),
        ("deny=10.0.0.0/33", "acl.conf:1: deny: expected a network such as"),
        ("permit=", "acl.conf:1: permit: expected a network such as"),
        ("acl=none", "acl.conf:1: acl: acl.conf has no section [none]"),
    ],
)
def test_errors_name_file_and_line(rule: str, error: str) -> None:
    with pytest.raises(ConfigError) as caught:
        acl(rule)
    assert str(caught.value).startswith(error)
