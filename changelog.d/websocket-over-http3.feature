HTTP/3 has the events' WebSocket too (RFC 9220).
