// People are told, machines are not, and the list goes on.

import assert from 'node:assert/strict';

import { suite } from '../lib/kit.mjs';
import { call, campaign, isMachine } from './app.mjs';

const prompts = ['vm-tocallback', 'auth-thankyou', 'hello-world'];

suite('campaign', { prompts }, (test) => {
  test('a list is called', async ({ client, endpoint, alice, bob, carol }) => {
    await client.events('campaign').open();
    const names = ['alice', 'bob', 'carol'].map(endpoint);
    const options = { detect: async () => false, atOnce: 2 };
    const running = campaign(client, names, options);
    running.catch(() => {}); // if the test fails first
    await alice.answer();
    await bob.rings();
    await bob.reject();
    await alice.hears('vm-tocallback');
    await alice.press('1');
    await alice.hears('auth-thankyou');
    await carol.answer();
    await carol.hangUp();
    assert.deepEqual(Object.values(await running), ['accepted', 'not answered', 'told']);
  });

  for (const [words, expected] of [[1, 'told'], [6, 'machine']]) {
    test(`whoever answers with ${words} words: ${expected}`, async ({ client, endpoint, alice }) => {
      await client.events('campaign').open();
      const detect = (channel) => isMachine(channel, { longestHelloS: 1 });
      const running = call(client, endpoint('alice'), detect);
      running.catch(() => {}); // if the test fails first
      await alice.answer();
      for (let count = 0; count < words; count += 1) await alice.says('hello-world');
      if (expected === 'told') {
        await alice.hears('vm-tocallback');
        await alice.hangUp();
      }
      assert.equal(await running, expected);
    });
  }
});
