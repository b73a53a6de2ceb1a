Media WebSockets work on the TLS port.
