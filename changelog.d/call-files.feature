Call files: what is moved into `spool/outgoing` becomes a call, at its time, paced, and neither lost nor repeated by a crash. [docs](docs/call-files.md)
