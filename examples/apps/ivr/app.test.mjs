// The menus, by phone. ARION_PYTHON is a Python that has the package arion.

import assert from 'node:assert/strict';
import { after, afterEach, before, beforeEach, test } from 'node:test';

import { startServer } from 'arion/testing';

import { ivr } from './app.mjs';

const PROMPTS = [
  'hello-world',
  'pbx-invalid',
  'vm-advopts',
  'vm-goodbye',
  'vm-instructions',
  'vm-nobodyavail',
  'vm-options',
];
let server;
let app;
let alice;
let bob;

async function until(isSo) {
  const deadline = Date.now() + 10_000;
  while (!(await isSo())) {
    assert.ok(Date.now() < deadline, 'it did not happen in time');
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

before(async () => {
  server = await startServer({ dialplan: { 1100: 'Stasis(ivr)' }, prompts: PROMPTS });
  [alice, bob] = await Promise.all([server.phone('alice'), server.phone('bob')]);
});

beforeEach(async () => {
  const client = server.client();
  app = await server.run('ivr', ivr(client), client);
});

afterEach(() => app.close());

after(() => server.close());

test('a sound, and back to the menu', async () => {
  await alice.call('1100');
  await alice.hears('vm-options');
  await alice.press('1');
  await alice.hears('hello-world');
  await alice.hears('vm-options');
  await alice.hangUp();
});

test('keys pressed ahead need no prompt', async () => {
  await alice.call('1100');
  await alice.press('22');
  await alice.hears('vm-instructions');
  await alice.hears('vm-advopts');
  await alice.press('*');
  await alice.hears('vm-options');
  await alice.hangUp();
});

test('the operator is connected', async () => {
  await alice.call('1100');
  await alice.press('0');
  await bob.answer();
  await until(async () => (await app.client.bridges.list())[0]?.channels.length === 2);
  await Promise.all([alice.says('hello-world'), bob.hears('hello-world')]);
  await bob.hangUp();
  await alice.hearsHangup();
});

test('a caller who gives up stops the ringing', async () => {
  await alice.call('1100');
  await alice.press('0');
  await bob.rings();
  await alice.hangUp();
  await bob.hearsHangup();
});

test('nobody at the desk', async () => {
  await alice.call('1100');
  await alice.press('0');
  await bob.rings();
  await bob.reject();
  await alice.hears('vm-nobodyavail');
  await alice.hangUp();
});

test('three wrong keys end the call', async () => {
  await alice.call('1100');
  for (let count = 0; count < 3; count += 1) {
    await alice.press('9');
    await alice.hears('pbx-invalid');
  }
  await alice.hears('vm-goodbye');
  await alice.hearsHangup();
});
