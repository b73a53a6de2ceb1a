"""A call steered by the client that openapi-python-client made (attrs and httpx)."""

import json
import os
import time

from arion_httpx import AuthenticatedClient
from arion_httpx.api.bridges import bridges_add_channel, bridges_create, bridges_destroy
from arion_httpx.api.channels import (
    channels_get,
    channels_get_channel_var,
    channels_hangup,
    channels_originate,
    channels_play,
)
from arion_httpx.models import (
    Channel,
    ChannelsOriginateBody,
    ChannelsOriginateBodyVariables,
    Error,
    StasisStart,
)
from httpx import BasicAuth


def say(step, value=None):
    print("@" + json.dumps({"step": step, "value": value}), flush=True)


auth = BasicAuth(os.environ["ARI_USER"], os.environ["ARI_PASSWORD"])
client = AuthenticatedClient(
    base_url=os.environ["ARI_URL"],
    token="",
    prefix="",
    auth_header_name="X-Unused",
    httpx_args={"auth": auth},
)
body = ChannelsOriginateBody(variables=ChannelsOriginateBodyVariables.from_dict({"WHO": "Clara"}))
made = channels_originate.sync(
    client=client, body=body, endpoint=os.environ["ENDPOINT"], app="tests", app_args="one"
)
assert isinstance(made, Channel)
say("originated")
deadline = time.monotonic() + 10
while channels_get.sync(made.id, client=client).state.value != "Up":
    assert time.monotonic() < deadline
    time.sleep(0.05)
say("variable", channels_get_channel_var.sync(made.id, client=client, variable="WHO").value)
bridge = bridges_create.sync(client=client, type_="mixing", name="generated")
added = bridges_add_channel.sync_detailed(bridge.id, client=client, channel=[made.id])
say("bridged", added.status_code)
played = channels_play.sync(made.id, client=client, media=["sound:hello-world"])
say("playing", played.target_uri == f"channel:{made.id}")
refusal = channels_get.sync("nobody", client=client)
say("refused", refusal.message if isinstance(refusal, Error) else "")
channels_hangup.sync_detailed(made.id, client=client)
say("destroyed", bridges_destroy.sync_detailed(bridge.id, client=client).status_code)

event = StasisStart.from_dict(json.loads(os.environ["EVENT"]))
say("event", [event.args, event.channel.name])
