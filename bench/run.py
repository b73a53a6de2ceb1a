"""Measures the server against the limits it is held to, and a bare C program where there is one.

Everything is on loopback; what is started is stopped. ``make bench`` runs this.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
import time
from collections.abc import Awaitable, Callable

import rows_agi
import rows_ami
import rows_calls
import rows_config
import rows_console
import rows_control
import rows_dialplan
import rows_live
import rows_media
import uvloop
from host import BUILD, build_tools
from results import Result, table, write_json

Row = Callable[..., Awaitable[list[Result]]]
ROWS: dict[str, Row] = {
    "relay": rows_media.relay,
    "conference": rows_media.conference,
    "playing": rows_media.playing,
    "calls": rows_calls.calls,
    "register": rows_calls.registrations,
    "steered": rows_calls.steered,
    "dialplan": rows_dialplan.dialplan,
    "fastagi": rows_agi.fastagi,
    "agi": rows_agi.processes,
    "sessions": rows_agi.sessions,
    "ami": rows_ami.actions,
    "dashboards": rows_ami.dashboards,
    "rest": rows_control.requests,
    "events": rows_control.events,
    "reads": rows_live.reads,
    "stream": rows_live.stream,
    "transports": rows_live.transports,
    "idle": rows_control.idle_channels,
    "start": rows_control.start_up,
    "config": rows_config.configuration,
    "rx": rows_console.rx,
}


async def measure(names: list[str], *, is_quick: bool) -> list[Result]:
    """Run the rows of these names, one after the other; say how they went."""
    results: list[Result] = []
    for name in names:
        begin = time.monotonic()
        try:
            found = await ROWS[name](is_quick=is_quick)
        except Exception as error:
            print(f"{name}: failed: {error!r}", file=sys.stderr)
            found = [Result(name, f"{name}: failed", "", float("nan"), 0, note=repr(error)[:80])]
        results += found
        print(f"# {name}, {time.monotonic() - begin:.1f} s", flush=True)
        print(table(found) + "\n", flush=True)
    return results


def main() -> int:
    """Measure, print, write the JSON file; 1 if a limit is missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="shorter runs: under a minute")
    parser.add_argument("--only", default=",".join(ROWS), help="rows, of: %(default)s")
    arguments = parser.parse_args()
    names = arguments.only.split(",")
    if unknown := set(names) - set(ROWS):
        parser.error(f"no such row: {', '.join(sorted(unknown))}")
    build_tools()
    begin = time.monotonic()
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        results = runner.run(measure(names, is_quick=arguments.quick))
    seconds = round(time.monotonic() - begin, 1)
    about = {"seconds": seconds, "cores": os.cpu_count(), "load": os.getloadavg()}
    write_json(BUILD / "result.json", results, about)
    missed = [result.what for result in results if result.verdict == "MISS"]
    print(f"{len(results)} results, {len(missed)} missed, {seconds} s, {BUILD / 'result.json'}")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
