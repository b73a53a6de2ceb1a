"""The actions about channels, calls, events and mailboxes."""

from __future__ import annotations

from dataclasses import replace

import pytest

from server.config.sections.manager import Manager
from server.resources.channel import Channel
from tests.support.ami import ADMIN, AmiUnderTest, Client, user
from tests.support.node import settle

PLAN = """
exten => s,1,Wait(60)
exten => 100,1,Set(GLOBAL(GOT)=${A} ${CALLERID(num)} ${CHANNEL(accountcode)})
same => n,Wait(60)
exten => 100,n(there),Wait(61)
exten => 200,1,Wait(60)
exten => dial,1,Dial(PJSIP/bob,,)
same => n,Wait(60)
"""


@pytest.fixture
def ami(ami: AmiUnderTest) -> AmiUnderTest:
    ami.load(PLAN)
    return ami


def configure(ami: AmiUnderTest, *users: object) -> None:
    ami.server.configure(replace(Manager(), users={each.name: each for each in users}))  # type: ignore[attr-defined,misc]


def answer_last(ami: AmiUnderTest) -> None:
    listener = ami.under.phones.legs[-1].listener
    assert listener is not None
    listener.on_answered()


async def talk(ami: AmiUnderTest) -> tuple[Channel, Channel]:
    """Let Alice and Bob talk; return both channels."""
    alice = await ami.call("dial")
    answer_last(ami)
    await settle()
    bob = ami.under.phones.legs[-1].listener
    assert isinstance(bob, Channel)
    return alice, bob


# channels


async def test_hangup_ends_a_channel_with_a_cause(ami: AmiUnderTest, client: Client) -> None:
    channel = await ami.call()
    answer = await client.ask("Hangup", Channel=channel.name, Cause="17")
    assert answer[0]["Message"] == "Channel Hungup"
    assert channel.hangup_cause == 17
    assert (await client.ask("Hangup", Channel="PJSIP/nobody"))[0]["Message"] == "No such channel"
    assert (await client.ask("Hangup"))[0]["Message"] == "No channel specified"


async def test_hangup_ends_all_that_match(ami: AmiUnderTest, client: Client) -> None:
    first, second = await ami.call(), await ami.call(endpoint="bob")
    blocks = await client.ask("Hangup", Channel="/^PJSIP\\/alice-.*$/")
    assert first.is_hungup
    assert not second.is_hungup
    assert client.event("ChannelHungup")["Channel"] == first.name
    assert client.event("ChannelsHungupListComplete")["ListItems"] == "1"
    assert blocks[0]["EventList"] == "start"
    assert (await client.ask("Hangup", Channel="/x"))[0]["Response"] == "Error"


async def test_variables_are_read_and_written(ami: AmiUnderTest, client: Client) -> None:
    channel = await ami.call()
    await client.ask("Setvar", Channel=channel.name, Variable="A", Value="1")
    assert (await client.ask("Getvar", Channel=channel.id, Variable="A"))[0]["Value"] == "1"
    answer = (await client.ask("Getvar", Channel=channel.name, Variable="CALLERID(num)"))[0]
    assert answer["Variable"] == "CALLERID(num)"
    assert (await client.ask("Getvar", Variable="NOTHING"))[0]["Value"] == ""
    assert (await client.ask("Getvar", Channel=channel.name))[0]["Message"] == (
        "No variable specified"
    )


async def test_functions_that_do_harm_stay_out_of_reach(ami: AmiUnderTest, client: Client) -> None:
    answer = (await client.ask("Getvar", Variable="SHELL(id)"))[0]
    assert answer["Response"] == "Error"
    assert (await client.ask("Setvar", Variable="FILE(/etc/x)", Value="x"))[0][
        "Response"
    ] == "Error"


async def test_status_lists_channels_and_their_variables(ami: AmiUnderTest, client: Client) -> None:
    channel = await ami.call()
    channel.variables.set("A", "1")
    blocks = await client.ask("Status", Channel=channel.name, Variables="A,CHANNEL(language)")
    told = client.event("Status")
    assert told["Type"] == "PJSIP"
    assert told["Application"] == "Wait"
    assert "Variable: A=1\r\nVariable: CHANNEL(language)=en\r\n" in client.text
    assert blocks[-1]["Items"] == "1"
    await client.ask("Status", AllVariables="yes")
    assert "Variable: A=1" in client.text
    assert (await client.ask("Status", Channel="x"))[0]["Message"] == "No such channel"


async def test_the_list_of_channels_names_their_bridge(ami: AmiUnderTest, client: Client) -> None:
    alice, bob = await talk(ami)
    blocks = await client.ask("CoreShowChannels", ActionID="9")
    assert [block.get("Event") for block in blocks] == [
        None, "CoreShowChannel", "CoreShowChannel", "CoreShowChannelsComplete"
    ]  # fmt: skip
    assert {block["ActionID"] for block in blocks} == {"9"}
    assert alice.bridge is not None
    assert blocks[1]["BridgeId"] == blocks[2]["BridgeId"] == alice.bridge.id
    await client.ask("CoreShowChannelMap", Channel=alice.name)
    assert client.event("CoreShowChannelMap")["ConnectedChannel"] == bob.name


# originate


async def test_originate_runs_an_extension(ami: AmiUnderTest, client: Client) -> None:
    client.write(
        "Action: Originate\nActionID: 5\nChannel: PJSIP/bob\nContext: default\nExten: 100\n"
        "Priority: 1\nAsync: true\nCallerID: Ann <55>\nVariable: A=1,B=2\nVariable: C=3\n"
        "Account: acme\nChannelId: chosen\n\n"
    )
    await settle()
    answer_last(ami)
    await settle()
    assert client.blocks[0]["Message"] == "Originate successfully queued"
    channel = ami.under.registry.get("chosen")
    assert [channel.variables.get(name) for name in "ABC"] == ["1", "2", "3"]
    assert ami.dialplan.globals["GOT"] == "1 55 acme"
    told = client.event("OriginateResponse")
    assert told["ActionID"] == "5"
    assert (told["Response"], told["Reason"], told["Uniqueid"]) == ("Success", "4", "chosen")
    assert (told["Context"], told["Exten"], told["CallerIDNum"]) == ("default", "100", "55")


async def test_originate_waits_for_the_answer(ami: AmiUnderTest, client: Client) -> None:
    blocks = await client.ask(
        "Originate", Channel="PJSIP/bob", Application="Wait", Data="60", ActionID="1"
    )
    assert not [block for block in blocks if "Response" in block]
    answer_last(ami)
    await settle()
    answers = [block for block in client.blocks if "Response" in block]
    assert answers[0]["Response"] == "Success"
    assert "OriginateResponse" not in client.events


async def test_a_call_that_fails_is_told(ami: AmiUnderTest, client: Client) -> None:
    await client.ask("Originate", Channel="PJSIP/bob", Application="Wait", Async="yes")
    ami.under.phones.legs[-1].far_end_hangs_up(17)
    await settle()
    told = client.event("OriginateResponse")
    assert (told["Response"], told["Reason"], told["Application"]) == ("Failure", "5", "Wait")
    answer = await client.ask("Originate", Channel="PJSIP/nobody", Application="Wait")
    assert answer[0]["Message"] == "Originate failed"


async def test_early_media_may_be_enough(ami: AmiUnderTest, client: Client) -> None:
    await client.ask(
        "Originate", Channel="PJSIP/bob", Application="Wait", Data="60", EarlyMedia="true"
    )
    listener = ami.under.phones.legs[-1].listener
    assert listener is not None
    listener.on_progress()
    await settle()
    assert [block["Response"] for block in client.blocks if "Response" in block] == ["Success"]
    assert not listener.is_hungup  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("headers", "message"),
    [
        ({}, "Channel not specified"),
        ({"Channel": "bob"}, "Invalid channel"),
        ({"Channel": "PJSIP/bob"}, "Originate with 'Exten' requires 'Context' and 'Priority'"),
        ({"Channel": "PJSIP/bob", "Application": "Wait", "Timeout": "x"}, "Invalid timeout"),
        (
            {"Channel": "PJSIP/bob", "Context": "default", "Exten": "100", "Priority": "nowhere"},
            "Invalid priority",
        ),
        (
            {"Channel": "PJSIP/bob", "Application": "Wait", "ChannelId": "x" * 151},
            "Uniqueid length exceeds maximum of 149",
        ),
        (
            {"Channel": "PJSIP/b", "Application": "Wait", "ChannelId": "a", "OtherChannelId": "a"},
            "Uniqueid must be unique",
        ),
    ],
)
async def test_originate_refuses_what_it_cannot_read(
    client: Client, headers: dict[str, str], message: str
) -> None:
    assert (await client.ask("Originate", **headers))[0] == {
        "Response": "Error", "Message": message
    }  # fmt: skip


@pytest.mark.parametrize(
    ("application", "data"),
    [("System", "id"), ("AGI", "x"), ("Wait", "${SHELL(id)}"), ("MixMonitor", "x,,cmd")],
)
async def test_dangerous_applications_need_the_system_class(
    ami: AmiUnderTest, application: str, data: str
) -> None:
    configure(ami, user("caller", write=("originate", "call")))
    client = await ami.client(user="caller")
    answer = await client.ask("Originate", Channel="PJSIP/bob", Application=application, Data=data)
    assert answer[0]["Message"] == "Originate Access Forbidden: app or data blacklisted"
    assert not len(ami.under.registry)


async def test_variables_of_the_user_are_set_too(ami: AmiUnderTest) -> None:
    configure(ami, user("admin", setvar=(("A", "theirs"), ("D", "4"))))
    client = await ami.client()
    client.write(
        "Action: Originate\nChannel: PJSIP/bob\nApplication: Wait\nData: 60\nAsync: 1\n"
        "ChannelId: x\nVariable: A=mine\n\n"
    )
    await settle()
    channel = ami.under.registry.get("x")
    assert (channel.variables.get("A"), channel.variables.get("D")) == ("mine", "4")


async def test_a_local_channel_gets_the_ids_that_were_chosen(
    ami: AmiUnderTest, client: Client
) -> None:
    await client.ask(
        "Originate", Channel="Local/200@default/n", Application="Wait", Data="60", Async="true",
        ChannelId="one", OtherChannelId="two",
    )  # fmt: skip
    await settle()
    assert ami.under.registry.get("one").name.endswith(";1")
    assert ami.under.registry.get("two").name.endswith(";2")


# redirect and transfers


async def test_redirect_moves_a_channel(ami: AmiUnderTest, client: Client) -> None:
    channel = await ami.call()
    answer = await client.ask(
        "Redirect", Channel=channel.name, Context="default", Exten="100", Priority="there"
    )
    assert answer[0]["Message"] == "Redirect successful"
    await settle()
    assert (channel.exten, channel.priority) == ("100", 3)


async def test_redirect_moves_both_who_talk(ami: AmiUnderTest, client: Client) -> None:
    alice, bob = await talk(ami)
    answer = await client.ask(
        "Redirect", Channel=alice.name, ExtraChannel=bob.name, Context="default", Exten="200",
        Priority="1", ExtraContext="default", ExtraExten="s", ExtraPriority="1",
    )  # fmt: skip
    assert answer[0]["Message"] == "Dual Redirect successful"
    await settle()
    assert (alice.exten, bob.exten) == ("200", "s")
    assert not alice.is_hungup
    assert not bob.is_hungup
    assert alice.bridge is bob.bridge is None


@pytest.mark.parametrize("is_caller", [True, False])
async def test_redirect_of_one_who_talks(
    ami: AmiUnderTest, client: Client, is_caller: bool
) -> None:
    alice, bob = await talk(ami)
    moved = alice if is_caller else bob
    await client.ask("Redirect", Channel=moved.name, Context="default", Exten="200", Priority="1")
    await settle()
    assert moved.exten == "200"
    assert not moved.is_hungup


async def test_redirect_needs_channels_that_are_there(ami: AmiUnderTest, client: Client) -> None:
    answer = await client.ask("Redirect", Channel="x", Context="default", Exten="1", Priority="1")
    assert answer[0]["Message"] == "Channel does not exist: x"


async def test_an_attended_transfer_begins_and_ends_by_command(
    ami: AmiUnderTest, client: Client
) -> None:
    alice, bob = await talk(ami)
    answer = await client.ask("Atxfer", Channel=alice.name, Exten="200", Context="default")
    assert answer[0]["Message"] == "Atxfer successfully queued"
    await settle()
    assert any(each.name.startswith("Local/200@default") for each in ami.under.registry)
    again = await client.ask("Atxfer", Channel=alice.name, Exten="200", Context="default")
    assert again[0]["Response"] == "Error"
    assert (await client.ask("CancelAtxfer", Channel=alice.name))[0]["Response"] == "Success"
    await settle()
    assert not any(each.name.startswith("Local/200@default") for each in ami.under.registry)
    assert alice.bridge is bob.bridge is not None


async def test_an_attended_transfer_needs_a_conversation(ami: AmiUnderTest, client: Client) -> None:
    channel = await ami.call()
    for name in ("Atxfer", "CancelAtxfer"):
        answer = await client.ask(name, Channel=channel.name, Exten="200")
        assert answer[0]["Response"] == "Error"


async def test_a_blind_transfer_may_be_invalid(ami: AmiUnderTest, client: Client) -> None:
    channel = await ami.call()
    answer = await client.ask("BlindTransfer", Channel=channel.name, Exten="200")
    assert answer[0]["Message"] == "Transfer invalid"


# the rest


async def test_wait_event_returns_with_the_next_event(ami: AmiUnderTest, client: Client) -> None:
    assert await client.ask("WaitEvent", Timeout="60", ActionID="4") == []
    ami.server.stream.tell("Newchannel", [("Channel", "x")])
    await settle()
    assert [block.get("Event") for block in client.blocks] == [
        "Newchannel", None, "WaitEventComplete"
    ]  # fmt: skip
    assert client.event("WaitEventComplete")["ActionID"] == "4"


async def test_a_session_that_ends_waits_no_more(ami: AmiUnderTest, client: Client) -> None:
    await client.ask("WaitEvent", Timeout="60")
    client.session.close()
    await settle()
    assert not len(ami.server.scope)


async def test_agi_commands_go_to_async_sessions(ami: AmiUnderTest, client: Client) -> None:
    submitted = []

    class Sessions:
        def submit(self, channel: Channel, command: str, command_id: str = "") -> None:
            submitted.append((channel, command, command_id))

    ami.context.async_agi = Sessions()
    channel = await ami.call()
    answer = await client.ask("AGI", Channel=channel.name, Command="ANSWER", CommandID="7")
    assert answer[0]["Message"] == "Added AGI command to queue"
    assert submitted == [(channel, "ANSWER", "7")]
    assert (await client.ask("AGI", Channel="x", Command="ANSWER"))[0]["Message"] == (
        "Channel x does not exist"
    )


async def test_mailboxes_are_counted(ami: AmiUnderTest, client: Client) -> None:
    await client.ask("MWIUpdate", Mailbox="100@default", NewMessages="2", OldMessages="1")
    status = (await client.ask("MailboxStatus", Mailbox="100"))[0]
    assert (status["Message"], status["Mailbox"], status["Waiting"]) == (
        "Mailbox Status", "100", "1"
    )  # fmt: skip
    count = (await client.ask("MailboxCount", Mailbox="100@default"))[0]
    assert (count["NewMessages"], count["OldMessages"]) == ("2", "1")
    await client.ask("MWIGet", Mailbox="/^1/")
    assert client.event("MWIGet")["NewMessages"] == "2"
    await client.ask("MWIDelete", Mailbox="100@default")
    await client.ask("MWIGet", Mailbox="100@default")
    assert client.event("MWIGetComplete")["ListItems"] == "0"


async def test_the_core_tells_of_itself(ami: AmiUnderTest, client: Client) -> None:
    settings = (await client.ask("CoreSettings"))[0]
    assert list(settings)[:3] == ["Response", "AMIversion", "AsteriskVersion"]
    await ami.call()
    status = (await client.ask("CoreStatus"))[0]
    assert status["CoreCurrentCalls"] == "1"


async def test_a_login_is_repeated_without_harm(ami: AmiUnderTest, client: Client) -> None:
    configure(ami, ADMIN)
    assert (await client.log_in())["Message"] == "Already authenticated"


async def test_a_subroutine_may_run_before_the_call_is_dialled(
    ami: AmiUnderTest, client: Client
) -> None:
    ami.load(PLAN + "exten => pre,1,Set(READY=${ARG1})\nsame => n,Return()\n")
    await client.ask(
        "Originate", Channel="PJSIP/bob", Application="Wait", Data="60", Async="true",
        ChannelId="x", PreDialGoSub="default,pre,1(yes)",
    )  # fmt: skip
    await settle()
    assert ami.under.registry.get("x").variables.get("READY") == "yes"
    assert client.events.index("VarSet") < client.events.index("DialBegin")


async def test_a_call_that_cannot_be_made_is_told_later_if_nobody_waits(
    ami: AmiUnderTest, client: Client
) -> None:
    blocks = await client.ask(
        "Originate", Channel="PJSIP/nobody", Application="Wait", Async="true", ActionID="8"
    )
    assert [block.get("Response") for block in blocks] == ["Success", "Failure"]
    told = client.event("OriginateResponse")
    assert (told["ActionID"], told["Channel"], told["Uniqueid"]) == ("8", "PJSIP/nobody", "<null>")
