/** The platform's own WebSocket: browsers, Deno, workers. It can't set headers. */

import { type Socket, type SocketAddress, type SocketHandlers, SUBPROTOCOL } from './socket.js';

/** Connect. */
export function openSocket(address: SocketAddress, handlers: SocketHandlers): Socket {
  const url = new URL(address.url);
  url.searchParams.set(...address.credentialQuery);
  const socket = new WebSocket(url, SUBPROTOCOL);
  socket.onopen = () => handlers.onOpen();
  socket.onmessage = ({ data }) => handlers.onMessage(String(data));
  socket.onclose = ({ code, reason }) => handlers.onClose({ code, reason });
  return { close: () => socket.close(1000) };
}
