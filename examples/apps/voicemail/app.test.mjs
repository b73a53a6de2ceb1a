// A message is left, heard and deleted.

import assert from 'node:assert/strict';

import { suite } from '../lib/kit.mjs';
import { voicemail } from './app.mjs';

const dialplan = { 1200: 'Stasis(voicemail,200)', 1201: 'Stasis(voicemail,200,owner)' };
const prompts = ['hello-world', 'vm-intro', 'vm-msgsaved', 'vm-goodbye', 'vm-nomore', 'vm-deleted'];

suite('voicemail', { dialplan, prompts }, (test) => {
  test('a message is left, heard and deleted', async ({ run, client, alice, bob }) => {
    const messages = async () => {
      const stored = await client.recordings.listStored();
      return stored.filter(({ name }) => name.startsWith('voicemail/'));
    };
    for (const message of await messages()) await message.delete(); // of an attempt before
    await run(voicemail);
    await alice.call('1200');
    await alice.hears('vm-intro');
    await alice.hearsTone(1000); // the tone before a recording
    await alice.hearsSilence();
    await alice.says('hello-world');
    await alice.press('#');
    await alice.hears('vm-msgsaved');
    await alice.hearsHangup();
    assert.equal((await messages()).length, 1);

    await bob.call('1201');
    await bob.hears('hello-world');
    await bob.press('5');
    await bob.hears('hello-world');
    await bob.press('7');
    await bob.hears('vm-deleted');
    await bob.hearsHangup();
    assert.deepEqual(await messages(), []);

    await bob.call('1201');
    await bob.hears('vm-nomore');
    await bob.hearsHangup();
  });
});
