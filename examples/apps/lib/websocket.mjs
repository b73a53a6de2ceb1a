// A WebSocket client (RFC 6455) for Node releases that have none of their own: Node 22 has one,
// Node 18 and 20 do not. Only what an event stream needs: text messages, ping, close.

import { createHash, randomBytes } from 'node:crypto';
import http from 'node:http';
import https from 'node:https';

const GUID = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11'; // section 1.3
const MAX_MESSAGE = 16 * 1024 * 1024; // bytes
const OPCODES = { CONTINUATION: 0, TEXT: 1, CLOSE: 8, PING: 9, PONG: 10 };

export class WebSocket extends EventTarget {
  #socket;
  #buffer = Buffer.alloc(0);
  #fragments = [];
  #closed = false;

  constructor(url) {
    super();
    const key = randomBytes(16).toString('base64');
    const target = new URL(url);
    const isSecure = target.protocol === 'wss:';
    target.protocol = isSecure ? 'https:' : 'http:';
    const request = (isSecure ? https : http).get(target, {
      headers: {
        Connection: 'Upgrade',
        Upgrade: 'websocket',
        'Sec-WebSocket-Version': '13',
        'Sec-WebSocket-Key': key,
      },
    });
    request.on('upgrade', (response, socket, head) => {
      const accept = createHash('sha1').update(key + GUID).digest('base64');
      if (response.headers['sec-websocket-accept'] !== accept) {
        socket.destroy();
        this.#finish(1006, 'wrong Sec-WebSocket-Accept');
        return;
      }
      this.#open(socket, head);
    });
    request.on('response', (response) => {
      response.resume();
      this.#finish(1006, `refused with ${response.statusCode}`);
    });
    request.on('error', (error) => this.#finish(1006, error.message));
  }

  send(text) {
    this.#write(OPCODES.TEXT, Buffer.from(text));
  }

  close(code = 1000) {
    const payload = Buffer.alloc(2);
    payload.writeUInt16BE(code);
    this.#write(OPCODES.CLOSE, payload);
    this.#socket?.end();
  }

  #open(socket, head) {
    this.#socket = socket;
    socket.setNoDelay(true);
    socket.on('data', (data) => this.#receive(data));
    socket.on('close', () => this.#finish(1006, 'connection lost'));
    socket.on('error', () => {}); // 'close' follows
    this.dispatchEvent(new Event('open'));
    if (head.length) this.#receive(head);
  }

  #receive(data) {
    this.#buffer = Buffer.concat([this.#buffer, data]);
    for (;;) {
      const frame = readFrame(this.#buffer);
      if (frame === undefined) return;
      if (frame === null) {
        this.close(1002);
        return;
      }
      this.#buffer = this.#buffer.subarray(frame.size);
      this.#handle(frame);
    }
  }

  #handle({ opcode, isFinal, payload }) {
    if (opcode === OPCODES.PING) {
      this.#write(OPCODES.PONG, payload);
    } else if (opcode === OPCODES.CLOSE) {
      const code = payload.length >= 2 ? payload.readUInt16BE() : 1005;
      this.close(code === 1005 ? 1000 : code);
      this.#finish(code, payload.subarray(2).toString());
    } else if (opcode === OPCODES.TEXT || opcode === OPCODES.CONTINUATION) {
      this.#fragments.push(payload);
      if (!isFinal) return;
      const text = Buffer.concat(this.#fragments).toString();
      this.#fragments = [];
      this.dispatchEvent(Object.assign(new Event('message'), { data: text }));
    }
  }

  #write(opcode, payload) {
    if (!this.#socket?.writable) return;
    const mask = randomBytes(4); // section 5.3: a client masks what it sends
    const masked = payload.map((byte, index) => byte ^ mask[index % 4]);
    let header = Buffer.from([0x80 | opcode, 0x80 | payload.length]);
    if (payload.length > 65535) {
      header = Buffer.alloc(10);
      header.set([0x80 | opcode, 0x80 | 127]);
      header.writeBigUInt64BE(BigInt(payload.length), 2);
    } else if (payload.length > 125) {
      header = Buffer.alloc(4);
      header.set([0x80 | opcode, 0x80 | 126]);
      header.writeUInt16BE(payload.length, 2);
    }
    this.#socket.write(Buffer.concat([header, mask, masked]));
  }

  #finish(code, reason) {
    if (this.#closed) return;
    this.#closed = true;
    this.dispatchEvent(Object.assign(new Event('close'), { code, reason }));
  }
}

// Return the first frame of a buffer, undefined if it is not all there yet, null if it is wrong.
function readFrame(buffer) {
  if (buffer.length < 2) return undefined;
  let length = buffer[1] & 0x7f;
  let offset = 2;
  if (buffer[0] & 0x70 || buffer[1] & 0x80) return null; // no extensions; a server never masks
  if (length === 126) {
    if (buffer.length < 4) return undefined;
    length = buffer.readUInt16BE(2);
    offset = 4;
  } else if (length === 127) {
    if (buffer.length < 10) return undefined;
    length = Number(buffer.readBigUInt64BE(2));
    offset = 10;
  }
  if (length > MAX_MESSAGE) return null;
  if (buffer.length < offset + length) return undefined;
  return {
    opcode: buffer[0] & 0x0f,
    isFinal: (buffer[0] & 0x80) !== 0,
    payload: buffer.subarray(offset, offset + length),
    size: offset + length,
  };
}
