// What is said during a pause is not in the file.

import assert from 'node:assert/strict';

import { NotHeard } from 'arion/testing';

import { suite, until } from '../lib/kit.mjs';
import { recording } from './app.mjs';

const dialplan = { 1400: 'Stasis(recording,PJSIP/bob)', 1401: 'Stasis(listen)' };
const prompts = ['vm-options', 'vm-advopts', 'vm-goodbye'];
const [BEFORE, SECRET, AFTER] = prompts;

suite('recording', { dialplan, prompts }, (test) => {
  test('a pause is not recorded', async ({ run, client, talking, alice, bob, carol }) => {
    await run(recording);
    const known = (await client.recordings.listStored()).map(({ name }) => name);
    await alice.call('1400');
    await bob.answer();
    await talking();
    await alice.says(BEFORE);
    await alice.press('*');
    await alice.says(SECRET);
    await alice.press('*');
    await Promise.all([bob.says(AFTER), alice.hears(AFTER)]);
    await alice.hangUp();
    await bob.hearsHangup();
    let made;
    await until(async () => {
      const stored = await client.recordings.listStored();
      made = stored.find(({ name }) => name.startsWith('calls/') && !known.includes(name));
      return made;
    });

    await run(async (channel) => {
      await channel.answer();
      await channel.say(`recording:${made.name}`);
      await channel.hangup();
    }, 'listen');
    await Promise.all([bob.call('1401'), carol.call('1401')]);
    await Promise.all([
      bob.hears(BEFORE).then(() => bob.hears(AFTER)),
      assert.rejects(carol.hears(SECRET), NotHeard),
    ]);
  });
});
