// The stream of events against a WebSocket server of the test: breaks, refusals, garbage.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { test } from 'node:test';

import { WebSocketServer } from 'ws';

import { BadRequest, Client, ConnectionFailed, Forbidden, NotSupported, TimedOut } from 'arion';

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
  for await (const { seq } of client.events(['a', 'b'], { resume: 'always' })) {
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

test('of events that nobody takes the oldest go', async () => {
  const server = await serve((socket) => {
    for (let k = 0; k < 10_050; k += 1) socket.send(event('ChannelUserevent', { number: k }));
  });
  const client = new Client({ url: server.url, user: 'u', password: 'p', logger: quiet });
  const stream = client.events('a');
  await stream.open();
  while (stream.dropped < 50) await new Promise((resolve) => setTimeout(resolve, 5));
  for await (const { number } of stream) {
    assert.equal(number, 50);
    break;
  }
  server.close();
});

// A server with a specification, which says that these parameters are there.
function serveWith(parameters, onSocket) {
  const get = { parameters: parameters.map((name) => ({ name })) };
  return serve(onSocket, ({ url }, response) => {
    const isDocument = url.endsWith('/openapi.json');
    response.writeHead(isDocument ? 200 : 404);
    response.end(isDocument ? JSON.stringify({ paths: { '/events': { get } } }) : '{}');
  });
}

test('whoever resumes sees each event once', async () => {
  const server = await serveWith(['resume'], (socket, count) => {
    const numbers = count === 1 ? [7, 9] : [9, 12]; // 9 comes again: it was seen
    for (const seq of numbers) socket.send(event('ChannelUserevent', { seq }));
    if (count === 1) setTimeout(() => socket.terminate(), 10);
  });
  const client = new Client({ url: server.url, user: 'u', password: 'p', logger: quiet });
  const seen = [];
  for await (const { seq } of client.events('a', { resume: 'auto' })) {
    seen.push(seq);
    if (seen.length === 3) break;
  }
  server.close();
  assert.deepEqual(seen, [7, 9, 12]);
  assert.deepEqual(server.queries.map((query) => query.get('resume')), ['new', '9']);
});

test('a server that numbers nothing is asked for nothing, and a gap is told', async () => {
  const server = await serveWith([], (socket, count) => {
    if (count === 1) {
      const start = { args: [], channel: { id: 'gone' } };
      socket.send(event('StasisStart', start));
      setTimeout(() => socket.terminate(), 10);
    }
  });
  const client = new Client({ url: server.url, user: 'u', password: 'p', logger: quiet });
  let channel;
  for await (const found of client.events('a', { resume: 'auto' })) {
    if (found.type === 'StasisStart') channel = found.channel;
    else {
      assert.equal(found.type, 'Reconnected');
      await channel.waitGone({ timeoutMs: 1000 });
      break;
    }
  }
  server.close();
  for (const query of server.queries) assert.deepEqual([...query.keys()], ['app']);
});

test('a refused number leads back to plain events, unless somebody insists', async () => {
  const http = createServer(({ url }, response) => {
    const get = { parameters: [{ name: 'resume' }] };
    response.end(url.endsWith('.json') ? JSON.stringify({ paths: { '/events': { get } } }) : '');
  });
  const asked = [];
  http.on('upgrade', (request, socket) => {
    asked.push(new URL(request.url, 'http://x').searchParams.get('resume'));
    const status = asked.at(-1) ? '400 Bad Request' : '403 Forbidden';
    socket.end(`HTTP/1.1 ${status}\r\nContent-Length: 0\r\n\r\n`);
  });
  http.listen(0, '127.0.0.1');
  await once(http, 'listening');
  const url = `http://127.0.0.1:${http.address().port}/ari`;
  const client = new Client({ url, user: 'u', password: 'p', logger: quiet });
  await assert.rejects(client.events('a', { resume: 'auto' }).open(), Forbidden);
  await assert.rejects(client.events('a', { resume: 'always' }).open(), BadRequest);
  assert.deepEqual(asked, ['new', null, 'new']);
  http.closeAllConnections();
  http.close();
});

test('what is shared is asked for, and a server that can not share is not used', async () => {
  const server = await serveWith(['share'], () => {});
  const client = new Client({ url: server.url, user: 'u', password: 'p', logger: quiet });
  const stream = client.events('a', { share: { worker: 'w', weight: 3 } });
  await stream.open();
  stream.close();
  server.close();
  assert.deepEqual(Object.fromEntries(server.queries[0]), {
    app: 'a', share: 'true', worker: 'w', weight: '3',
  });
  await assert.rejects(client.events('a').drain(), TypeError);

  const plain = await serveWith([], () => {});
  const other = new Client({ url: plain.url, user: 'u', password: 'p', logger: quiet });
  await assert.rejects(other.events('a', { share: {} }).open(), NotSupported);
  plain.close();
  assert.deepEqual(plain.queries, []);
});

test('a server that does not answer is given up', async () => {
  const server = await serve(() => {}, () => {});
  const client = new Client({ url: server.url, user: 'u', password: 'p', timeoutMs: 50 });
  await assert.rejects(client.asterisk.ping(), TimedOut);
  server.close();
  await assert.rejects(client.asterisk.ping(), ConnectionFailed);
});
