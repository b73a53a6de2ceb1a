"""Call files: a file that is put into the spool directory becomes a call."""
