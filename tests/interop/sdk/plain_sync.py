"""The same as plain.py without async."""

import sys
import threading
import time

import arion.sync

APP = sys.argv[1]
ECHO = "Local/601@phones"
done = threading.Event()


def handle(channel: arion.sync.Channel, args: list[str]) -> None:
    client = channel.client
    channel.answer()
    channel.set_variable("COLOUR", "red")
    channel.say("sound:hello-world", lang="en")
    assert channel.ask("sound:hello-world", most=2, end="#", first=0.05) == ""
    called = client.dial(ECHO, caller=channel, variables={"A": "b"}, timeout=10)
    with client.bridge(name="plain") as bridge:
        bridge.add(channel, called)
        called.hangup()
        client.first_gone(channel, called)
    channel.hangup("normal")
    channel.wait_gone()
    done.set()


with arion.sync.Client() as client:
    threading.Thread(target=client.run, args=(APP, handle), daemon=True).start()
    while APP not in [app.name for app in client.applications.list()]:
        time.sleep(0.02)
    client.channels.originate(endpoint=ECHO, app=APP, app_args="a,b")
    assert done.wait(20)
