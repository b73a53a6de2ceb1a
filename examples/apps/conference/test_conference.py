"""The moderator silences, locks and ends the conference."""

from __future__ import annotations

from arion.testing.plugin import AppRunner, PhoneMaker

from examples.apps.conference.app import Conference


async def test_the_moderator_steers_the_room(run_app: AppRunner, phone: PhoneMaker) -> None:
    await run_app("conference", Conference().handle)
    alice, bob, carol = await phone("alice"), await phone("bob"), await phone("carol")
    await alice.call("3001")
    await alice.hears("conf-onlyperson")
    await bob.call("3000")
    await alice.hears("confbridge-join")

    await alice.press("2")
    await bob.hears("conf-lockednow")
    await carol.call("3000")
    await carol.hears("conf-locked")
    await carol.hears_hangup()
    await alice.press("2")
    await bob.hears("conf-unlockednow")

    await alice.press("1")
    await alice.hears("conf-muted")
    await alice.press("1")
    await alice.hears("conf-unmuted")
    await bob.says("hello-world")
    await alice.hears("hello-world")

    await alice.press("9")
    await bob.hears_hangup()
    await alice.hears_hangup()
