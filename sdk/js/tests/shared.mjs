// Applications that several programs share, and calls out, against a running server. The callers are
// Local channels: their other halves run in the dialplan (601 echoes). Part of calls.test.mjs.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { ChannelGone, Client, ClientClosed, NotAnswered, TimedOut } from 'arion';

const ECHO = 'Local/601@phones';
const quiet = { warn() {}, error() {} };
const client = new Client({ logger: quiet });

async function until(isSo) {
  const deadline = Date.now() + 5000;
  while (!(await isSo())) {
    assert.ok(Date.now() < deadline, 'it did not happen in time');
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

// Start a worker that notes its calls and does with them what it is told.
async function hire(app, worker, handler, options = {}) {
  const calls = [];
  const own = new Client({ logger: quiet });
  const ended = own.run(
    app,
    async (channel, args) => {
      calls.push({ channel, args });
      await handler?.(channel, args);
    },
    { share: { worker }, ...options },
  );
  await until(async () => {
    const workers = await client.applications.listWorkers(app).catch(() => []);
    return workers.some(({ name }) => name === worker);
  });
  const die = async () => {
    own.close();
    await ended;
  };
  return { client: own, calls, die };
}

const call = (app) => client.channels.originate({ endpoint: ECHO, app, appArgs: 'a,b' });

test('a call of a dead worker begins anew', async () => {
  const one = await hire('anew', 'one', (channel) => channel.say('tone:ring;tonezone=us'));
  const made = await call('anew');
  await until(() => one.calls.length);
  const two = await hire('anew', 'two', (channel) => channel.say('sound:hello-world'));
  await one.die();
  await until(() => two.calls.length);
  assert.deepEqual([two.calls[0].channel.id, two.calls[0].args], [made.id, ['a', 'b']]);
  await made.hangup();
  await two.die();
  await assert.rejects(two.client.asterisk.ping(), ClientClosed);
});

test('who talks goes on, and the last one is hung up', async () => {
  const connect = async (channel) => {
    const called = await channel.client.dial(ECHO, { caller: channel });
    await (await channel.client.bridge()).add([channel, called]);
  };
  const one = await hire('talk', 'one', connect);
  const made = await call('talk');
  const bridged = async () => (await client.bridges.list())[0]?.channels.length === 2;
  await until(bridged);
  const two = await hire('talk', 'two', connect);
  await one.die();
  await until(async () => (await client.applications.listWorkers('talk'))[0]?.calls === 2);
  assert.ok(await bridged());
  assert.deepEqual(two.calls, []);
  await made.hangup();
  await until(async () => !(await client.channels.list()).length);
  await until(async () => !(await client.bridges.list()).length);
  await two.die();
});

test('a program may do it its own way', async () => {
  const offers = [];
  const reoffered = async (event) => {
    offers.push(event);
    await event.channel.hangup();
  };
  const one = await hire('own', 'one');
  const made = await call('own');
  await until(() => one.calls.length);
  const two = await hire('own', 'two', undefined, { reoffered });
  await one.die();
  await until(() => offers.length);
  assert.deepEqual([offers[0].channel.id, offers[0].former_worker], [made.id, 'one']);
  assert.deepEqual(two.calls, []);
  await two.die();
});

test('a worker that drains gets no new calls', async () => {
  const other = await hire('drain', 'other', (channel) => channel.hangup());
  const stream = client.events('drain', { share: { worker: 'mine' } });
  const mine = [];
  stream.on('StasisStart', (event) => {
    mine.push(event);
    void event.channel.hangup();
  });
  await stream.open();
  await stream.drain();
  for (let count = 1; count <= 3; count += 1) {
    await call('drain');
    await until(() => other.calls.length === count);
  }
  await stream.undrain();
  await call('drain');
  await call('drain');
  await until(() => mine.length);
  await until(async () => !(await client.channels.list()).length);
  stream.close();
  await other.die();
});

test('calls out: answered, given up, stopped, refused', async () => {
  const stream = client.events('out');
  await stream.open();
  const called = await client.dial(ECHO, { variables: { A: 'b' } });
  assert.equal(await called.getVariable('A'), 'b');
  await assert.rejects(client.firstGone([called], { timeoutMs: 20 }), TimedOut);

  const silent = 'Local/602@phones'; // rings for ever
  const giving = client.dial(silent, { caller: called });
  giving.catch(() => {});
  const stopping = new AbortController();
  const stopped = client.dial(silent, { signal: stopping.signal });
  stopped.catch(() => {});
  await until(async () => (await client.channels.list()).length >= 6);
  stopping.abort(new Error('enough'));
  await assert.rejects(stopped, /enough/);
  await called.hangup();
  await assert.rejects(giving, (error) => {
    return error instanceof ChannelGone && !(error instanceof NotAnswered);
  });
  assert.equal((await client.firstGone([called])).id, called.id);
  assert.equal((await called.waitGone()).channelId, called.id);

  await assert.rejects(client.dial('Local/603@phones'), (error) => {
    return error instanceof NotAnswered && error.cause === 17;
  });
  stream.close();
});

test('several keys, and an event of a command', async () => {
  const stream = client.events('keys');
  await stream.open();
  const called = await client.dial(ECHO);
  await called.sendDTMF({ dtmf: '12*3', duration: 60, between: 60 }); // the other half echoes it
  assert.equal(await called.digits(4, { end: '*' }), '12');
  assert.equal(await called.digit({ timeoutMs: 2000 }), '3');
  await called.sendDTMF({ dtmf: '45', duration: 60, between: 60 });
  const options = { most: 2, firstMs: 2000, betweenMs: 2000 };
  assert.equal(await called.ask('sound:hello-world', options), '45');
  assert.equal(await called.ask('sound:hello-world', { firstMs: 10 }), '');
  const set = () => called.setVariable('COLOUR', 'red');
  const where = ({ value }) => value === 'red';
  const event = await called.expect('ChannelVarset', set, { where, timeoutMs: 2000 });
  assert.equal(event.variable, 'COLOUR');
  const found = await client.expect('ChannelVarset', () => called.setVariable('A', 'b'));
  assert.equal(found.variable, 'A');
  await assert.rejects(called.expect('ChannelHold', async () => {}, { timeoutMs: 20 }), TimedOut);
  await called.hangup();
  stream.close();
});
