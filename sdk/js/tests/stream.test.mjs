// The stream of events against a WebSocket server of the test: breaks, refusals, garbage.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { test } from 'node:test';

import { WebSocketServer } from 'ws';

import { Client, ConnectionFailed, EventsOverflow, Forbidden, RequestTimeout } from 'arion';

const quiet = { warn() {}, error() {} };

// Serve on a free port; return the address and what it was asked for.
async function serve(onSocket, onRequest) {
  const http = createServer(onRequest ?? ((_, response) => response.writeHead(404).end()));
  const sockets = new WebSocketServer({ server: http });
  const queries = [];
  sockets.on('connection', (socket, request) => {
    queries.push(new URL(request.url, 'http://x').searchParams);
    onSocket(socket, queries.length, request);
  });
  http.listen(0, '127.0.0.1');
  await once(http, 'listening');
  return {
    url: `http://127.0.0.1:${http.address().port}/ari`,
    queries,
    close() {
      for (const socket of sockets.clients) socket.terminate();
      http.closeAllConnections();
      http.close();
    },
  };
}

const event = (type, more = {}) =>
  JSON.stringify({ type, application: 'a', timestamp: 't', ...more });

test('a connection that breaks is made again, and resumed where it was', async () => {
  const server = await serve((socket, count) => {
    socket.send(event('ChannelUserevent', { seq: count * 10 }));
    if (count < 3) setTimeout(() => socket.terminate(), 10);
  });
  const client = new Client({ url: server.url, user: 'u', password: 'p', logger: quiet });
  const seen = [];
  for await (const { seq } of client.events(['a', 'b'], { resume: true })) {
    seen.push(seq);
    if (seen.length === 3) break;
  }
  server.close();
  assert.deepEqual(seen, [10, 20, 30]);
  assert.deepEqual(server.queries.map((query) => query.get('resume')), ['new', '10', '20']);
  assert.equal(server.queries[0].get('app'), 'a,b');
});

test('credentials are in a header, not in the address', async () => {
  let header;
  const server = await serve((_socket, _count, request) => {
    header = request.headers.authorization;
  });
  const stream = new Client({ url: server.url, token: 's3cret', logger: quiet }).events('a');
  await stream.open();
  stream.close();
  server.close();
  assert.equal(header, 'Bearer s3cret');
  assert.equal(server.queries[0].has('access_token'), false);
});

test('without reconnecting a break ends the stream with an error', async () => {
  const server = await serve((socket) => socket.close(1013, 'too slow'));
  const client = new Client({ url: server.url, user: 'u', password: 'p', logger: quiet });
  await assert.rejects(async () => {
    for await (const _ of client.events('a', { reconnect: false }));
  }, ConnectionFailed);
  server.close();
});

test('a refused handshake is not tried again', async () => {
  const http = createServer();
  let count = 0;
  http.on('upgrade', (_request, socket) => {
    count += 1;
    socket.end('HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n');
  });
  http.listen(0, '127.0.0.1');
  await once(http, 'listening');
  const url = `http://127.0.0.1:${http.address().port}/ari`;
  const client = new Client({ url, user: 'u', password: 'p', logger: quiet });
  await assert.rejects(client.events('a').open(), Forbidden);
  http.close();
  assert.equal(count, 1);
});

test('what is no event is ignored, and unknown events come through', async () => {
  const server = await serve((socket) => {
    for (const text of ['garbage', '[]', 'null', '{"type":5}', event('FromTheFuture', { x: 1 })]) {
      socket.send(text);
    }
  });
  const client = new Client({ url: server.url, user: 'u', password: 'p', logger: quiet });
  for await (const found of client.events('a')) {
    assert.equal(found.type, 'FromTheFuture');
    assert.equal(found.x, 1);
    break;
  }
  server.close();
});

test('a program that does not take its events is told', async () => {
  const server = await serve((socket) => {
    for (let k = 0; k < 10_050; k += 1) socket.send(event('ChannelUserevent'));
  });
  const client = new Client({ url: server.url, user: 'u', password: 'p', logger: quiet });
  const iterator = client.events('a')[Symbol.asyncIterator]();
  await iterator.next();
  await new Promise((resolve) => setTimeout(resolve, 500));
  await assert.rejects(async () => {
    for (;;) await iterator.next();
  }, EventsOverflow);
  server.close();
});

test('a server that does not answer is given up', async () => {
  const server = await serve(() => {}, () => {});
  const client = new Client({ url: server.url, user: 'u', password: 'p', timeoutMs: 50 });
  await assert.rejects(client.asterisk.ping(), RequestTimeout);
  server.close();
  await assert.rejects(client.asterisk.ping(), ConnectionFailed);
});
