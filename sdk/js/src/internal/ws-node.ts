/** Node: the package `ws`, which can set headers and tells why a handshake was refused. */

import { WebSocket } from 'ws';

import {
  type Socket,
  type SocketAddress,
  type SocketEnd,
  type SocketHandlers,
  SUBPROTOCOL,
} from './socket.js';

const MAX_MESSAGE = 16 * 1024 * 1024; // bytes
const HANDSHAKE_MS = 10_000;
const SILENCE_MS = 75_000; // the server pings every 30 s: two missed, and it is gone

/** Connect. */
export function openSocket(address: SocketAddress, handlers: SocketHandlers): Socket {
  const socket = new WebSocket(address.url, SUBPROTOCOL, {
    headers: { Authorization: address.authorization },
    maxPayload: MAX_MESSAGE,
    handshakeTimeout: HANDSHAKE_MS,
    perMessageDeflate: false,
  });
  let failure: SocketEnd | undefined;
  let hasPinged = false;
  let timer: NodeJS.Timeout | undefined;

  // Only a server that pings can be missed.
  const onAlive = () => {
    if (hasPinged) {
      clearTimeout(timer);
      timer = setTimeout(() => socket.terminate(), SILENCE_MS);
      timer.unref();
    }
  };
  socket.on('open', () => handlers.onOpen());
  socket.on('ping', () => {
    hasPinged = true;
    onAlive();
  });
  socket.on('message', (data) => {
    onAlive();
    handlers.onMessage(data.toString());
  });
  socket.on('unexpected-response', (request, response) => {
    failure = { code: 1006, reason: response.statusMessage ?? '', status: response.statusCode ?? 0 };
    request.destroy();
    socket.terminate();
  });
  socket.on('error', (error) => {
    failure ??= { code: 1006, reason: error.message };
  });
  socket.on('close', (code, reason) => {
    clearTimeout(timer);
    handlers.onClose(failure ?? { code, reason: reason.toString() });
  });
  return { close: () => socket.close(1000) };
}
