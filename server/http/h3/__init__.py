"""HTTP/3 (RFC 9114): the same interface over QUIC, and events over WebTransport."""
