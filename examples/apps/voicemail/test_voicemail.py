"""A message is left, heard and deleted."""

from __future__ import annotations

from arion.testing import Server
from arion.testing.plugin import AppRunner, PhoneMaker

from examples.apps.voicemail.app import voicemail


async def test_a_message_is_left_heard_and_deleted(
    run_app: AppRunner, phone: PhoneMaker, arion_server: Server
) -> None:
    await run_app("voicemail", voicemail)
    alice, bob = await phone("alice"), await phone("bob")

    await alice.call("1200")
    await alice.hears("vm-intro")
    await alice.hears_tone(1000)  # the tone before a recording
    await alice.hears_silence()
    await alice.says("hello-world")
    await alice.press("#")
    await alice.hears("vm-msgsaved")
    await alice.hears_hangup()
    (message,) = (arion_server.recordings / "voicemail/200").glob("*.wav")

    await bob.call("1201")
    await bob.hears("hello-world")
    await bob.press("5")
    await bob.hears("hello-world")
    await bob.press("7")
    await bob.hears("vm-deleted")
    await bob.hears_hangup()
    assert not message.exists()

    await bob.call("1201")
    await bob.hears("vm-nomore")
