"""Does with a call what the SDK can, and asks for nothing that Asterisk lacks."""

import asyncio
import sys

import arion

APP = sys.argv[1]
ECHO = "Local/601@phones"


async def handle(channel: arion.Channel, args: list[str]) -> None:
    client = channel.client
    await channel.answer()
    await channel.set_variable("COLOUR", "red")
    assert await channel.get_variable("COLOUR") == "red"
    await channel.say("sound:hello-world", lang="en")
    assert await channel.ask("sound:hello-world", most=2, end="#", first=0.05) == ""
    await (await channel.record(APP, max_duration=1, if_exists="overwrite")).finished()
    await (await client.recordings.get_stored(APP)).delete()
    await channel.start_moh("default")
    await channel.stop_moh()
    async with channel.expect(arion.ChannelVarset, timeout=5):
        await channel.set_variable("COLOUR", "blue")
    called = await client.dial(ECHO, caller=channel, variables={"A": "b"}, timeout=10)
    async with client.bridge(name="plain") as bridge:
        await bridge.add(channel, called)
        await bridge.say("sound:hello-world")
        await called.hangup()
        await client.first_gone(channel, called)
    await channel.hangup("normal")
    await channel.wait_gone()


async def main() -> None:
    done = asyncio.Event()

    async def once(channel: arion.Channel, args: list[str]) -> None:
        await handle(channel, args)
        done.set()

    async with arion.Client() as client:
        running = asyncio.create_task(client.run(APP, once))
        while APP not in [app.name for app in await client.applications.list()]:
            await asyncio.sleep(0.02)
        await client.channels.originate(endpoint=ECHO, app=APP, app_args="a,b")
        await done.wait()
        running.cancel()


asyncio.run(main())
