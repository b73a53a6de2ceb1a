"""Functions by family. Importing this package declares all of them."""

from server.dialplan.functions import (
    channels,
    database,
    environment,
    extensions,
    features,
    logic,
    mathematics,
    messages,
    parties,
    strings,
    times,
    transfers,
    uris,
)

FAMILIES = (
    channels, database, environment, extensions, features, logic, mathematics, messages,
    parties, strings, times, transfers, uris,
)  # fmt: skip
