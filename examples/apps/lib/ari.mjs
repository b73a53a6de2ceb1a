// As little of an ARI client as the demo applications need: fetch for commands, a WebSocket for
// events. No package is needed.

import { WebSocket as OwnWebSocket } from './websocket.mjs';

const WebSocket = globalThis.WebSocket ?? OwnWebSocket;

// The call went away while something was still to be done with it.
export class HungUp extends Error {}

export class Ari {
  #url;
  #authorization;
  #credentials;
  #socket;
  #handlers = new Map();
  #waiting = new Set();

  constructor({
    url = process.env.ARI_URL ?? 'http://127.0.0.1:8088/ari',
    user = process.env.ARI_USER ?? 'arion',
    password = process.env.ARI_PASSWORD,
  } = {}) {
    if (!password) throw new Error('ARI_PASSWORD is not set; `make run` prints it');
    this.#url = url;
    this.#credentials = `${user}:${password}`;
    this.#authorization = `Basic ${Buffer.from(this.#credentials).toString('base64')}`;
  }

  // Call handler(event) for each event of this type.
  on(type, handler) {
    this.#handlers.set(type, handler);
  }

  // Register the application and deliver its events until the socket closes.
  run(app) {
    const query = new URLSearchParams({ app, api_key: this.#credentials });
    this.#socket = new WebSocket(`${this.#url.replace(/^http/, 'ws')}/events?${query}`);
    return new Promise((resolve) => {
      this.#socket.addEventListener('open', () => console.log(`${app}: connected`));
      this.#socket.addEventListener('message', ({ data }) => this.#deliver(JSON.parse(data)));
      this.#socket.addEventListener('close', ({ code, reason }) => resolve({ code, reason }));
    });
  }

  close() {
    this.#socket?.close();
  }

  // Resolve with the first event that `test` accepts. Ask before the command that causes it.
  // Rejects with HungUp when the channel ends first.
  next(channelId, test) {
    const found = new Promise((resolve, reject) => {
      this.#waiting.add({ channelId, test, resolve, reject });
    });
    found.catch(() => {}); // it is no error when nobody waits any more
    return found;
  }

  get = (path, query) => this.#request('GET', path, query);
  post = (path, query) => this.#request('POST', path, query);
  delete = (path, query) => this.#request('DELETE', path, query);

  async #request(method, path, query = {}) {
    const given = Object.entries(query).filter(([, value]) => value !== undefined);
    const response = await fetch(`${this.#url}${path}?${new URLSearchParams(given)}`, {
      method,
      headers: { Authorization: this.#authorization },
    });
    const text = await response.text();
    if (response.status === 404 && path.startsWith('/channels/')) throw new HungUp(text);
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`);
    return text ? JSON.parse(text) : undefined;
  }

  #deliver(event) {
    for (const waiter of this.#waiting) {
      const isOver = event.type === 'StasisEnd' || event.type === 'ChannelDestroyed';
      if (waiter.test(event)) {
        this.#waiting.delete(waiter);
        waiter.resolve(event);
      } else if (isOver && event.channel.id === waiter.channelId) {
        this.#waiting.delete(waiter);
        waiter.reject(new HungUp(waiter.channelId));
      }
    }
    this.#handlers.get(event.type)?.(event);
  }
}

// Run an application until Ctrl-C: `main(ari)` registers the handlers.
export async function runApp(app, main) {
  const ari = new Ari();
  main(ari);
  let isStopping = false;
  for (const signal of ['SIGINT', 'SIGTERM']) {
    process.on(signal, () => {
      isStopping = true;
      ari.close();
    });
  }
  const { code, reason } = await ari.run(app);
  if (!isStopping) {
    console.error(`${app}: lost the server (${code} ${reason})`);
    process.exitCode = 1;
  }
}

// Make a handler that minds a call of its own: that the call went away is no error.
export function forEachCall(handle) {
  return async (event) => {
    try {
      await handle(event);
    } catch (error) {
      if (!(error instanceof HungUp)) console.error(error);
    }
  };
}
