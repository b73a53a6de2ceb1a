"""SIP: a protocol core without I/O, and the transports and legs that use it."""
