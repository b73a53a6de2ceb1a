"""Functions on times."""

from __future__ import annotations

import re
from datetime import datetime

from server.base.errors import InvalidArgument
from server.dialplan.arguments import argument, split_raw
from server.dialplan.registry import function
from server.dialplan.scope import Scope
from server.dialplan.timing import find_zone

_FRACTION = re.compile(r"%(\d)q")  # Asterisk's own: that many digits of the second
MAX_FORMAT = 1_024


@function("STRFTIME")
def format_time(scope: Scope, data: str) -> str:
    """STRFTIME(epoch,timezone,format): now and ``%c`` unless given."""
    arguments = split_raw(data, 3)
    epoch, wanted = argument(arguments, 0).strip(), argument(arguments, 2, "%c")
    if len(wanted) > MAX_FORMAT or "\0" in wanted:
        raise InvalidArgument("STRFTIME", f"a format has at most {MAX_FORMAT} characters")
    try:
        seconds = float(epoch) if epoch else scope.dialplan.node.clock.wall()
        zone = find_zone(argument(arguments, 1).strip())
        moment = datetime.fromtimestamp(seconds, zone) if zone else _local(seconds)
        micros = f"{moment.microsecond:06d}"
        return moment.strftime(_FRACTION.sub(lambda match: micros[: int(match[1])], wanted))
    except (ValueError, OverflowError, OSError) as error:
        raise InvalidArgument("STRFTIME", str(error)) from None


def _local(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds).astimezone()
