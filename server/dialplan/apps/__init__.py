"""Applications by family. Importing this package declares all of them."""

from server.dialplan.apps import (
    calls,
    dial,
    flow,
    digits,
    logs,
    music,
    playback,
    record,
    stasis,
    subroutines,
    variables,
    waiting,
)

FAMILIES = (
    calls, dial, flow, input, logs, music, playback, record, stasis, subroutines, variables, waiting
)  # fmt: skip
