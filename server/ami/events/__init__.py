"""The events: what the server's own events become on the wire."""
