"""pjsip.conf's objects become settings, and errors that name file and line."""

from __future__ import annotations

import contextlib
import json
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.base.errors import ConfigError
from server.config.acl import Acl, AclRule
from server.config.binder import option_names
from server.config.objects import ConfigObject, Option
from server.config.types import SocketAddress
from server.sip.settings import (
    Aor,
    Auth,
    Endpoint,
    Global,
    Identify,
    SipSettings,
    System,
    Transport,
    build_settings,
)
from server.sip.settings_objects import caller_id, network
from server.sip.settings_unsupported import UNSUPPORTED
from server.tech.base import Party

FACTS = json.loads(
    (Path(__file__).parents[2] / "data" / "pjsip_options.json").read_text(encoding="utf-8")
)
CLASSES = {
    "endpoint": Endpoint,
    "aor": Aor,
    "auth": Auth,
    "identify": Identify,
    "transport": Transport,
    "global": Global,
    "system": System,
}
LISTS = {"allow", "disallow", "acl", "permit", "deny"}
LISTS |= {f"contact_{name}" for name in ("acl", "permit", "deny")}


def make(kind: str, name: str, *options: tuple[str, str], line: int = 1) -> ConfigObject:
    return ConfigObject(
        kind,
        name,
        [Option(n, v, "pjsip.conf", line + 1 + i) for i, (n, v) in enumerate(options)],
        "pjsip.conf",
        line,
    )


def build(*objects: ConfigObject) -> SipSettings:
    return build_settings(objects)


def test_a_usual_configuration() -> None:
    settings = build(
        make("transport", "udp", ("protocol", "udp"), ("bind", "127.0.0.1")),
        make("transport", "tcp6", ("protocol", "tcp"), ("bind", "[::1]:5070")),
        make(
            "endpoint",
            "alice",
            ("context", "phones"),
            ("disallow", "all"),
            ("allow", "alaw,ulaw"),
            ("auth", "alice"),
            ("aors", "alice"),
            ("callerid", '"Alice A." <100>'),
            ("set_var", "A=1"),
            ("set_var", "B = x = y"),
            ("timers", "forced"),
            ("tos_audio", "ef"),
        ),
        make("auth", "alice", ("auth_type", "userpass"), ("password", "secret")),
        make("aor", "alice", ("max_contacts", "2"), ("contact", "sip:a@10.0.0.1,sip:b@10.0.0.2")),
        make("identify", "x", ("endpoint", "alice"), ("match", "10.0.0.0/8, host.example")),
        make("global", "global", ("default_realm", "here")),
        make("system", "system", ("timer_t1", "250")),
    )
    assert settings.warnings == ()
    assert settings.transports["udp"].bind == SocketAddress("127.0.0.1", 5060)
    assert settings.transports["tcp6"].bind == SocketAddress("::1", 5070)
    alice = settings.endpoints["alice"]
    assert alice.codecs == ("alaw", "ulaw")
    assert alice.callerid == Party("Alice A.", "100")
    assert alice.variables == (("A", "1"), ("B", "x = y"))
    assert alice.timers == "always"
    assert alice.tos_audio == 0xB8
    assert settings.auths["alice"].username == "alice"
    assert settings.aors["alice"].contacts == ("sip:a@10.0.0.1", "sip:b@10.0.0.2")
    assert settings.identifies[0].networks == (network("10.0.0.0/8"),)
    assert settings.identifies[0].hosts == ("host.example",)
    assert settings.global_.default_realm == "here"
    assert settings.system.timer_t1 == 250


@pytest.mark.parametrize(
    ("options", "codecs"),
    [
        ((), ("ulaw", "alaw")),
        ((("allow", "alaw"),), ("alaw",)),
        ((("allow", "all"),), ("ulaw", "alaw", "slin", "slin16")),
        ((("allow", "!all,slin16,ulaw"),), ("slin16", "ulaw")),
        ((("allow", "all"), ("disallow", "slin,slin16")), ("ulaw", "alaw")),
        ((("disallow", "all"), ("allow", "ulaw"), ("allow", "alaw")), ("ulaw", "alaw")),
    ],
)
def test_allow_and_disallow_apply_in_order(
    options: tuple[tuple[str, str], ...], codecs: tuple[str, ...]
) -> None:
    assert build(make("endpoint", "e", *options)).endpoints["e"].codecs == codecs


@pytest.mark.parametrize(
    ("item", "line", "message"),
    [
        (make("endpoint", "e", ("allow", "ulaw"), ("allow", "nonsense")), 3, "unknown codec"),
        (make("endpoint", "e", ("allow", "g722")), 2, "no usable codec"),
        (make("endpoint", "e", ("auth", "missing")), 2, r"auth: there is no \[missing\]"),
        (make("endpoint", "e", ("timers", "maybe")), 2, "timers: expected one of no, yes"),
        (make("endpoint", "e", ("force_rport", "perhaps")), 2, "expected yes or no"),
        (make("endpoint", "e", ("permit", "nonsense")), 2, "expected a network"),
        (make("endpoint", "e", ("set_var", "novalue")), 2, "expected NAME=value"),
        (make("aor", "a", ("contact", "nonsense:")), 2, "contact"),
        (make("aor", "a", ("max_contacts", "-1")), 2, "max_contacts"),
        (make("aor", "a", ("minimum_expiration", "9000")), 1, "above maximum_expiration"),
        (make("auth", "a", ("nonce_lifetime", "0")), 2, "nonce_lifetime"),
        (make("auth", "a", ("supported_algorithms_uas", "SHA-1")), 2, "expected one of"),
        (make("identify", "i", ("endpoint", "e"), ("match", "300.1.1.1")), 3, "match"),
        (make("identify", "i", ("endpoint", "e")), 1, r"there is no endpoint \[e\]"),
        (make("transport", "t"), 1, "no bind address"),
        (make("transport", "t", ("bind", "a name")), 2, "bind"),
        (make("transport", "t", ("bind", "host.example")), 2, "expected an IP address"),
    ],
)
def test_errors_name_file_and_line(item: ConfigObject, line: int, message: str) -> None:
    with pytest.raises(ConfigError, match=message) as caught:
        build(item)
    assert (caught.value.path, caught.value.line) == ("pjsip.conf", line)


def test_two_objects_of_one_name_are_an_error() -> None:
    with pytest.raises(ConfigError, match="a second aor"):
        build(make("aor", "a"), make("aor", "a", line=9))


@pytest.mark.parametrize(
    ("item", "message"),
    [
        (make("endpoint", "e", ("nonsense", "1")), "2: unknown option 'nonsense'"),
        (make("endpoint", "e", ("webrtc", "yes")), "2: webrtc is not supported yet"),
        (make("endpoint", "e", ("aors", "x")), "2: aors: there is no [x] of this type"),
        (make("endpoint", "e", ("allow", "ulaw,g722")), "2: codec g722 is not supported yet"),
        (make("registration", "r"), "1: [r] is ignored: type=registration is not supported yet"),
        (make("nonsense", "n"), "1: [n] is ignored: type=nonsense is unknown"),
        (make("transport", "t", ("protocol", "tls"), ("bind", "::")),
         "1: transport [t] is left out: tls is not supported"),
        (make("aor", "a", ("support_path", "yes")),
         "2: support_path has no effect: Path is not supported"),
    ],
)  # fmt: skip
def test_what_does_nothing_is_reported(item: ConfigObject, message: str) -> None:
    assert [str(warning) for warning in build(item).warnings] == [f"pjsip.conf:{message}"]


def test_acls_are_built_from_rules_and_named_lists() -> None:
    named = {
        "lan": Acl((AclRule(False, network("0.0.0.0/0")), AclRule(True, network("10.0.0.0/8"))))
    }
    item = make("endpoint", "e", ("deny", "10.2.0.0/16"), ("acl", "lan"), ("contact_deny", "::/0"))
    endpoint = build_settings([item], named_acls=named).endpoints["e"]
    assert endpoint.acl.permits("10.1.1.1")
    assert not endpoint.acl.permits("10.2.1.1")
    assert not endpoint.acl.permits("11.1.1.1")
    assert not endpoint.contact_acl.permits("::1")


@pytest.mark.parametrize(
    ("text", "party"),
    [
        ('"A B" <100>', Party("A B", "100")),
        ("A B <100>", Party("A B", "100")),
        ("<100>", Party("", "100")),
        ("+4930123", Party("", "+4930123")),
        ("Alice", Party("Alice", "")),
        ("", Party("", "")),
    ],
)
def test_caller_ids(text: str, party: Party) -> None:
    assert caller_id(text) == party


@pytest.mark.parametrize("row", FACTS, ids=lambda row: f"{row['section']}-{row['option']}")
def test_every_published_option_is_known(row: dict[str, str]) -> None:
    kind = row["section"]
    known = option_names(CLASSES[kind]) | UNSUPPORTED.get(kind, frozenset()) | {"type"}
    if kind == "endpoint":
        known |= LISTS
    assert row["option"] in known


def test_no_option_is_both_supported_and_not() -> None:
    for kind, names in UNSUPPORTED.items():
        assert not names & option_names(CLASSES[kind])


@given(st.sampled_from(sorted(CLASSES)), st.sampled_from(FACTS), st.text(max_size=30))
def test_any_value_is_taken_or_refused_with_a_config_error(
    kind: str, row: dict[str, str], value: str
) -> None:
    with contextlib.suppress(ConfigError):
        build(make(kind, "x", (row["option"], value)))


def test_many_objects_take_time_in_proportion() -> None:
    """Ten times the objects may not take more than twenty-five times as long."""

    def seconds(count: int) -> float:
        objects = []
        for number in range(count):
            name = f"p{number}"
            objects += [
                make("endpoint", name, ("auth", name), ("aors", name), ("allow", "ulaw")),
                make("auth", name, ("password", "x")),
                make("aor", name, ("max_contacts", "1")),
                make("identify", f"i{number}", ("endpoint", name), ("match", "192.0.2.1")),
            ]
        began = time.process_time()
        assert len(build_settings(objects).identifies) == count
        return time.process_time() - began

    few = min(seconds(100) for _ in range(3))
    assert min(seconds(1000) for _ in range(2)) < 25 * few
