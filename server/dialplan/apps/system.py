"""Applications on the machine, the database and the server's own configuration."""

from __future__ import annotations

from server.base.errors import ChannelHungUp, InvalidArgument, ServerError, Unavailable
from server.dialplan.executor import Call
from server.dialplan.functions.database import store_of
from server.dialplan.functions.hashes import clear_hash
from server.dialplan.processes import run_shell
from server.dialplan.registry import application

NOT_EXECUTABLE = 127  # the shell's exit status for a command that it could not run


@application("System")
async def system(call: Call, data: str) -> None:
    """System(command): run it by the system's shell; a command that can't be run ends the call.

    Sets SYSTEMSTATUS: SUCCESS, APPERROR if it ended with another status than 0, else FAILURE.
    """
    if not await _run(call, "System", data):
        raise ChannelHungUp(call.channel.hangup_cause)


@application("TrySystem")
async def try_system(call: Call, data: str) -> None:
    """TrySystem(command): as System(), but the call goes on in any case."""
    await _run(call, "TrySystem", data)


async def _run(call: Call, name: str, command: str) -> bool:
    if command[:1] == command[-1:] == '"' and len(command) > 1:
        command = command[1:-1]
    variables = call.channel.variables
    variables.set("SYSTEMSTATUS", "FAILURE")
    running = run_shell(command, keeps_output=False)
    try:
        wait = running if call.channel.is_hungup else call.channel.wait(running)
        status, _output = await wait
    except (InvalidArgument, Unavailable) as error:
        call.report(f"{name}: {error}")
        return False
    if status == NOT_EXECUTABLE:
        call.report(f"{name}: unable to execute {command!r}")
        return False
    variables.set("SYSTEMSTATUS", "APPERROR" if status else "SUCCESS")
    return True


@application("Reload")
async def reload(call: Call, data: str) -> None:
    """Reload(module): read configuration again, all if none is named; sets RELOADSTATUS."""
    modules = call.dialplan.modules
    status = "FAILURE"
    try:
        if modules is None:
            raise Unavailable("there is nothing to reload")
        names = [each.name for each in modules if each.can_reload]
        for name in [data.strip()] if data.strip() else names:
            await modules.reload(name)
        status = "SUCCESS"
    except ServerError as error:
        call.report(f"Reload: {error}")
    call.channel.variables.set("RELOADSTATUS", status)


@application("DBdeltree")
def delete_tree(call: Call, data: str) -> None:
    """DBdeltree(family/keytree): delete a family, or what is below a key of it."""
    family, _, key = data.strip().strip("/").partition("/")
    if not family:
        call.report("DBdeltree requires the name of a family")
        return
    store = store_of(call)
    store.delete_tree(f"{family}/{key}" if key else family)
    if key:
        store.delete(family, key)


@application("ClearHash")
def clear(call: Call, data: str) -> None:
    """ClearHash(name): remove every key of a HASH()."""
    clear_hash(call, data.strip())


@application("HangupCauseClear")
def clear_hangup_causes(call: Call, data: str) -> None:
    """HangupCauseClear(): forget what HANGUPCAUSE() knows."""
    call.state.peer_causes.clear()
