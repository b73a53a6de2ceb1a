/** What the stream of events needs of a WebSocket, wherever it runs. */

export interface SocketHandlers {
  onOpen(): void;
  onMessage(text: string): void;
  /** Called once, when the connection is gone or could not be made. */
  onClose(end: SocketEnd): void;
}

/** How a connection ended. */
export interface SocketEnd {
  /** close code of RFC 6455, 1006 if there was none */
  code: number;
  reason: string;
  /** HTTP status of a refused handshake, where the platform tells */
  status?: number;
}

export interface Socket {
  close(): void;
}

export interface SocketAddress {
  url: string;
  /** the `Authorization` header, where one can be set */
  authorization: string;
  /** what says the same in the query, where none can be set */
  credentialQuery: [string, string];
}

export const SUBPROTOCOL = 'ari';
