Outbound WebSockets (`type=outbound_websocket` in ari.conf, websocket_client.conf): the server connects to applications,
for good or for each call, with TLS, proxies and reconnection; `ari show outbound-websockets`, `ari show websocket sessions`.
