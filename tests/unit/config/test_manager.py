"""manager.conf."""

from __future__ import annotations

import pytest

from server.base.errors import ConfigError
from server.config.acl import Acl
from server.config.ini import parse_text
from server.config.objects import ConfigWarning
from server.config.sections.manager import FilterLine, Manager, build_manager

SAMPLE = """
[general]
enabled = yes
webenabled = yes
port = 5039
bindaddr = 127.0.0.1
sslenable = yes
tlsbindaddr = 192.0.2.1:5050
allowmultiplelogin = no
displayconnects = no
timestampevents = yes
channelvars = COLOUR, SIZE
disabledevents = Newexten,VarSet
authtimeout = 10
authlimit = 7
httptimeout = 90
brokeneventsaction = yes

[operator](!)
read = system,call
write = all
deny = 0.0.0.0/0
permit = 127.0.0.1/255.255.255.0
eventfilter = !Channel: Local/

[admin](operator)
secret = one
write = command
eventfilter(name(Newchannel),header(Channel),method(starts_with)) = PJSIP/
setvar = COLOUR=red
writetimeout = 500
allowmultiplelogin = yes

[viewer](operator)
secret = two
displayconnects = yes
"""


def read(text: str) -> tuple[Manager, list[ConfigWarning]]:
    warnings: list[ConfigWarning] = []
    return build_manager(parse_text(text), warnings, {}), warnings


def test_everything_is_read() -> None:
    manager, warnings = read(SAMPLE)
    assert warnings == []
    assert (manager.enabled, manager.port, manager.bindaddr) == (True, 5039, "127.0.0.1")
    assert manager.tlsenable
    assert str(manager.tls_address) == "192.0.2.1:5050"
    assert manager.channelvars == ("COLOUR", "SIZE")
    assert manager.disabledevents == ("Newexten", "VarSet")
    assert (manager.authtimeout, manager.authlimit, manager.httptimeout) == (10, 7, 90)
    assert manager.brokeneventsaction


def test_users_inherit_from_templates() -> None:
    manager, _ = read(SAMPLE)
    assert list(manager.users) == ["admin", "viewer"]
    admin, viewer = manager.users.values()
    assert (admin.secret, admin.read, admin.write) == ("one", ("system", "call"), ("command",))
    assert viewer.write == ("all",)
    assert admin.acl.permits("127.0.0.9")
    assert not admin.acl.permits("192.0.2.1")
    assert admin.setvar == (("COLOUR", "red"),)
    assert admin.filters == (
        FilterLine("", "!Channel: Local/"),
        FilterLine("(name(Newchannel),header(Channel),method(starts_with))", "PJSIP/"),
    )
    assert viewer.filters == (FilterLine("", "!Channel: Local/"),)


def test_what_a_user_does_not_say_is_as_in_general() -> None:
    manager, _ = read(SAMPLE)
    admin, viewer = manager.users.values()
    assert (manager.may_repeat(admin), manager.may_repeat(viewer)) == (True, False)
    assert (manager.is_shown(admin), manager.is_shown(viewer)) == (False, True)
    assert (admin.writetimeout, viewer.writetimeout) == (500, 100)


def test_the_defaults_are_asterisks() -> None:
    manager, _ = read("[general]\n")
    assert manager == Manager()
    assert not manager.enabled
    assert (manager.port, manager.authtimeout, manager.authlimit) == (5038, 30, 50)
    assert str(manager.tls_address) == "0.0.0.0:5039"


@pytest.mark.parametrize(
    "text",
    [
        "[general]\nport = x",
        "[general]\nauthlimit = 0",
        "[a]\nwritetimeout = -1",
        "[a]\nsetvar = nothing",
        "[a]\nacl = nowhere",
        "[a]\npermit = x",
    ],
)
def test_a_wrong_value_is_refused(text: str) -> None:
    with pytest.raises(ConfigError):
        read(text)


def test_unknown_options_are_warned_of() -> None:
    _, warnings = read("[general]\ncolour = red\n[a]\nsize = 1")
    assert len(warnings) == 2


def test_named_lists_count_too() -> None:
    file = parse_text("[a]\nsecret=x\nacl=nobody")
    nobody = parse_text("[x]\ndeny=0.0.0.0/0")
    from server.config.acl import build_acl

    acl = build_acl(nobody.sections[0].options, {})
    manager = build_manager(file, [], {"nobody": acl})
    assert not manager.users["a"].acl.permits("192.0.2.1")
    assert Acl().permits("192.0.2.1")
