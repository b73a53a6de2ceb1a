"""Applications around func_odbc.conf and transactions."""

from __future__ import annotations

from server.base.errors import ServerError
from server.dialplan.executor import Call
from server.dialplan.functions.odbc import calls_of
from server.dialplan.registry import application


@application("ODBCFinish")
def finish(call: Call, data: str) -> None:
    """ODBCFinish(result-id): forget the rows that were not fetched."""
    calls_of(call).results.pop(data.strip(), None)


@application("ODBC_Commit")
async def commit(call: Call, data: str) -> None:
    """ODBC_Commit(transaction): keep what it did; COMMIT_RESULT is OK, or what went wrong."""
    await _finish(call, data, "COMMIT_RESULT", commits=True)


@application("ODBC_Rollback")
async def roll_back(call: Call, data: str) -> None:
    """ODBC_Rollback(transaction): undo what it did; ROLLBACK_RESULT is OK, or what went wrong."""
    await _finish(call, data, "ROLLBACK_RESULT", commits=False)


async def _finish(call: Call, data: str, variable: str, *, commits: bool) -> None:
    variables = call.channel.variables
    variables.set(variable, "OK")
    try:
        running = calls_of(call).find(data.strip()).finish(commits=commits)
        await (running if call.channel.is_hungup else call.channel.wait(running))
    except ServerError as error:
        call.report(str(error))
        variables.set(variable, str(error))
