"""The REST interface and its WebSocket: HTTP in front of the resources."""
