// A message is left, heard and deleted. ARION_PYTHON is a Python that has the package arion.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';

import { startServer } from 'arion/testing';

import { voicemail } from './app.mjs';

const PROMPTS = ['hello-world', 'vm-intro', 'vm-msgsaved', 'vm-goodbye', 'vm-nomore', 'vm-deleted'];
let server;

before(async () => {
  const dialplan = { 1200: 'Stasis(voicemail,200)', 1201: 'Stasis(voicemail,200,owner)' };
  server = await startServer({ dialplan, prompts: PROMPTS });
});

after(() => server.close());

test('a message is left, heard and deleted', async () => {
  const client = server.client();
  const app = await server.run('voicemail', voicemail(client), client);
  const [alice, bob] = await Promise.all([server.phone('alice'), server.phone('bob')]);

  await alice.call('1200');
  await alice.hears('vm-intro');
  await alice.hearsTone(1000); // the tone before a recording
  await alice.hearsSilence();
  await alice.says('hello-world');
  await alice.press('#');
  await alice.hears('vm-msgsaved');
  await alice.hearsHangup();
  assert.equal((await client.recordings.listStored()).length, 1);

  await bob.call('1201');
  await bob.hears('hello-world');
  await bob.press('5');
  await bob.hears('hello-world');
  await bob.press('7');
  await bob.hears('vm-deleted');
  await bob.hearsHangup();
  assert.deepEqual(await client.recordings.listStored(), []);

  await bob.call('1201');
  await bob.hears('vm-nomore');
  await bob.hearsHangup();
  await app.close();
});
