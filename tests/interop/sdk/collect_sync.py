"""The same as collect.py without async."""

import json
import sys

import arion.sync

with arion.sync.Client() as client, client.events(sys.argv[1], resume="auto") as events:
    for event in events:
        print(json.dumps(event.raw), flush=True)
