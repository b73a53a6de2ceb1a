// Calls through the package as an application uses it, against a running server. The caller is a
// Local channel: its other half runs in the dialplan (601 echoes).
//
// ARI_URL, ARI_USER and ARI_PASSWORD say where the server is.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';

import {
  ApiError,
  BadRequest,
  ChannelGone,
  Client,
  NotFound,
  NotListening,
  PlaybackError,
  TimedOut,
  Unauthorized,
} from 'arion';

import './shared.mjs';

const ECHO = 'Local/601@phones';
const access = {
  url: process.env.ARI_URL,
  user: process.env.ARI_USER,
  password: process.env.ARI_PASSWORD,
};
const quiet = { warn() {}, error() {} };
const client = new Client({ ...access, logger: quiet });
const apps = [];

// Run an application; return what its handler returns for the one call that is made into it.
async function withCall(handler, options = {}) {
  const app = `js-${apps.length}`;
  const running = new AbortController();
  apps.push(app);
  let settle;
  const outcome = new Promise((resolve, reject) => {
    settle = { resolve, reject };
  });
  outcome.catch(() => {}); // it may come before it is waited for
  const run = client.run(
    app,
    async (channel, args) => {
      try {
        settle.resolve(await handler(channel, args));
      } catch (error) {
        settle.reject(error);
        throw error;
      }
    },
    { signal: running.signal },
  );
  await until(async () => (await client.applications.list()).some(({ name }) => name === app));
  const made = await client.channels.originate({ endpoint: ECHO, app, appArgs: 'a,b', ...options });
  try {
    return await outcome;
  } finally {
    await made.hangup();
    running.abort();
    await run;
  }
}

async function until(test, ms = 5000) {
  const deadline = Date.now() + ms;
  while (!(await test())) {
    assert.ok(Date.now() < deadline, 'it did not happen in time');
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

before(() => assert.ok(access.url && access.password, 'ARI_URL and ARI_PASSWORD are needed'));

after(async () => {
  await until(async () => !(await client.channels.list()).length);
  assert.deepEqual(await client.bridges.list(), []);
});

test('a call is answered, hears a prompt to its end, and is hung up', async () => {
  const [args, playback] = await withCall(async (channel, args) => {
    await channel.answer();
    const finished = await channel.say('sound:hello-world');
    await channel.hangup();
    await channel.waitGone();
    return [args, finished];
  });
  assert.deepEqual(args, ['a', 'b']);
  assert.equal(playback.state, 'done');
});

test('an end that came before it was asked for is not lost', async () => {
  await withCall(async (channel) => {
    const playback = await channel.play('tone:ring;tonezone=us');
    await playback.stop();
    await channel.waitFor('PlaybackFinished', { timeoutMs: 5000 });
    assert.equal((await playback.finished()).state, 'done');
  });
});

test('what can not be played is an error', async () => {
  await withCall(async (channel) => {
    await assert.rejects(channel.say('sound:no-such-prompt'), PlaybackError);
  });
});

test('a recording ends, is downloaded and deleted', async () => {
  const name = `js-${Date.now()}`;
  await withCall(async (channel) => {
    const recording = await channel.record(name, { maxDurationSeconds: 1 });
    assert.equal((await recording.finished()).state, 'done');
  });
  const stored = await client.recordings.getStored(name);
  const file = Buffer.from(await stored.download());
  assert.equal(file.subarray(0, 4).toString(), 'RIFF');
  await stored.delete();
  await assert.rejects(client.recordings.getStored(name), NotFound);
});

test('digits are taken in order, even those that came before', async () => {
  await withCall(async (channel) => {
    await channel.answer();
    const peer = (await client.channels.list()).find(
      ({ name, id }) => name.startsWith('Local/') && id !== channel.id,
    );
    assert.ok(peer);
    // The other half echoes what it hears, the digits included.
    await channel.sendDTMF({ dtmf: '12', duration: 80, between: 80 });
    assert.equal(await channel.digit({ timeoutMs: 5000 }), '1');
    assert.equal(await channel.digit({ timeoutMs: 5000 }), '2');
    assert.equal(await channel.digit({ timeoutMs: 50 }), undefined);
  });
});

test('events of one call come in order and end with it', async () => {
  await withCall(async (channel) => {
    const seen = [];
    const reading = (async () => {
      for await (const event of channel.events('ChannelVarset', 'StasisEnd')) seen.push(event);
    })();
    await channel.setVariable('COLOUR', 'red');
    assert.equal(await channel.getVariable('COLOUR'), 'red');
    await channel.setVariable('COLOUR', 'blue');
    await channel.hangup();
    await reading;
    const values = seen.filter(({ variable }) => variable === 'COLOUR').map(({ value }) => value);
    assert.deepEqual(values, ['red', 'blue']);
    assert.equal(seen.at(-1).type, 'StasisEnd');
    await assert.rejects(channel.waitFor('ChannelDtmfReceived'), (error) =>
      [ChannelGone, NotListening].some((kind) => error instanceof kind),
    );
  });
});

test('waiting has an end', async () => {
  await withCall(async (channel) => {
    await assert.rejects(channel.waitFor('ChannelHold', { timeoutMs: 30 }), TimedOut);
  });
});

test('a bridge takes channels in and goes with its block', async () => {
  const id = await withCall(async (channel) => {
    const bridge = await client.bridge({ name: 'js' });
    await bridge.add(channel);
    assert.deepEqual((await bridge.refresh()).channels, [channel.id]);
    await bridge.startMoh();
    await bridge.stopMoh();
    assert.equal((await bridge.say('sound:hello-world')).state, 'done');
    await bridge.remove([channel]);
    await bridge[Symbol.asyncDispose]();
    return bridge.id;
  });
  await assert.rejects(client.bridges.get(id), NotFound);
});

test('variables travel in the body', async () => {
  await withCall(
    async (channel) => assert.equal(await channel.getVariable('WHO'), 'js'),
    { variables: { WHO: 'js' } },
  );
});

test('errors say what was asked and why it was refused', async () => {
  const error = await client.channels.get('nobody').catch((failure) => failure);
  assert.ok(error instanceof NotFound && error instanceof ApiError);
  assert.equal(error.status, 404);
  assert.equal(error.operation, 'channels.get');
  assert.equal(error.reason, 'Channel not found');
  await assert.rejects(client.channels.originate({ endpoint: '' }), BadRequest);
  const stranger = new Client({ ...access, password: 'wrong', logger: quiet });
  await assert.rejects(stranger.asterisk.ping(), Unauthorized);
  await assert.rejects(stranger.events('x').open(), Unauthorized);
});

test('waiting without a stream of events is an error, not for ever', async () => {
  const [made] = [await client.channels.originate({ endpoint: ECHO, extension: '601', context: 'phones' })];
  await assert.rejects(made.waitFor('ChannelDtmfReceived'), NotListening);
  await made.hangup();
});

test('a handler that fails has its call ended', async () => {
  await assert.rejects(
    withCall(async () => {
      throw new RangeError('a bug');
    }),
    RangeError,
  );
  await until(async () => (await client.channels.list()).length === 0);
});

test('listeners get their events, and a failing one harms nobody', async () => {
  const stream = client.events('js-listeners', { subscribeAll: true });
  const seen = [];
  stream.on('ChannelUserevent', () => {
    throw new Error('a bug');
  });
  stream.on('ChannelUserevent', (event) => seen.push(event.eventname));
  const stop = stream.on('*', (event) => seen.push(event.type));
  await stream.open();
  await client.userEvents.userEvent('first', { application: 'js-listeners' });
  await until(() => seen.length === 2);
  stop();
  await client.userEvents.userEvent('second', { application: 'js-listeners' });
  await until(() => seen.length === 3);
  assert.deepEqual(seen, ['first', 'ChannelUserevent', 'second']);
  stream.close();
});
