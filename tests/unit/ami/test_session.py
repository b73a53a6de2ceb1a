"""Sessions: logging in, authorisation, and the order of responses and events."""

from __future__ import annotations

import asyncio
import hashlib
from dataclasses import replace
from pathlib import Path

import pytest

from server.ami import authentication
from server.ami.permissions import NAMES
from server.config.acl import Acl, AclRule
from server.config.sections.manager import FilterLine, Manager
from tests.support.ami import ADMIN, AmiUnderTest, Client, user
from tests.support.node import settle


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(authentication, "FAILURE_DELAY", 0.0)


def configure(ami: AmiUnderTest, *users: object, **general: object) -> None:
    settings = replace(Manager(), users={each.name: each for each in users}, **general)  # type: ignore[attr-defined,arg-type]
    ami.server.configure(settings)


async def test_a_login_is_accepted_and_told_that_the_server_is_up(ami: AmiUnderTest) -> None:
    client = Client(ami.server)
    blocks = await client.ask("Login", ActionID="1", Username="admin", Secret="s3cret")
    assert blocks[0] == {
        "Response": "Success", "ActionID": "1", "Message": "Authentication accepted"
    }  # fmt: skip
    booted = client.event("FullyBooted")
    assert booted["Privilege"] == "system,all"
    assert booted["Status"] == "Fully Booted"
    assert list(booted)[-3:] == ["Uptime", "LastReload", "Status"]


@pytest.mark.parametrize(
    ("name", "secret"), [("admin", "wrong"), ("nobody", "s3cret"), ("admin", ""), ("", "")]
)
async def test_a_wrong_login_ends_the_session(ami: AmiUnderTest, name: str, secret: str) -> None:
    client = Client(ami.server)
    answer = await client.log_in(name, secret)
    assert answer == {"Response": "Error", "Message": "Authentication failed"}
    assert client.is_ended
    assert client.session.account is None


async def test_an_account_without_a_secret_lets_nobody_in(ami: AmiUnderTest) -> None:
    configure(ami, user("open", secret=""))
    assert (await Client(ami.server).log_in("open", ""))["Response"] == "Error"


async def test_a_challenge_is_answered_by_its_md5(ami: AmiUnderTest) -> None:
    client = Client(ami.server)
    challenge = (await client.ask("Challenge", AuthType="MD5"))[0]["Challenge"]
    key = hashlib.md5(f"{challenge}s3cret".encode()).hexdigest()
    answer = (await client.ask("Login", AuthType="MD5", Username="admin", Key=key))[0]
    assert answer["Message"] == "Authentication accepted"


async def test_a_challenge_counts_once(ami: AmiUnderTest) -> None:
    client = Client(ami.server)
    challenge = (await client.ask("Challenge", AuthType="MD5"))[0]["Challenge"]
    key = hashlib.md5(f"{challenge}s3cret".encode()).hexdigest()
    await client.ask("Login", AuthType="MD5", Username="admin", Key="0" * 32)
    again = (await client.ask("Login", AuthType="MD5", Username="admin", Key=key))[0]
    assert again["Response"] == "Error"


async def test_an_md5_login_without_a_challenge_fails(ami: AmiUnderTest) -> None:
    key = hashlib.md5(b"s3cret").hexdigest()
    answer = (await Client(ami.server).ask("Login", AuthType="MD5", Username="admin", Key=key))[0]
    assert answer["Response"] == "Error"


async def test_the_acl_of_a_user_is_asked(ami: AmiUnderTest) -> None:
    import ipaddress

    nowhere = Acl((AclRule(False, ipaddress.ip_network("0.0.0.0/0")),))
    configure(ami, user("remote", acl=nowhere), ADMIN)
    watcher = await ami.client()
    assert (await Client(ami.server).log_in("remote"))["Response"] == "Error"
    assert watcher.event("FailedACL")["AccountID"] == "remote"


async def test_a_user_may_be_limited_to_one_login(ami: AmiUnderTest) -> None:
    configure(ami, user("admin", allowmultiplelogin=False))
    await ami.client()
    assert (await Client(ami.server).log_in())["Message"] == "Login Already In Use"


async def test_who_guesses_waits_longer_each_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(authentication, "FAILURE_DELAY", 1.0)
    failures = authentication.Failures()
    delays = [failures.delay("192.0.2.1", now) for now in range(12)]
    assert delays[:3] == [1.0, 2.0, 3.0]
    assert delays[-1] == authentication.MAX_DELAY
    assert failures.delay("192.0.2.2", 12.0) == 1.0
    assert failures.delay("192.0.2.1", 1000.0) == 1.0


async def test_without_a_login_nothing_else_is_done(ami: AmiUnderTest) -> None:
    client = Client(ami.server)
    assert (await client.ask("Ping"))[0] == {"Response": "Error", "Message": "Permission denied"}
    assert (await client.ask("Logoff"))[0]["Response"] == "Goodbye"
    assert client.is_ended


async def test_an_unknown_action_is_named(client: Client) -> None:
    answer = (await client.ask("Frobnicate", ActionID="7"))[0]
    assert answer["Message"] == (
        "Invalid/unknown command: Frobnicate. Use Action: ListCommands to show available commands."
    )
    assert answer["ActionID"] == "7"


async def test_a_message_without_an_action_is_refused(client: Client) -> None:
    client.write("Foo: bar\n\n")
    assert client.blocks[0]["Message"] == "Missing action in request"


async def test_an_action_needs_one_of_its_classes(ami: AmiUnderTest) -> None:
    configure(ami, user("reader", write=("reporting",)), ADMIN)
    watcher = await ami.client()
    reader = await ami.client(user="reader")
    assert (await reader.ask("CoreStatus"))[0]["Response"] == "Success"
    assert (await reader.ask("Command", Command="core show version"))[0] == {
        "Response": "Error", "Message": "Permission denied"
    }  # fmt: skip
    assert watcher.event("RequestNotAllowed")["RequestType"] == "Command"


async def test_events_need_the_class_and_the_wish(ami: AmiUnderTest) -> None:
    configure(ami, user("quiet", read=("call",)))
    quiet = await ami.client(user="quiet")
    deaf = await ami.client(user="quiet", Events="off")
    ami.server.stream.tell("VarSet", [("Variable", "A")])
    ami.server.stream.tell("Newchannel", [("Channel", "x")])
    assert quiet.events == ["Newchannel"]
    assert deaf.events == []
    assert (await deaf.ask("Events", EventMask="on"))[0]["Events"] == "On"
    ami.server.stream.tell("Newchannel", [("Channel", "x")])
    assert deaf.events == ["Newchannel"]


@pytest.mark.parametrize(
    ("mask", "expected"),
    [("on", -1), ("off", 0), ("call,dtmf", 258), ("2", 2), ("system, nothing", 1), ("nothing", 0)],
)
async def test_an_event_mask_is_a_word_a_number_or_classes(
    client: Client, mask: str, expected: int
) -> None:
    answer = (await client.ask("Events", EventMask=mask))[0]
    if mask == "nothing":
        assert answer["Message"] == "Invalid event mask"
    else:
        assert client.session.heard == (NAMES["all"] if expected < 0 else expected)


async def test_old_clients_get_no_answer_to_events(ami: AmiUnderTest) -> None:
    configure(ami, ADMIN, brokeneventsaction=True)
    client = await ami.client()
    assert await client.ask("Events", EventMask="off") == []


async def test_the_response_comes_before_the_events_that_it_causes(
    ami: AmiUnderTest, client: Client
) -> None:
    ami.load("exten => s,1,Wait(60)")
    channel = await ami.call()
    blocks = await client.ask("Hangup", Channel=channel.name)
    assert blocks[0]["Response"] == "Success"
    assert client.events[:2] == ["SoftHangupRequest", "Hangup"]


async def test_actions_are_answered_in_their_order(ami: AmiUnderTest, client: Client) -> None:
    client.write("Action: Command\nCommand: x\nActionID: 1\n\nAction: Ping\nActionID: 2\n\n")
    await settle()
    assert [block["ActionID"] for block in client.blocks] == ["1", "2"]


async def test_a_fault_in_an_action_is_answered(
    ami: AmiUnderTest, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ami.context, "run_command", None)
    answer = (await client.ask("Command", Command="x"))[0]
    assert answer == {"Response": "Error", "Message": "Internal error"}


async def test_filters_of_manager_conf_hold_for_a_session(ami: AmiUnderTest) -> None:
    lines = (FilterLine("", "!Channel: Local/"), FilterLine("(name(Newexten),method(none))", ""))
    configure(ami, user("filtered", filters=lines))
    client = await ami.client(user="filtered")
    ami.server.stream.tell("Newexten", [("Channel", "PJSIP/a")])
    ami.server.stream.tell("Newexten", [("Channel", "Local/a")])
    ami.server.stream.tell("Newchannel", [("Channel", "PJSIP/a")])
    assert [block["Channel"] for block in client.blocks] == ["PJSIP/a"]


async def test_a_session_adds_filters(ami: AmiUnderTest, client: Client) -> None:
    answer = await client.ask("Filter", Operation="Add", Filter="!Event: Newexten")
    assert answer[0]["Response"] == "Success"
    client.text = ""
    ami.server.stream.tell("Newexten", [])
    ami.server.stream.tell("Newchannel", [])
    assert client.events == ["Newchannel"]


async def test_disabled_events_reach_nobody(ami: AmiUnderTest) -> None:
    configure(ami, ADMIN, disabledevents=("Newexten",), timestampevents=True)
    client = await ami.client()
    ami.server.stream.tell("Newexten", [])
    ami.server.stream.tell("Newchannel", [])
    assert client.events == ["Newchannel"]
    assert "Timestamp" in client.blocks[0]


async def test_line_ends_in_values_never_make_a_header(ami: AmiUnderTest, client: Client) -> None:
    ami.server.stream.tell("VarSet", [("Value", "a\r\nEvent: Fake\n\nb")])
    assert client.events == ["VarSet"]
    assert len(client.blocks) == 1


async def test_security_events_go_to_the_log_too(
    ami: AmiUnderTest, client: Client, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level("INFO"):
        await Client(ami.server, "192.0.2.9").log_in("admin", "wrong")
    event = client.event("InvalidPassword")
    assert event["RemoteAddress"] == "IPV4/TCP/192.0.2.9/40000"
    assert event["Severity"] == "Error"
    assert any('SecurityEvent="InvalidPassword"' in line for line in caplog.messages)
    assert "wrong" not in caplog.text


async def test_list_commands_shows_what_the_user_may(ami: AmiUnderTest) -> None:
    configure(ami, user("reader", write=("reporting",)))
    reader = await ami.client(user="reader")
    listed = (await reader.ask("ListCommands"))[0]
    assert listed["Ping"].endswith("(Priv: <none>)")
    assert listed["CoreStatus"].endswith("(Priv: system,reporting,all)")
    assert "Command" not in listed


async def test_a_command_is_answered_line_by_line(ami: AmiUnderTest, client: Client) -> None:
    ami.commands["core show version"] = "one\ntwo: 2"
    await client.ask("Command", Command="core show version")
    assert client.text == (
        "Response: Success\r\nMessage: Command output follows\r\n"
        "Output: one\r\nOutput: two: 2\r\n\r\n"
    )
    answer = await client.ask("Command", Command="module load x")
    assert answer[0]["Message"] == "Command blacklisted"


async def test_nothing_is_translated_while_nobody_listens(ami: AmiUnderTest) -> None:
    assert not ami.under.node.notices.is_wanted
    client = await ami.client()
    assert ami.under.node.notices.is_wanted
    await client.ask("Events", EventMask="off")
    assert not ami.under.node.notices.is_wanted
    await client.ask("Events", EventMask="call")
    assert ami.under.node.notices.is_wanted
    client.session.close()
    assert not ami.under.node.notices.is_wanted
    assert not ami.server.stream.listeners


async def test_a_reload_tells_what_it_cannot_change(ami: AmiUnderTest) -> None:
    assert ami.server.configure(Manager(port=1)) == [
        "manager.conf: where AMI listens changes with a restart"
    ]


async def test_too_many_waiting_messages_stop_the_reading(
    ami: AmiUnderTest, client: Client
) -> None:
    gate = asyncio.get_running_loop().create_future()

    async def slow(_line: str) -> str:
        await gate
        return ""

    ami.context.run_command = slow
    client.write("Action: Command\nCommand: x\n\n")
    client.write("Action: Ping\n\n" * 1000)
    assert client.is_paused
    gate.set_result(None)
    await settle()
    assert not client.is_paused
    assert client.text.count("Pong") == 1000


async def test_a_session_keeps_its_rights_over_a_reload(ami: AmiUnderTest, client: Client) -> None:
    configure(ami)
    assert (await client.ask("CoreStatus"))[0]["Response"] == "Success"
    assert (await Client(ami.server).log_in())["Response"] == "Error"


def test_unknown_classes_and_filters_are_warned_of(tmp_path: Path) -> None:
    broken = user("odd", read=("everything",), filters=(FilterLine("(nonsense)", "x"),))
    _, warnings = authentication.make_accounts(Manager(users={"odd": broken}))
    assert len(warnings) == 2


async def test_the_dialplan_knows_how_often_somebody_is_logged_in(ami: AmiUnderTest) -> None:
    def count(name: str) -> str | None:
        return ami.dialplan.read(None, f"AMI_CLIENT({name},sessions)")

    assert count("admin") == "0"
    await ami.client()
    await ami.client()
    assert (count("admin"), count("nobody")) == ("2", "0")


async def test_a_flood_of_actions_leaves_others_their_turn(
    ami: AmiUnderTest, client: Client
) -> None:
    client.write("Action: Ping\n\n" * 350)
    assert client.text.count("Pong") == 100
    await asyncio.sleep(0)
    assert client.text.count("Pong") == 200
    await settle()
    assert client.text.count("Pong") == 350
    assert not client.is_paused
