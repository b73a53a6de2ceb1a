"""QueueLog()."""

from __future__ import annotations

from server.dialplan.arguments import argument, split_arguments
from server.dialplan.executor import Call
from server.dialplan.queue_log import QueueLog
from server.dialplan.registry import application


@application("QueueLog")
async def write_queue_log(call: Call, data: str) -> None:
    """QueueLog(queue,uniqueid,agent,event,info): write a line of the dialplan's own."""
    arguments = split_arguments(data, 5)
    queue, unique_id, agent, event = (argument(arguments, index) for index in range(4))
    if not (queue and unique_id and agent and event):
        call.report("QueueLog requires a queue, a unique id, an agent and an event")
        return
    await call.dialplan.part(QueueLog).write(queue, unique_id, agent, event, argument(arguments, 4))
