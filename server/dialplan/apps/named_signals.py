"""Signal() and WaitForSignal(): channels that wait for each other by a name."""

from __future__ import annotations

import asyncio

from server.base.errors import ChannelHungUp
from server.dialplan.arguments import argument, split_arguments
from server.dialplan.executor import Call
from server.dialplan.numbers import parse_seconds
from server.dialplan.port import Dialplan
from server.dialplan.registry import application

_Waiter = asyncio.Future[str]


class Listeners:
    """Who waits for which signal."""

    def __init__(self, _dialplan: Dialplan) -> None:
        self.waiting: dict[str, set[_Waiter]] = {}

    def send(self, name: str, payload: str) -> bool:
        """Wake all who wait; ``False`` if nobody does."""
        listeners = [each for each in self.waiting.get(name, ()) if not each.done()]
        for listener in listeners:
            listener.set_result(payload)
        return bool(listeners)


@application("Signal")
def send_signal(call: Call, data: str) -> None:
    """Signal(name,payload): wake all who wait for it; SIGNALSTATUS is FAILURE if nobody does."""
    arguments = split_arguments(data, 2)
    name = argument(arguments, 0)
    is_heard = bool(name) and call.dialplan.part(Listeners).send(name, argument(arguments, 1))
    call.channel.variables.set("SIGNALSTATUS", "SUCCESS" if is_heard else "FAILURE")


@application("WaitForSignal")
async def wait_for_signal(call: Call, data: str) -> None:
    """WaitForSignal(name,seconds): sets WAITFORSIGNALSTATUS and WAITFORSIGNALPAYLOAD."""
    arguments = split_arguments(data, 2)
    name, timeout = argument(arguments, 0), parse_seconds(argument(arguments, 1))
    variables = call.channel.variables
    if not name:
        call.report("WaitForSignal requires the name of a signal")
        return
    waiting = call.dialplan.part(Listeners).waiting
    signal: _Waiter = asyncio.get_running_loop().create_future()
    waiting.setdefault(name, set()).add(signal)
    try:
        await call.channel.wait(asyncio.wait([signal], timeout=timeout or None))
    except ChannelHungUp:
        variables.set("WAITFORSIGNALSTATUS", "HANGUP")
        raise
    finally:
        waiting[name].discard(signal)
        if not waiting[name]:
            del waiting[name]
        is_sent = signal.done()
        signal.cancel()
    variables.set("WAITFORSIGNALSTATUS", "SIGNALED" if is_sent else "TIMEOUT")
    if is_sent:
        variables.set("WAITFORSIGNALPAYLOAD", signal.result())
