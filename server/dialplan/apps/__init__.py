"""Applications by family. Importing this package declares all of them."""

from server.dialplan.apps import (
    ael,
    audiosocket,
    calls,
    dial,
    digits,
    flow,
    logs,
    messages,
    music,
    playback,
    record,
    signals,
    stasis,
    subroutines,
    variables,
    waiting,
)

FAMILIES = (
    ael,
    audiosocket,
    calls,
    dial,
    digits,
    flow,
    logs,
    messages,
    music,
    playback,
    record,
    signals,
    stasis,
    subroutines,
    variables,
    waiting,
)
