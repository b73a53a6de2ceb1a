"""A call with asyncari, which loads the api-docs by the rules of swaggerpy."""

import json
import os

import anyio
import asyncari


def say(step, value=None):
    print("@" + json.dumps({"step": step, "value": value}), flush=True)


async def main():
    url = os.environ["ARI_URL"].removesuffix("ari")
    user, password = os.environ["ARI_USER"], os.environ["ARI_PASSWORD"]
    async with asyncari.connect(url, "tests", user, password) as ari:
        say("ready", sorted(ari.repositories))
        async with ari.on_channel_event("StasisStart") as starts:
            async for things, event in starts:
                channel = things["channel"]
                say("started", event.channel.caller["number"])
                await channel.answer()
                bridge = await ari.bridges.create(type="mixing")
                await bridge.addChannel(channel=channel.id)
                say("bridged", (await ari.bridges.get(bridgeId=bridge.id)).json["channels"])
                await bridge.destroy()
                await channel.hangup()
                say("hung up")
                return


anyio.run(main)
