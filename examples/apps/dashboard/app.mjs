// dashboard: a page that shows all calls as they are. It only listens. See README.md; app.py does
// the same.

import { once } from 'node:events';
import { createServer } from 'node:http';

import { Client, ClientClosed } from 'arion';

import { isMain } from '../lib/main.mjs';

const APP = 'dashboard';
const PORT = 8091;

export const PAGE = `<!doctype html>
<meta charset="utf-8"><title>Calls</title>
<h1>Calls</h1><table id="calls"></table>
<script>
async function show() {
  const calls = await (await fetch('/calls.json')).json();
  const table = document.getElementById('calls');
  table.replaceChildren(...calls.map((call) => {
    const row = document.createElement('tr');
    for (const text of [call.name, call.state, call.caller, call.bridge ?? '', call.keys]) {
      row.insertCell().textContent = text;
    }
    return row;
  }));
}
setInterval(show, 1000); show();
</script>
`;

// All channels of a server, kept up to date by its events.
export class Dashboard {
  calls = new Map();
  #client;

  constructor(client) {
    this.#client = client;
  }

  // Listen until the stream, or the client, is closed.
  async follow() {
    const stream = this.#client.events(APP, { subscribeAll: true });
    await stream.open();
    await this.readAll();
    for await (const event of stream) {
      if (event.type === 'Reconnected') await this.readAll(); // what happened meanwhile was missed
      else this.take(event);
    }
  }

  // Begin anew with what the server says is there.
  async readAll() {
    const channels = await this.#client.channels.list();
    this.calls = new Map(channels.map((channel) => [channel.id, rowOf(channel)]));
    for (const bridge of await this.#client.bridges.list()) {
      for (const id of bridge.channels) if (this.calls.has(id)) this.calls.get(id).bridge = bridge.id;
    }
  }

  // Take an event in.
  take(event) {
    switch (event.type) {
      case 'ChannelCreated':
      case 'ChannelStateChange':
        this.#row(event.channel).state = event.channel.state;
        break;
      case 'ChannelDestroyed':
        this.calls.delete(event.channel.id);
        break;
      case 'ChannelEnteredBridge':
        if (event.channel) this.#row(event.channel).bridge = event.bridge.id;
        break;
      case 'ChannelLeftBridge':
        this.#row(event.channel).bridge = undefined;
        break;
      case 'ChannelDtmfReceived':
        this.#row(event.channel).keys += event.digit;
    }
  }

  // Make the web server.
  server() {
    return createServer(({ url }, response) => {
      if (url === '/calls.json') {
        response.writeHead(200, { 'Content-Type': 'application/json' });
        response.end(JSON.stringify([...this.calls.values()]));
      } else {
        response.writeHead(url === '/' ? 200 : 404, { 'Content-Type': 'text/html' });
        response.end(url === '/' ? PAGE : '');
      }
    });
  }

  #row(channel) {
    if (!this.calls.has(channel.id)) this.calls.set(channel.id, rowOf(channel));
    return this.calls.get(channel.id);
  }
}

function rowOf({ name, state, caller }) {
  return { name, state, caller: caller.number, bridge: undefined, keys: '' };
}

if (isMain(import.meta.url)) {
  const client = new Client();
  const dashboard = new Dashboard(client);
  const web = dashboard.server().listen(Number(process.env.PORT ?? PORT), '127.0.0.1');
  await once(web, 'listening');
  for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => client.close());
  await dashboard.follow().catch((error) => {
    if (!(error instanceof ClientClosed)) throw error; // stopped while it read
  });
  web.close();
}
