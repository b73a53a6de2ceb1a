"""Prints the events of the application that is named as lines of JSON, until it is killed."""

import asyncio
import json
import sys

import arion


async def main() -> None:
    async with arion.Client() as client, client.events(sys.argv[1], resume="auto") as events:
        async for event in events:
            print(json.dumps(event.raw), flush=True)


asyncio.run(main())
