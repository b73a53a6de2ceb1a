// The menu, by phone.

import assert from 'node:assert/strict';

import { suite } from '../lib/kit.mjs';
import { hello } from './app.mjs';

const dialplan = { 1000: 'Stasis(hello)' };
const contexts = `
[demo]
exten => echo,1,Playback(demo-echotest)
 same => n,Echo()
 same => n,Stasis(hello,menu)
`;
const prompts = [
  'demo-echotest',
  'digits/1',
  'digits/2',
  'digits/3',
  'hello-world',
  'pbx-invalid',
  'vm-goodbye',
  'vm-intro',
  'vm-msgsaved',
  'vm-press',
];

suite('hello', { dialplan, contexts, prompts }, (test) => {
  test('a greeting, a wrong key, and goodbye', async ({ run, alice }) => {
    await run(hello);
    await alice.call('1000');
    await alice.hears('hello-world');
    await alice.hears('vm-press');
    await alice.press('7');
    await alice.hears('pbx-invalid');
    await alice.press('#');
    await alice.hears('vm-goodbye');
    await alice.hearsHangup();
  });

  test('a message is taken and played', async ({ run, client, alice }) => {
    await run(hello);
    await alice.call('1000');
    await alice.hears('vm-press');
    await alice.press('2');
    await alice.hears('vm-intro');
    await alice.hearsTone(1000); // the tone before a recording
    await alice.hearsSilence();
    await alice.says('hello-world');
    await alice.press('#');
    await alice.hears('vm-msgsaved');
    await alice.hears('hello-world');
    await alice.hears('vm-press'); // the menu is back
    const stored = await client.recordings.listStored();
    assert.ok(stored.some(({ name }) => name.startsWith('hello-')));
  });

  test('the dialplan echoes and hands the call back', async ({ run, alice }) => {
    await run(hello);
    await alice.call('1000');
    await alice.hears('vm-press');
    await alice.press('1');
    await alice.hears('demo-echotest');
    await Promise.all([alice.says('hello-world'), alice.hears('hello-world')]);
    await alice.press('#');
    await alice.hears('vm-press');
  });

  test('music until a key', async ({ run, alice }) => {
    await run(hello);
    await alice.call('1000');
    await alice.hears('hello-world');
    await alice.press('3');
    await alice.hears('demo-echotest', { whole: false }); // the music is all prompts, in their order
    await alice.press('5');
    await alice.hears('vm-press');
  });
});
