"""Functions by family. Importing this package declares all of them."""

from server.dialplan.functions import (
    channels,
    configuration,
    curl,
    curl_options,
    database,
    dns_records,
    encodings,
    environment,
    extensions,
    fields,
    files,
    groups,
    hashes,
    json_texts,
    locks,
    logic,
    mathematics,
    messages,
    others,
    parties,
    printing,
    records,
    strings,
    subroutines,
    system,
    times,
    transfers,
    uris,
)

FAMILIES = (
    channels, configuration, curl, curl_options, database, dns_records, encodings, environment,
    extensions, fields, files, groups, hashes, json_texts, locks, logic, mathematics, messages,
    others, parties, printing, records, strings, subroutines, system, times, transfers, uris,
)  # fmt: skip
