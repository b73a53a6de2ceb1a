"""Applications by family. Importing this package declares all of them."""

from server.dialplan.apps import (
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
    say,
    signals,
    stasis,
    subroutines,
    variables,
    waiting,
)

FAMILIES = (
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
    say,
    signals,
    stasis,
    subroutines,
    variables,
    waiting,
)
