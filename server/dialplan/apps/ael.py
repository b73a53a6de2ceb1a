"""What extensions.conf needs to call what was written in AEL."""

from __future__ import annotations

from server.dialplan.apps.subroutines import gosub
from server.dialplan.executor import Call
from server.dialplan.registry import application


@application("AELSub")
def ael_sub(call: Call, data: str) -> None:
    """AELSub(routine[,args]): call a macro of extensions.ael."""
    routine, _, arguments = data.partition(",")
    gosub(call, f"{routine.strip()},~~s~~,1({arguments})")
