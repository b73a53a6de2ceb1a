"""A call steered by the client that openapi-generator made for Python (pydantic and urllib3)."""

import json
import os
import time

import arion_rest
from arion_rest.models import Message, StasisStart


def say(step, value=None):
    print("@" + json.dumps({"step": step, "value": value}), flush=True)


def until_up(channels, channel_id):
    deadline = time.monotonic() + 10
    while channels.channels_get(channel_id).state != "Up":
        assert time.monotonic() < deadline
        time.sleep(0.05)


configuration = arion_rest.Configuration(
    host=os.environ["ARI_URL"],
    username=os.environ["ARI_USER"],
    password=os.environ["ARI_PASSWORD"],
)
with arion_rest.ApiClient(configuration) as client:
    channels = arion_rest.ChannelsApi(client)
    bridges = arion_rest.BridgesApi(client)
    variables = arion_rest.ChannelsOriginateRequest(variables={"WHO": "Clara"})
    made = channels.channels_originate(
        endpoint=os.environ["ENDPOINT"],
        app="tests",
        app_args="one",
        channel_id="made/by generator",
        channels_originate_request=variables,
    )
    say("originated", made.id)
    until_up(channels, made.id)
    say("variable", channels.channels_get_channel_var(made.id, "WHO").value)
    bridge = bridges.bridges_create(type="mixing", name="generated")
    bridges.bridges_add_channel(bridge.id, [made.id])
    say("bridged", bridges.bridges_get(bridge.id).channels == [made.id])
    playback = bridges.bridges_play(bridge.id, ["sound:hello-world"])
    say("playing", playback.target_uri == f"bridge:{bridge.id}")
    try:
        channels.channels_get("nobody")
    except arion_rest.exceptions.NotFoundException as refusal:
        say("refused", json.loads(refusal.body)["message"])
    channels.channels_hangup(made.id)
    bridges.bridges_destroy(bridge.id)

# Events are read by the same models: the type decides.
event = Message.from_json(os.environ["EVENT"])
assert isinstance(event, StasisStart)
say("event", [event.args, event.channel.name])
