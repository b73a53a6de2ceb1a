"""Files that are shipped with the server, not code."""
