"""A call with pyst2: threads, responses by their order."""

import json
import os
import threading

from asterisk.manager import Manager


def say(step, value=None):
    print("@" + json.dumps({"step": step, "value": value}), flush=True)


manager = Manager()
manager.connect("127.0.0.1", int(os.environ["AMI_PORT"]))
say("greeted", manager.title)
manager.login(os.environ["AMI_USER"], os.environ["AMI_SECRET"])
created, ended = threading.Event(), threading.Event()
manager.register_event("Newchannel", lambda _event, _manager: created.set())
manager.register_event("Hangup", lambda _event, _manager: ended.set())
say("ping", manager.ping().response[0].strip())
answer = manager.originate(
    "Local/700@phones/n", "700", "phones", "1", run_async=True, variables={"A": "1"}
)
say("originated", answer.headers["Message"])
created.wait(10)
answer = manager.command("core show uptime")
say("command", any("uptime" in line for line in answer.response))
name = manager.send_action({"Action": "CoreStatus"}).headers["CoreCurrentCalls"]
say("calls", name)
manager.send_action({"Action": "Hangup", "Channel": "/^Local/"})
ended.wait(10)
say("ended")
manager.close()
