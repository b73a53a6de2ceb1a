"""Functions by family. Importing this package declares all of them."""

from server.dialplan.functions import (
    channels,
    database,
    environment,
    extensions,
    logic,
    mathematics,
    messages,
    parties,
    strings,
    times,
    tones,
    transfers,
    uris,
)

FAMILIES = (
    channels, database, environment, extensions, logic, mathematics, messages, parties, strings,
    times, tones, transfers, uris,
)  # fmt: skip
