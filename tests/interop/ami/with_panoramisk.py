"""A call with panoramisk: asyncio; whatever has the ActionID belongs to the answer."""

import asyncio
import json
import os

from panoramisk import Manager


def say(step, value=None):
    print("@" + json.dumps({"step": step, "value": value}), flush=True)


async def main():
    manager = Manager(
        host="127.0.0.1",
        port=int(os.environ["AMI_PORT"]),
        username=os.environ["AMI_USER"],
        secret=os.environ["AMI_SECRET"],
    )
    created = asyncio.Event()
    ended = asyncio.Event()
    manager.register_event("Newchannel", lambda _manager, _event: created.set())
    manager.register_event("Hangup", lambda _manager, _event: ended.set())
    await manager.connect()
    ping = await manager.send_action({"Action": "Ping"})
    say("ping", ping.ping)
    answer = await manager.send_action(
        {
            "Action": "Originate",
            "Channel": "Local/700@phones/n",
            "Application": "Wait",
            "Data": "30",
            "Async": "true",
            "ChannelId": "panoramisk",
            "Variable": ["A=1", "B=2"],
        }
    )
    say("originated", [part.get("Message") or part.event for part in answer])
    await created.wait()
    value = await manager.send_action(
        {"Action": "Getvar", "Channel": "panoramisk", "Variable": "B"}
    )
    say("variable", value.value)
    channels = [item async for item in _list(manager)]
    say("channels", sorted(item.uniqueid.partition(";")[2] or "1" for item in channels))
    command = await manager.send_command("core show uptime")
    say("command", any("uptime" in line for line in command.output))
    await manager.send_action({"Action": "Hangup", "Channel": "panoramisk"})
    await ended.wait()
    say("ended")
    manager.close()


async def _list(manager):
    for item in await manager.send_action({"Action": "CoreShowChannels"}):
        if item.event == "CoreShowChannel":
            yield item


asyncio.run(main())
